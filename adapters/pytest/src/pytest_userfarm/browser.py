"""Contexts of pytest-playwright that open signed in.

The documentation of pytest-playwright lets everybody override ``browser_context_args``, for the whole session, too. A fixture for one
test can't stand beneath those, so this one adds the session of the test's account to their result, and removes it after the test.
"""

from __future__ import annotations

import inspect
import json
from typing import Any, Callable, Dict, Iterator, Optional

import pytest

from .account import Account
from .errors import SettingsError
from .fixtures import plainly
from .secret import REDACTED, Secret

SignIn = Callable[[Any, Account], None]
IsSignedIn = Callable[[Any], bool]

_NOT_ASYNC = (
    "userfarm_sign_in needs pytest-playwright. With pytest-playwright-asyncio, sign in in a fixture of your own, and save what that made "
    "with account.save_session(await context.storage_state()): later pages open with it"
)

_RECORDINGS = ("record_video_dir", "record_video_size", "record_har_path")


class StorageState(Dict[str, Any]):
    """A storage state, whose ``repr`` shows no cookie."""

    def __repr__(self) -> str:
        return REDACTED


@pytest.fixture(scope="session")
def userfarm_sign_in() -> Optional[SignIn]:
    """Override this to say how to sign in: return a function that takes a page and an account. Sessions are then remembered."""
    return None


@pytest.fixture(scope="session")
def userfarm_is_signed_in() -> Optional[IsSignedIn]:
    """Override this to say how to check a remembered session: return a function that takes a page. Without it, sessions are trusted."""
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> None:
    """A fixture of the user that all tests use may want a page before the one below had its turn."""
    if fixturedef.scope == "function" and "browser_context_args" in fixturedef.argnames:
        request.getfixturevalue("userfarm_signed_in")


@pytest.fixture(autouse=True)
def userfarm_signed_in(request: pytest.FixtureRequest) -> Iterator[None]:
    """Puts the session of the account into the arguments of the browser context."""
    if not {"account", "browser_context_args"} <= set(request.fixturenames):
        yield
        return
    account: Account = request.getfixturevalue("account")
    arguments: Dict[str, Any] = request.getfixturevalue("browser_context_args")
    sign_in: Optional[SignIn] = request.getfixturevalue("userfarm_sign_in")
    is_signed_in: Optional[IsSignedIn] = request.getfixturevalue("userfarm_is_signed_in")

    marker = request.node.get_closest_marker("browser_context_args")
    of_test: Dict[str, Any] = {**arguments, **(marker.kwargs if marker else {})}

    def visit(session: Optional[Secret], act: Callable[[Any], Any]) -> Any:
        """Acts in a page of its own, which is not recorded or traced."""
        own = {key: value for key, value in of_test.items() if key not in _RECORDINGS}
        if session is not None:
            own["storage_state"] = StorageState(json.loads(session))
        context = request.getfixturevalue("browser").new_context(**own)
        if inspect.iscoroutine(context):
            context.close()
            with plainly():
                raise SettingsError(_NOT_ASYNC)
        try:
            return act(context.new_page())
        finally:
            context.close()

    def make() -> Dict[str, Any]:
        def act(page: Any) -> Any:
            assert sign_in is not None
            sign_in(page, account)
            return page.context.storage_state()

        return StorageState(visit(None, act))

    def works(session: Secret) -> bool:
        return is_signed_in is None or bool(visit(session, is_signed_in))

    if "storage_state" in of_test:
        yield  # the test says itself who is signed in
        return
    session = account.read_session() if sign_in is None else account.remembered(make, works)
    if session is None:
        yield
        return
    arguments["storage_state"] = StorageState(json.loads(session))
    yield
    del arguments["storage_state"]
