"""Requests to the farm, repeated while a failure may pass."""

from __future__ import annotations

import http.client
import ipaddress
import json
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, Mapping, Optional

from .errors import FarmError, ProblemError, SettingsError, UnreachableError

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0  # far below the 30 seconds for which the farm keeps a place in line
_ANSWER_WITHIN = 15.0
RETRY_FOR = 30.0  # seconds, unless a call says otherwise

_PASSING = {"rate_limited", "request_timeout", "store_unavailable", "shutting_down", "too_many_connections"}
_DOUBTFUL = {"store_unavailable", "shutting_down"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Another host must not get the API key."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Api:
    """Calls the API of a farm."""

    def __init__(self, url: str, api_key: str) -> None:
        self.url = checked(url)
        self._headers = {"Accept": "application/json", "User-Agent": "pytest-userfarm"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if is_loopback(self.url):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)
        self._away = False  # the farm did not answer for a long time, so one attempt is enough until it answers again

    def call(
        self,
        method: str,
        path: str,
        body: Optional[Mapping[str, Any]] = None,
        *,
        headers: Optional[Mapping[str, str]] = None,
        wait: float = 0.0,
        retry_for: Optional[float] = None,
    ) -> Dict[str, Any]:
        """Returns the body of the answer. ``wait`` is how long the farm was asked to wait before it answers, in seconds.

        Raises ProblemError and UnreachableError.
        """
        __tracebackhide__ = True
        patient = retry_for is None
        retrying = RETRY_FOR if retry_for is None else retry_for
        doubtful, pause, give_up = False, _FIRST_PAUSE, 0.0
        while True:
            try:
                answer = self._attempt(method, path, body, headers or {}, wait + _ANSWER_WITHIN)
                self._away = False
                return answer
            except _Failed as failed:
                error = failed.error
                if isinstance(error, ProblemError):
                    error.doubtful = doubtful
                    self._away = False
                doubtful = doubtful or failed.doubt
                if not failed.passing:
                    raise error from None
                now = time.monotonic()
                give_up = give_up or now + (0.0 if self._away else retrying)
                sleep = max(pause * random.uniform(0.5, 1.5), failed.after)
                if now + sleep > give_up:
                    self._away = self._away or (patient and isinstance(error, UnreachableError))
                    raise error from None
            time.sleep(sleep)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def attempt(self, method: str, path: str, body: Optional[Mapping[str, Any]] = None, *, within: float = 5.0) -> Dict[str, Any]:
        """Like call, but only once, and with an answer within some seconds."""
        __tracebackhide__ = True
        try:
            return self._attempt(method, path, body, {}, within)
        except _Failed as failed:
            raise failed.error from None

    def _attempt(
        self, method: str, path: str, body: Optional[Mapping[str, Any]], headers: Mapping[str, str], within: float
    ) -> Dict[str, Any]:
        __tracebackhide__ = True
        request = urllib.request.Request(self.url + path, method=method, headers={**self._headers, **headers})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=within) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise self._refused(refusal) from None
        except (OSError, http.client.HTTPException) as failure:
            raise self._unreachable(failure) from None
        try:
            parsed = json.loads(text) if text else {}
        except ValueError:
            raise _Failed(self._unexpected("an answer that is not JSON"), passing=False) from None
        if not isinstance(parsed, dict):
            raise _Failed(self._unexpected("an answer that is no object"), passing=False)
        return parsed

    def _refused(self, refusal: urllib.error.HTTPError) -> _Failed:
        after = _seconds(refusal.headers.get("Retry-After"))
        try:
            problem = json.loads(refusal.read())
        except (OSError, ValueError, http.client.HTTPException):
            problem = None
        if isinstance(problem, dict) and problem.get("code"):
            error = ProblemError(problem, after)
            return _Failed(error, passing=error.code in _PASSING, doubt=error.code in _DOUBTFUL, after=after)
        passing = refusal.code in (429, 502, 503, 504)
        return _Failed(self._unexpected(f"HTTP status {refusal.code}"), passing=passing, doubt=passing, after=after)

    def _unexpected(self, what: str) -> UnreachableError:
        return UnreachableError(f"{self.url} has answered with {what}, as no farm does\n{self._advice()}")

    def _unreachable(self, failure: Exception) -> _Failed:
        cause: object = failure.reason if isinstance(failure, urllib.error.URLError) else failure
        text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        error = UnreachableError(f"the farm at {self.url} does not answer: {text}\n{self._advice()}")
        return _Failed(error, passing=not isinstance(cause, ssl.SSLError), doubt=not isinstance(cause, ConnectionRefusedError))

    def _advice(self) -> str:
        return f"is {self.url} the right address? --userfarm-url or USERFARM_URL names another one; userfarm serve starts a farm"


class _Failed(Exception):
    """A failed attempt: whether the failure may pass, when to try again, and whether the call may have been carried out."""

    def __init__(self, error: FarmError, *, passing: bool, doubt: bool = False, after: float = 0.0) -> None:
        super().__init__()
        self.error, self.passing, self.doubt, self.after = error, passing, doubt, after


def checked(url: str) -> str:
    """Returns the address of a farm without a slash at its end. Raises SettingsError."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError("the address of the farm must be like http://127.0.0.1:8000")
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError("the address of the farm must have no user, query or fragment; an API key belongs into USERFARM_API_KEY")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(text: Optional[str]) -> float:
    return float(text) if text is not None and text.isdigit() else 0.0
