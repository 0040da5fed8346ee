"""Texts that no report may show."""

from __future__ import annotations

import json
import re
import threading
from typing import Any, Dict, Set
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"


class Secret(str):
    """A text for the site under test. Its ``repr`` hides it, so that ``-l`` and assertions do not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return REDACTED


class Masks:
    """The secrets of this process that a report may contain, because a test printed or compared them. Safe for threads."""

    # A lease has some secrets of its own, so those of leases that ended long ago are forgotten.
    _most = 2000
    # A longer secret is replaced wherever it stands. A shorter one may be part of a word, so it is replaced as a whole word only.
    _long = 8
    _shortest = 3

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: Dict[str, None] = {}

    def add(self, secret: str) -> None:
        """Hides a secret from now on, also as it is written in Python, JSON and URLs."""
        spellings = {secret, repr(str(secret))[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}
        with self._lock:
            for text in sorted(spellings):
                if len(text) >= self._shortest:
                    self._texts.pop(text, None)
                    self._texts[str(text)] = None
            while len(self._texts) > self._most:
                del self._texts[next(iter(self._texts))]

    def add_session(self, session: str) -> None:
        """Hides a session, and the values of its cookies and storage if it is the storage state of Playwright."""
        self.add(session)
        try:
            state = json.loads(session)
        except ValueError:
            return
        for value in values_of(state):
            if len(value) >= self._long:
                self.add(value)

    def apply(self, text: str) -> str:
        """Returns the text without the secrets."""
        with self._lock:
            secrets = [secret for secret in self._texts if secret in text]
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= self._long:
                text = text.replace(secret, REDACTED)
            else:
                text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", REDACTED, text)
        return text


def values_of(state: Any) -> Set[str]:
    """Returns all texts that have the name ``value``, as those of cookies have in a storage state."""
    found: Set[str] = set()
    if isinstance(state, dict):
        for name, part in state.items():
            if name == "value" and isinstance(part, str):
                found.add(part)
            else:
                found |= values_of(part)
    elif isinstance(state, list):
        for part in state:
            found |= values_of(part)
    return found
