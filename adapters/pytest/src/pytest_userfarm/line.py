"""Acquires that wait in line, and what people are told meanwhile."""

from __future__ import annotations

import math
import threading
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .errors import FarmError, NotFreeError, ProblemError, clock
from .http import Api

Json = Dict[str, Any]

# How long the farm is asked to wait at once. It can't see that a program has gone, so a program that is to end waits for the answer
# first. Otherwise the farm could give users to nobody.
_ASK_FOR = 5.0

_MAY_PASS = {"pool_exhausted", "user_locked", "user_quarantined"}
_LOOK_AFTER = 0.3  # seconds; most waits are shorter
_LOOK_EVERY = 2.0
_MOST_IN_LINE = 1000  # how far a waiter looks for itself
_MOST_HOLDERS = 5  # that an error names


class Line:
    """One acquire. It keeps its place in line with its idempotency key, however often it asks."""

    def __init__(self, api: Api, request: Mapping[str, Any], wait: float, *, hide: Callable[[str], None], show: Callable[[str], None]) -> None:
        self._api, self._request, self._wait, self._hide, self._show = api, request, wait, hide, show
        self._began = time.monotonic()
        self._since = time.strftime("%H:%M:%S")
        self._answer_by = self._began  # when the farm answers what it was asked
        self._refusal: Optional[ProblemError] = None
        self._place = 0  # 0 if it is not known
        self._over = threading.Event()
        self._showing = threading.Lock()  # the test begins only after the last line was shown
        self._new_key()

    def acquire(self) -> Tuple[Json, float]:
        """Returns the lease, and the monotonic time after which it was granted. Raises NotFreeError, ProblemError and UnreachableError.

        If anything else ends it, ctrl-C for example, it leaves the line, which takes up to 5 seconds.
        """
        __tracebackhide__ = True
        try:
            return self._acquire()
        except FarmError:
            raise
        except BaseException:
            self._leave()
            raise
        finally:
            with self._showing:
                self._over.set()

    def _acquire(self) -> Tuple[Json, float]:
        __tracebackhide__ = True
        asking = 0.0
        while True:
            asked = time.monotonic()
            try:
                return self._fresh(self._ask(asking), asked)
            except ProblemError as refusal:
                if refusal.code == "lease_expired":  # its answer was lost, and it ended unused
                    self._new_key()
                    continue
                if refusal.code not in _MAY_PASS:
                    raise
                left = self._began + self._wait - time.monotonic()
                if self._refusal is None and left > 0:
                    threading.Thread(target=self._look, name="userfarm line", daemon=True).start()
                self._refusal = refusal
            if left <= 0:
                raise NotFreeError(self._not_free())
            if time.monotonic() - asked < asking - 1:  # it answered early, and would do so again
                time.sleep(min(left, max(self._refusal.retry_after, 1.0)))
            asking = min(math.ceil(left), _ASK_FOR)

    def _new_key(self) -> None:
        self._key = str(uuid.uuid4())
        self._hide(self._key)

    def _ask(self, seconds: float, retry_for: Optional[float] = None) -> Json:
        __tracebackhide__ = True
        self._answer_by = time.monotonic() + seconds
        body = {**self._request, "wait_seconds": int(seconds)}
        return self._api.call("POST", "/v1/leases", body, headers={"Idempotency-Key": self._key}, wait=seconds, retry_for=retry_for)

    def _fresh(self, lease: Json, asked: float) -> Tuple[Json, float]:
        """Renews a lease that may be old: it can have been granted as soon as it was asked for, and an answer can have been lost."""
        __tracebackhide__ = True
        ttl = int(self._request["ttl_seconds"])
        if time.monotonic() - asked > ttl / 3:
            asked = time.monotonic()
            self._api.call("POST", f"/v1/leases/{lease['lease_id']}/renew", {"ttl_seconds": ttl})
        return lease, asked

    def _leave(self) -> None:
        """Waits for the answer that is on its way, and gives back what it grants."""
        try:
            lease = self._ask(max(0, math.ceil(self._answer_by - time.monotonic())), retry_for=0)
            self._api.attempt("POST", f"/v1/leases/{lease['lease_id']}/release")
        except FarmError:
            pass  # nothing was granted, or its time to live ends soon

    def _look(self) -> None:
        """Shows the place in line until the wait is over."""
        pause = _LOOK_AFTER
        while not self._over.wait(pause):
            pause = _LOOK_EVERY
            try:
                line = self._api.attempt("GET", f"/v1/line?limit={_MOST_IN_LINE}")
            except FarmError:
                continue
            self._place = self._place_in(line.get("waiters", [])) or self._place
            place = f", place {self._place} in line" if self._place else ""
            with self._showing:
                if not self._over.is_set():
                    self._show(f"waiting since {self._since}{place}: {', '.join(self._holders())}")

    def _place_in(self, waiters: List[Json]) -> int:
        """Returns the place among the acquires that could get the same users; 0 if this one is not in line."""
        place = 1
        for waiter in waiters:
            if waiter["owner"] == self._request["owner"] and waiter["note"] == self._request["note"]:
                return place
            if any(overlap(one, other) for one in waiter["users"] for other in self._request["users"]):
                place += 1
        return 0

    def _not_free(self) -> str:
        waited = f"came free in {self._wait:.0f} s" if self._wait else "is free"
        place = f" (place {self._place} in line)" if self._place else ""
        return "\n  ".join([f"no matching user {waited}{place}:", *self._holders(notes=True)])

    def _holders(self, *, notes: bool = False) -> List[str]:
        problem = self._refusal.problem if self._refusal else {}
        held_by: List[Json] = problem.get("held_by") or []
        said = []
        for holder in held_by[:_MOST_HOLDERS]:
            text = f"{holder['login']} is held by {holder.get('owner') or 'a caller without a name'}"
            if holder.get("expires_at"):
                text += f" until {clock(holder['expires_at'])}"
            if notes and holder.get("note"):
                text += f" ({holder['note']})"
            said.append(text)
        if len(held_by) > _MOST_HOLDERS:
            said.append(f"and {len(held_by) - _MOST_HOLDERS} more")
        if problem.get("all_quarantined"):
            said.append("too many users that match are in quarantine: restore one, or add users")
        if problem.get("waiting") and not self._place:
            said.append(f"waiting in line: {problem['waiting']}")
        return said or [str(self._refusal)]


def overlap(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Returns whether a user could match both selectors."""
    if a.get("user_id") or b.get("user_id"):
        return not a.get("user_id") or not b.get("user_id") or a["user_id"] == b["user_id"]
    fields = all(not a.get(key) or not b.get(key) or a[key] == b[key] for key in ("project_id", "env", "domain"))
    labels = a.get("labels") or {}
    return fields and all(labels.get(key, value) == value for key, value in (b.get("labels") or {}).items())
