"""The farm, as the fixtures use it."""

from __future__ import annotations

import unicodedata
import uuid
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from .account import Account, Accounts
from .errors import FarmError, SettingsError
from .hold import Hold
from .http import Api
from .line import Line
from .secret import Masks
from .settings import Settings
from .want import Name, Want, want

_LONGEST_NOTE = 1024  # that the farm accepts


class Leased:
    """A lease with its users, by the names under which they were wanted."""

    def __init__(self, hold: Hold, accounts: Mapping[Name, Account], wanted: Want) -> None:
        self.hold, self.accounts, self.want = hold, dict(accounts), wanted

    def __repr__(self) -> str:
        return f"<lease of {self.hold.logins}>"

    def quarantine_all(self, reason: str) -> None:
        for account in self.accounts.values():
            account.quarantine(reason)


class Farm:
    """Acquires users for tests. ``note`` returns what they are for, such as the name of the running test."""

    def __init__(
        self, settings: Settings, owner: str, *, note: Callable[[], str], masks: Masks, show: Callable[[str], None]
    ) -> None:
        self.url, self.owner = settings.url.rstrip("/"), owner
        self._settings, self._note, self._masks, self._show = settings, note, masks, show
        if settings.api_key:
            masks.add(settings.api_key)
        self._api = Api(settings.url, settings.api_key)
        self._project_ids: Dict[str, str] = {}
        self._held: List[Hold] = []

    def __repr__(self) -> str:
        return f"<userfarm {self.url}>"

    @contextmanager
    def account(self, **arguments: Any) -> Iterator[Account]:
        """A user for a part of a test. It takes the arguments of the marker. Raises LeaseLostError at the end if it was lost."""
        with self._leased(self.want(arguments, {None: {}})) as leased:
            yield leased.accounts[None]

    @contextmanager
    def accounts(self, **arguments: Mapping[str, Any]) -> Iterator[Accounts]:
        """Several users at once: ``userfarm.accounts(seller={"labels": {…}}, buyer={"labels": {…}})``."""
        named: Dict[Name, Mapping[str, Any]] = {name: fields for name, fields in arguments.items()}
        with self._leased(self.want({}, named)) as leased:
            yield Accounts({name: account for name, account in leased.accounts.items() if name})

    @contextmanager
    def _leased(self, wanted: Want) -> Iterator[Leased]:
        leased = self.acquire(wanted)
        try:
            yield leased
        except BaseException:
            self.release(leased)
            raise
        self.release(leased)
        if leased.hold.lost:
            raise leased.hold.lost

    def want(self, for_all: Mapping[str, Any], named: Mapping[Name, Mapping[str, Any]]) -> Want:
        """Raises SettingsError."""
        return want(self._settings, for_all, named)

    def acquire(self, wanted: Want) -> Leased:
        """Waits for users, and keeps them until they are released. Raises FarmError."""
        __tracebackhide__ = True
        request = {
            "users": [self._selector(fields) for fields in wanted.fields.values()],
            "owner": self.owner,
            "note": self._note()[:_LONGEST_NOTE],
            "ttl_seconds": wanted.ttl,
        }
        try:
            lease, since = Line(self._api, request, wanted.wait, hide=self._masks.add, show=self._show).acquire()
        except FarmError as error:
            error.args = (f"{error}\nwanted: {wanted}",)
            raise
        self._masks.add(lease["lease_id"])
        hold = Hold(self._api, lease, wanted.ttl, since)
        self._held.append(hold)
        users = dict(zip(wanted.fields, lease["users"]))
        return Leased(hold, {name: Account(hold, user, self._masks) for name, user in users.items()}, wanted)

    def release(self, leased: Leased) -> Optional[FarmError]:
        """Returns the error if the farm does not do it. The users are then free when the lease has expired."""
        try:
            leased.hold.release()
        except FarmError as error:
            return error
        self._held.remove(leased.hold)
        return None

    def close(self) -> None:
        """Releases what is still held, because the run was interrupted."""
        while self._held:
            try:
                self._held.pop().release(retry_for=0)
            except FarmError:
                pass  # its time to live ends soon

    def _selector(self, fields: Mapping[str, Any]) -> Dict[str, Any]:
        selector = dict(fields)
        if "project" in selector:
            selector["project_id"] = self._project_id(selector.pop("project"))
        return selector

    def _project_id(self, project: str) -> str:
        """Returns the id of a project, which may be named by its id, too."""
        try:
            return str(uuid.UUID(project))
        except ValueError:
            pass
        if name_key(project) not in self._project_ids:
            listed = self._api.call("GET", "/v1/projects/names")["projects"]
            self._project_ids = {name_key(found["name"]): found["project_id"] for found in listed}
            if name_key(project) not in self._project_ids:
                named = ", ".join(found["name"] for found in listed) or "none"
                raise SettingsError(f"no project has the name {project}; names are: {named}")
        return self._project_ids[name_key(project)]


def name_key(name: str) -> str:
    """Returns the same for names that the farm takes for the same: case and normal form do not matter."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
