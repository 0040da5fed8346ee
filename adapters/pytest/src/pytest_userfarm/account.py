"""The users of a lease, as tests use them."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Union

from .errors import ProblemError
from .hold import Hold
from .secret import Masks, Secret

_CODE_WAIT = 60  # seconds; a new code comes every 30 seconds normally


class Account:
    """A user that no other test has. Its ``repr`` shows no password.

    Once the lease is lost, ``login``, ``password`` and all methods raise LeaseLostError, because another test may have the user.
    """

    __slots__ = (
        "_hold", "_masks", "_path", "_login", "_password", "user_id", "project_id", "env", "domain", "labels", "has_totp", "fence",
        "session_saved_at",
    )  # fmt: skip

    def __init__(self, hold: Hold, user: Mapping[str, Any], masks: Masks) -> None:
        self._hold, self._masks = hold, masks
        self._path = f"/users/{user['user_id']}"
        self._login: str = user["login"]
        self._password = Secret(user["password"])
        self.user_id: str = user["user_id"]
        self.project_id: str = user["project_id"]
        self.env: str = user["env"]
        self.domain: str = user["domain"]
        self.labels: Dict[str, str] = dict(user["labels"])
        self.has_totp: bool = user["has_totp"]
        self.fence: int = user["fence"]
        self.session_saved_at: Optional[str] = user["session_saved_at"]
        masks.add(self._password)

    def __repr__(self) -> str:
        labels = "".join(f", {key}={value}" for key, value in self.labels.items())
        return f"<account {self._login}, env {self.env}{labels}, fence {self.fence}>"

    @property
    def login(self) -> str:
        __tracebackhide__ = True
        self._hold.check()
        return self._login

    @property
    def password(self) -> Secret:
        """What the site wants beside the login. Its ``repr`` hides it."""
        __tracebackhide__ = True
        self._hold.check()
        return self._password

    def check(self) -> None:
        """Raises LeaseLostError if the lease is lost, for long tests that use the site without the account."""
        __tracebackhide__ = True
        self._hold.check()

    def otp(self, wait: int = _CODE_WAIT) -> Secret:
        """Returns a one-time code that nobody has used. Waits for the next one if needed, at most ``wait`` seconds (60)."""
        __tracebackhide__ = True
        answer = self._hold.call("POST", self._path + "/otp", {"wait_seconds": wait}, wait=wait)
        code = Secret(answer["code"])
        self._masks.add(code)
        return code

    def quarantine(self, reason: str) -> None:
        """Takes the user out of circulation when the lease ends. The reason is for the person who restores it."""
        if not reason.strip():
            raise ValueError("quarantine needs a reason, for the person who restores the user")
        self._hold.fault(self.user_id, reason)

    def read_session(self) -> Optional[Secret]:
        """Returns the session that the last holder saved; None if there is none."""
        __tracebackhide__ = True
        if self.session_saved_at is None:
            return None
        try:
            session = Secret(self._hold.call("GET", self._path + "/session")["session"])
        except ProblemError as problem:
            if problem.code != "session_not_found":
                raise
            return None
        self._masks.add_session(session)
        return session

    def save_session(self, session: Union[str, Mapping[str, Any]], expires_in: Optional[int] = None) -> None:
        """Saves a session for the next holders, as a text or as what JSON can write, such as Playwright's storage state.

        ``expires_in`` is when the site will not accept it anymore, in seconds from now.
        """
        __tracebackhide__ = True
        session = Secret(session if isinstance(session, str) else json.dumps(session))
        self._masks.add_session(session)
        body: Dict[str, Any] = {"session": session}
        if expires_in is not None:
            body["expires_in_seconds"] = expires_in
        self.session_saved_at = self._hold.call("PUT", self._path + "/session", body)["saved_at"]

    def drop_session(self) -> None:
        """Drops the saved session, because the site does not accept it anymore."""
        __tracebackhide__ = True
        self._hold.call("DELETE", self._path + "/session")
        self.session_saved_at = None

    def remembered(
        self,
        sign_in: Callable[[], Union[str, Mapping[str, Any]]],
        still_works: Optional[Callable[[Secret], bool]] = None,
        expires_in: Optional[int] = None,
    ) -> Secret:
        """Returns the saved session if there is one and it still works. Otherwise signs in, and saves the session of that."""
        session = self.read_session()
        if session is not None:
            if still_works is None or still_works(session):
                return session
            self.drop_session()
        made = sign_in()
        session = made = Secret(made if isinstance(made, str) else json.dumps(made))
        self.save_session(session, expires_in)
        return session


class Accounts(Mapping[str, Account]):
    """Several users by name: ``accounts.seller`` or ``accounts["seller"]``."""

    def __init__(self, by_name: Mapping[str, Account]) -> None:
        self._by_name = dict(by_name)

    def __getitem__(self, name: str) -> Account:
        return self._by_name[name]

    def __getattr__(self, name: str) -> Account:
        if name.startswith("_") or name not in self._by_name:
            raise AttributeError(f"there is no account {name}; the markers of the test name: {', '.join(self._by_name) or 'none'}")
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        shown: List[str] = [f"{name}: {account!r}" for name, account in self._by_name.items()]
        return f"<accounts {', '.join(shown)}>"
