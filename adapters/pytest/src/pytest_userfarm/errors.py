"""What can go wrong between a test and the farm. No text of these errors has a secret."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Dict, List, Optional


class FarmError(Exception):
    """The base of all errors of this package."""


class SettingsError(FarmError):
    """A setting, a profile or a marker can't be used."""


class UnreachableError(FarmError):
    """The farm does not answer, or what answers is not a farm. The call may have been carried out."""


class ProblemError(FarmError):
    """The farm has refused a request. ``code`` is for programs, and the text for people."""

    def __init__(self, problem: Dict[str, Any], retry_after: float, doubtful: bool = False) -> None:
        self.problem = problem
        self.code: str = str(problem.get("code", ""))
        self.retry_after = retry_after
        self.doubtful = doubtful  # an earlier attempt got no answer, and may have been carried out
        super().__init__(_text(problem))


class NotFreeError(FarmError):
    """No matching user came free in time. The text says who holds them."""


class LeaseLostError(FarmError):
    """The lease is over, and another test may have its users."""


_ADVICE = {
    "unauthorized": "put an API key into USERFARM_API_KEY or into a profile; "
    "an admin makes one with: userfarm keys create --role tester --name NAME",
    "forbidden": "use an API key with another role or other projects; userfarm keys list shows them to the operator of the farm",
    "no_match": "userfarm users list shows which users there are",
    "user_not_found": "userfarm users list shows which users there are",
}


def _text(problem: Dict[str, Any]) -> str:
    lines: List[str] = [str(problem.get("detail") or problem.get("title") or problem.get("code"))]
    if problem.get("code") == "no_match":
        lines = ["no user matches:"] + ["  " + miss for miss in re.split(r" For /users/\d+: ", lines[0])[1:]]
    else:
        lines += [f"{bad.get('pointer')}: {bad.get('detail')}" for bad in problem.get("errors") or []]
    advice = _ADVICE.get(str(problem.get("code")))
    return "\n".join(lines + ([advice] if advice else []))


def clock(moment: Optional[str]) -> str:
    """Returns the local time of day of a time of the farm."""
    if not moment:
        return ""
    seconds = moment.rstrip("Z").partition(".")[0]
    return datetime.fromisoformat(seconds + "+00:00").astimezone().strftime("%H:%M:%S")
