"""What the hooks and the fixtures of one pytest process share."""

from __future__ import annotations

from typing import Callable, List, Optional

import pytest

from .farm import Farm, Leased
from .secret import Masks


class State:
    """The farm of the process, once a test has asked for it."""

    def __init__(self, masks: Masks, new_farm: Callable[[Callable[[], str]], Farm]) -> None:
        self.masks = masks
        self.farm: Optional[Farm] = None
        self.worker: Optional[Leased] = None  # that of worker_account
        self.running = ""  # the test
        self._new_farm = new_farm

    def open(self) -> Farm:
        """Raises SettingsError."""
        if self.farm is None:
            self.farm = self._new_farm(lambda: self.running)
        return self.farm


STATE = pytest.StashKey[State]()

# Of a test: whether it has failed, and the leases that it holds.
FAILED = pytest.StashKey[bool]()
LEASED = pytest.StashKey[List[Leased]]()
