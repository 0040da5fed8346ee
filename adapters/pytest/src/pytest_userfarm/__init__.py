"""Gives each test a test user that no other test has, from a userfarm.

The fixtures are ``account``, ``accounts``, ``worker_account`` and ``userfarm``; the README explains them. This module has what type
annotations and ``except`` clauses need.
"""

from __future__ import annotations

from .account import Account, Accounts
from .errors import FarmError, LeaseLostError, NotFreeError, ProblemError, SettingsError, UnreachableError
from .farm import Farm
from .secret import Secret

__all__ = [
    "Account",
    "Accounts",
    "Farm",
    "FarmError",
    "LeaseLostError",
    "NotFreeError",
    "ProblemError",
    "Secret",
    "SettingsError",
    "UnreachableError",
]
