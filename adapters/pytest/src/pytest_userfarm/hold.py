"""A lease that is kept alive while its process lives."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List, Mapping, Optional

from .errors import FarmError, LeaseLostError, ProblemError, UnreachableError, clock
from .http import Api

_OVER = ("lease_expired", "lease_not_found")


class Hold:
    """Renews a lease each time a third of its time to live has passed, in a daemon thread: that ends with the process.

    Only the time that passes here counts, not the clock of the farm. ``since`` is the monotonic time before the request for the lease.
    """

    def __init__(self, api: Api, lease: Mapping[str, Any], ttl: int, since: float) -> None:
        self._api, self._ttl = api, ttl
        self._path = f"/v1/leases/{lease['lease_id']}"
        self.logins = ", ".join(user["login"] for user in lease["users"])
        self._faults: Dict[str, str] = {}
        self._stop = threading.Event()
        self._released = False
        self._renewed = since
        self._lost: Optional[LeaseLostError] = None
        self.reported = False  # a test has failed because of the loss
        threading.Thread(target=self._renew, name="userfarm renew", daemon=True).start()

    def __repr__(self) -> str:
        return f"<hold of {self.logins}>"

    @property
    def lost(self) -> Optional[LeaseLostError]:
        """Why the lease is lost; None if it is not.

        It is lost if the farm says that it is over, or if no renewal has succeeded and only a tenth of the time to live is left, because
        the test needs some time to stop before the lease expires. This looks at the clock itself: a renewal may hang.
        """
        if self._lost is None and not self._stop.is_set() and time.monotonic() > self._usable_until():
            self._lose(UnreachableError(f"the farm at {self._api.url} does not answer"))
        return self._lost

    def check(self) -> None:
        """Raises LeaseLostError if the lease is lost."""
        __tracebackhide__ = True
        if self.lost:
            raise self.lost

    def call(self, method: str, path: str, body: Optional[Mapping[str, Any]] = None, *, wait: float = 0.0) -> Dict[str, Any]:
        """Calls a route beneath the lease. Raises LeaseLostError if the lease is over, and else like Api.call."""
        __tracebackhide__ = True
        self.check()
        try:
            return self._api.call(method, self._path + path, body, wait=wait)
        except ProblemError as problem:
            if problem.code not in _OVER:
                raise
            raise self._lose(problem) from None

    def fault(self, user_id: str, reason: str) -> None:
        """Puts a user into quarantine when the lease is released. The first reason counts."""
        self._faults.setdefault(user_id, reason[:1024])

    def release(self, retry_for: Optional[float] = None) -> None:
        """Ends the lease. Sets ``lost`` if it was over. Raises FarmError if the farm does not do it; it can be called again then."""
        __tracebackhide__ = True
        if self._released:
            return
        self._stop.set()
        quarantine: List[Dict[str, str]] = [{"user_id": user, "reason": reason} for user, reason in self._faults.items()]
        try:
            self._api.call("POST", self._path + "/release", {"quarantine": quarantine} if quarantine else None, retry_for=retry_for)
        except ProblemError as problem:
            if problem.code not in _OVER:
                raise
            if not (problem.doubtful and problem.problem.get("ended") == "released"):
                self._lose(problem)
        self._released = True

    def _renew(self) -> None:
        while not self._stop.wait(max(0.0, self._renewed + self._ttl / 3 - time.monotonic())):
            if not self._renew_until(self._usable_until()):
                return

    def _usable_until(self) -> float:
        return self._renewed + self._ttl * 0.9

    def _renew_until(self, until: float) -> bool:
        while True:
            began = time.monotonic()
            try:
                within = max(0.1, min(15.0, until - began))
                self._api.attempt("POST", self._path + "/renew", {"ttl_seconds": self._ttl}, within=within)
            except FarmError as error:
                if isinstance(error, ProblemError) and error.code in _OVER:
                    if not self._stop.is_set():
                        self._lose(error)
                    return False
                pause = max(self._ttl / 30, error.retry_after if isinstance(error, ProblemError) else 0.0)
                if time.monotonic() + pause >= until:
                    if not self._stop.is_set():
                        self._lose(error)
                    return False
                if self._stop.wait(pause):
                    return False
                continue
            self._renewed = began
            return True

    def _lose(self, cause: FarmError) -> LeaseLostError:
        if self._lost is None:
            text = f"the lease of {self.logins} is lost, and another test may have used it meanwhile: {_why(cause)}"
            self._lost = LeaseLostError(text)
        return self._lost


def _why(cause: FarmError) -> str:
    if not isinstance(cause, ProblemError) or cause.code not in _OVER:
        return f"it could not be renewed: {cause}"
    at = clock(cause.problem.get("ended_at"))
    how = {"forced": "an admin ended it", "expired": "it expired", "released": "it was released"}.get(str(cause.problem.get("ended")))
    return f"{how} at {at}" if how and at else str(cause)
