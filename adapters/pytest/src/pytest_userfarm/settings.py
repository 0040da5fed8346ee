"""The settings of a run: option, else environment variable, else profile, else ini file, else default."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Mapping, Protocol, Sequence

from . import profiles
from .errors import SettingsError
from .secret import Secret

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_TTL = "60"
DEFAULT_WAIT = "300"
ON_FAILURE = ("release", "quarantine")


class Given(Protocol):
    """What the command line and the ini file say. An empty text is not set."""

    def option(self, name: str) -> str: ...

    def ini(self, name: str) -> str: ...

    def ini_list(self, name: str) -> Sequence[str]: ...


@dataclass(frozen=True)
class Settings:
    """Times are in seconds."""

    url: str
    api_key: Secret = field(repr=False)
    project: str
    env: str
    domain: str
    labels: Dict[str, str]
    ttl: int
    wait: int
    on_failure: str
    owner: str


def settings(given: Given, environ: Mapping[str, str]) -> Settings:
    """Raises SettingsError."""
    profile = profiles.profile(given.option("profile") or environ.get("USERFARM_PROFILE", ""), environ)
    key_file = environ.get("USERFARM_API_KEY_FILE", "")
    url = given.option("url") or environ.get("USERFARM_URL") or profile.url or given.ini("url") or DEFAULT_URL
    # The key of a profile is sent to the address of that profile only: no other farm must get it.
    of_profile = profile.url.rstrip("/") in ("", url.rstrip("/"))
    if key_file:
        api_key = profiles.read(Path(key_file)).strip()
    else:
        api_key = environ.get("USERFARM_API_KEY") or (profile.key() if of_profile else "")
    if not api_key.isascii() or re.search(r"\s", api_key):
        raise SettingsError("the API key must be one line of ASCII without blanks")
    return Settings(
        url=url,
        api_key=Secret(api_key),
        project=given.option("project") or profile.project or given.ini("project"),
        env=given.option("env") or profile.env or given.ini("env"),
        domain=given.option("domain") or given.ini("domain"),
        labels=labels(given.ini_list("labels")),
        ttl=seconds("ttl", given.option("ttl") or given.ini("ttl") or DEFAULT_TTL, least=1),
        wait=seconds("wait", given.option("wait") or given.ini("wait") or DEFAULT_WAIT, least=0),
        on_failure=on_failure(given.option("on_failure") or given.ini("on_failure") or "release"),
        owner=given.option("owner") or environ.get("USERFARM_OWNER", ""),
    )


_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


def seconds(name: str, value: object, *, least: int) -> int:
    """Returns a time such as 90, "90", "90s", "5m" or "1h30m" in seconds. Raises SettingsError."""
    match = _DURATION.fullmatch(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    if match is None or not match[0]:
        raise SettingsError(f"{name} must be seconds, or a time such as 90s, 5m or 1h30m")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    time = hours * 3600 + minutes * 60 + rest
    if time < least:
        raise SettingsError(f"{name} must be at least {least} s")
    return time


def on_failure(value: object) -> str:
    if value not in ON_FAILURE:
        raise SettingsError(f"on_failure must be {' or '.join(ON_FAILURE)}")
    return str(value)


def labels(lines: Sequence[str]) -> Dict[str, str]:
    """Returns the labels of lines such as role=buyer. Raises SettingsError."""
    found: Dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise SettingsError("each line of userfarm_labels must be KEY=VALUE, such as role=admin")
        found[key.strip()] = value.strip()
    return found
