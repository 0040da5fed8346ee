"""Texts that no report may show."""

from __future__ import annotations

import json
import re
import threading
from typing import Any, Dict, Optional, Pattern, Set
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
        self._patterns: Dict[str, Optional[Pattern[str]]] = {}  # None for a text that is simply replaced

    def add(self, secret: str) -> None:
        """Hides a secret from now on, also as it is written in Python, JSON and URLs."""
        spellings = {str(secret), json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""), quote_plus(secret)}
        with self._lock:
            for text in sorted(spellings):
                if len(text) >= self._shortest:
                    self._patterns[text] = self._patterns.pop(text, None) or self._pattern(text)
            while len(self._patterns) > self._most:
                del self._patterns[next(iter(self._patterns))]

    def _pattern(self, text: str) -> Optional[Pattern[str]]:
        if len(text) < self._long:
            return re.compile(rf"(?<!\w){quoted(text)}(?!\w)")
        if len(text) > _MOST_QUOTED or not set(text) & _QUOTES:
            return None
        return re.compile(quoted(text))

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
            patterns = sorted(self._patterns.items(), key=lambda pair: len(pair[0]), reverse=True)
        for secret, pattern in patterns:
            text = pattern.sub(REDACTED, text) if pattern else text.replace(secret, REDACTED)
        return text


_QUOTES = set("'\"\\")
_MOST_QUOTED = 1000  # a longer pattern is slow, and only sessions are longer: what is in them is hidden on its own


def quoted(text: str) -> str:
    """Returns a regular expression for a text with any number of backslashes before its quotes, as in the repr of a repr."""
    parts = []
    for letter in text:
        if letter == "\\":
            parts.append(r"\\+")
        else:
            parts.append((r"\\*" if letter in _QUOTES else "") + re.escape(letter))
    return "".join(parts)


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
