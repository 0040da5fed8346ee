"""Reports of tests without secrets."""

from __future__ import annotations

from typing import Any, Callable

import pytest


def mask(report: pytest.TestReport, masked: Callable[[str], str]) -> None:
    """Removes secrets from all that a report shows: tracebacks with their locals and comparisons, and captured output."""
    report.sections = [(title, masked(text)) for title, text in report.sections]
    report.longrepr = _masked(report.longrepr, masked)


def _masked(part: Any, masked: Callable[[str], str]) -> Any:
    """Returns a part of a traceback without secrets. The classes differ between versions of pytest, so this visits what there is."""
    if isinstance(part, str):
        return masked(part)
    if isinstance(part, list):
        return [_masked(item, masked) for item in part]
    if type(part) is tuple:
        return tuple(_masked(item, masked) for item in part)
    if type(part).__module__.startswith("_pytest.") and hasattr(part, "__dict__"):
        for name, value in vars(part).items():
            vars(part)[name] = _masked(value, masked)
    return part
