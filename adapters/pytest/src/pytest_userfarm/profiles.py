"""The file with profiles: farms that a person uses, under names. The command userfarm reads the same file."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from .errors import SettingsError

_FIELDS = ("url", "api_key", "api_key_file", "project", "env")


@dataclass(frozen=True)
class Profile:
    """A profile of the file; empty texts are not set."""

    folder: Path
    url: str = ""
    api_key: str = ""
    api_key_file: str = ""
    project: str = ""
    env: str = ""

    def __repr__(self) -> str:
        return f"<profile of {self.url or 'no farm'}>"

    def key(self) -> str:
        """Returns the API key, also if it is in a file of its own. Raises SettingsError."""
        if not self.api_key_file:
            return self.api_key
        return read(self.folder / self.api_key_file).strip()


def folder(environ: Mapping[str, str]) -> Path:
    """Returns where userfarm keeps its configuration."""
    said = Path(environ.get("XDG_CONFIG_HOME", ""))
    if said.is_absolute():
        base = said
    elif sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path.home() / ".config"
    return base / "userfarm"


def profile(name: str, environ: Mapping[str, str]) -> Profile:
    """Returns the profile with a name; without a name, the default of the file. Raises SettingsError."""
    path = folder(environ) / "profiles.json"
    if not path.exists():
        if name:
            raise SettingsError(f'there is no profile "{name}": {path} does not exist')
        return Profile(path.parent)
    content = parse(path)
    profiles: Dict[str, Any] = content.get("profiles", {})
    if any(isinstance(found, dict) and found.get("api_key") for found in profiles.values()):
        refuse_if_others_can_read(path)
    name = name or content.get("default") or ""
    if not name:
        return Profile(path.parent)
    found: Optional[Any] = profiles.get(name)
    if not isinstance(found, dict):
        raise SettingsError(f'there is no profile "{name}" in {path}, which has {", ".join(sorted(profiles)) or "none"}')
    for field, value in found.items():
        if field not in _FIELDS:
            raise SettingsError(f'{path}: profile "{name}" has the unknown field "{field}"; known are {", ".join(_FIELDS)}')
        if not isinstance(value, str):
            raise SettingsError(f'{path}: profile "{name}": {field} must be a text')
    if found.get("api_key") and found.get("api_key_file"):
        raise SettingsError(f'{path}: profile "{name}" has both api_key and api_key_file')
    return Profile(path.parent, **found)


def parse(path: Path) -> Dict[str, Any]:
    try:
        content = json.loads(read(path))
    except ValueError as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingsError(f"{path} is not JSON{where}") from None
    if not isinstance(content, dict) or not isinstance(content.get("profiles", {}), dict):
        raise SettingsError(f'{path} must be like {{"default": "work", "profiles": {{"work": {{"url": "https://farm.example.com"}}}}}}')
    return content


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None


def refuse_if_others_can_read(path: Path) -> None:
    """Raises SettingsError for a file with an API key that other accounts of the machine can read."""
    if os.name == "nt":
        return
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    if mode & 0o077:
        raise SettingsError(f"{path} has an API key, and others on this machine can read it (mode {mode:04o}): chmod 600 {path}")
