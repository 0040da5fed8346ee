"""Which users a test wants: its markers, and the settings for what they leave out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Protocol, Tuple

from .errors import SettingsError
from .settings import Settings, on_failure, seconds

_FIELDS = ("project", "env", "domain", "labels", "user_id")
_TERMS = ("ttl", "wait", "on_failure")

Arguments = Mapping[str, Any]
# The name of a user in ``accounts``; None is that of ``account``.
Name = Optional[str]


@dataclass(frozen=True)
class Want:
    """The users of one lease, and its terms. Times are in seconds."""

    fields: Dict[Name, Dict[str, Any]] = field(default_factory=dict)
    ttl: int = 60
    wait: int = 300
    on_failure: str = "release"

    def __str__(self) -> str:
        return " and ".join(_described(name, fields) for name, fields in self.fields.items())


def want(settings: Settings, for_all: Arguments, named: Mapping[Name, Arguments]) -> Want:
    """Returns the want for users under names. ``for_all`` are arguments that apply to all of them. Raises SettingsError."""
    check(for_all, _FIELDS + _TERMS)
    terms = {"ttl": settings.ttl, "wait": settings.wait, "on_failure": settings.on_failure}
    terms.update({key: value for key, value in for_all.items() if key in _TERMS})
    fields: Dict[Name, Dict[str, Any]] = {}
    for name, arguments in named.items():
        check(arguments, _FIELDS)
        defaults = {"project": settings.project, "env": settings.env, "domain": settings.domain, "labels": settings.labels}
        only = {key: value for key, value in for_all.items() if key in _FIELDS}
        fields[name] = _merged(defaults, only, arguments)
    return Want(fields, **_terms(terms))


def _terms(arguments: Arguments) -> Dict[str, Any]:
    checks: Dict[str, Callable[[Any], Any]] = {
        "ttl": lambda value: seconds("ttl", value, least=1), "wait": lambda value: seconds("wait", value, least=0), "on_failure": on_failure,
    }  # fmt: skip
    return {key: checks[key](value) for key, value in arguments.items() if key in _TERMS}


def check(arguments: Arguments, allowed: Tuple[str, ...]) -> None:
    for key, value in arguments.items():
        if key not in allowed:
            raise SettingsError(f"unknown argument {key} of the marker userfarm; it takes {', '.join(allowed)}")
        if key == "labels":
            if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
                raise SettingsError('labels must be texts, such as labels={"role": "admin"}')
        elif key in _FIELDS and not isinstance(value, str):
            raise SettingsError(f"{key} must be a text")


def _merged(*layers: Arguments) -> Dict[str, Any]:
    """Later layers win; labels are merged one by one. A user that is named by its id needs no other fields."""
    merged: Dict[str, Any] = {}
    for layer in layers:
        if layer.get("user_id"):
            merged = {"user_id": layer["user_id"]}
            continue
        for key, value in layer.items():
            if key == "labels":
                merged["labels"] = {**merged.get("labels", {}), **value}
            elif value:
                merged.pop("user_id", None)
                merged[key] = value
    return {"user_id": merged["user_id"]} if "user_id" in merged else {key: value for key, value in merged.items() if value}


class Mark(Protocol):
    """A marker of pytest."""

    @property
    def args(self) -> Tuple[Any, ...]: ...

    @property
    def kwargs(self) -> Arguments: ...


def checked_markers(markers: Iterable[Mark]) -> Tuple[Dict[str, Any], Dict[Name, Arguments]]:
    """Like of_markers. Raises SettingsError for everything that is wrong in any case, whatever the settings are."""
    for_all, named = of_markers((mark.args, mark.kwargs) for mark in markers)
    check(for_all, _FIELDS + _TERMS)
    _terms(for_all)
    for arguments in named.values():
        check(arguments, _FIELDS)
    return for_all, named


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def of_markers(markers: Iterable[Tuple[Tuple[Any, ...], Arguments]]) -> Tuple[Dict[str, Any], Dict[Name, Arguments]]:
    """Returns the arguments for all users, and those of each named one. Markers that are closer to the test come first, and win."""
    for_all: Dict[str, Any] = {}
    named: Dict[Name, Arguments] = {}
    for args, kwargs in reversed(list(markers)):
        if not args:
            for_all = _layered(for_all, kwargs)
            continue
        name = args[0]
        if len(args) > 1 or not isinstance(name, str) or not _NAME.fullmatch(name):
            raise SettingsError('the marker userfarm takes one name at most, such as @pytest.mark.userfarm("seller", labels={…})')
        named[name] = _layered(named.get(name, {}), kwargs)
    return for_all, named


def _layered(under: Arguments, over: Arguments) -> Dict[str, Any]:
    both = {**under, **over}
    if isinstance(under.get("labels"), Mapping) and isinstance(over.get("labels"), Mapping):
        both["labels"] = {**under["labels"], **over["labels"]}
    return both


def _described(name: Name, fields: Mapping[str, Any]) -> str:
    parts: List[str] = [f"{key} {value}" for key, value in fields.items() if key != "labels"]
    parts += [f"{key}={value}" for key, value in (fields.get("labels") or {}).items()]
    what = ", ".join(parts) or "any user"
    return f"{name} ({what})" if name else what
