"""The fixtures for tests."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Mapping

import pytest

from .account import Account, Accounts
from .errors import FarmError
from .farm import Farm, Leased
from .state import FAILED, LEASED, STATE
from .want import Name, checked_markers


@contextmanager
def plainly() -> Iterator[None]:
    """Shows an error of the farm as its text alone. How the plugin came there does not help the reader."""
    __tracebackhide__ = True
    try:
        yield
    except FarmError as error:
        raise pytest.fail.Exception(f"userfarm: {error}", pytrace=False) from None


@pytest.fixture(scope="session")
def userfarm(request: pytest.FixtureRequest) -> Iterator[Farm]:
    """The farm, for tests that acquire users themselves: with userfarm.account(env="stage") as account."""
    with plainly():
        farm = request.config.stash[STATE].open()
    yield farm
    farm.close()


@pytest.fixture
def account(userfarm_lease: Leased) -> Account:
    """A user that no other test has until this one has ended. The marker userfarm says which."""
    if None not in userfarm_lease.accounts:
        pytest.fail("a test that takes accounts, and account too, must name both as its arguments", pytrace=False)
    return userfarm_lease.accounts[None]


@pytest.fixture
def accounts(userfarm_lease: Leased) -> Accounts:
    """Several users at once, by the names of the markers: @pytest.mark.userfarm("seller", labels={"role": "seller"})."""
    return Accounts({name: found for name, found in userfarm_lease.accounts.items() if name})


@pytest.fixture(scope="session")
def worker_account(worker_lease: Leased) -> Account:
    """A user for all tests of this process: for each worker of pytest-xdist another one."""
    return worker_lease.accounts[None]


@pytest.fixture(scope="session")
def userfarm_worker_want() -> Dict[str, Any]:
    """Override this to say which user worker_account is: the arguments of the marker, as a dictionary."""
    return {}


@pytest.fixture
def userfarm_lease(request: pytest.FixtureRequest, userfarm: Farm) -> Iterator[Leased]:
    """All users of a test, in one lease: so two tests can't each hold what the other one waits for."""
    node = request.node
    with plainly():
        for_all, named = checked_markers(node.iter_markers("userfarm"))
        wanted: Dict[Name, Mapping[str, Any]] = dict(named) if "accounts" in request.fixturenames else {}
        if "account" in request.fixturenames or not wanted:
            wanted[None] = {}
        leased = userfarm.acquire(userfarm.want(for_all, wanted))
    node.stash.setdefault(LEASED, []).append(leased)
    for found in leased.accounts.values():
        node.user_properties.append(("userfarm", f"{found.login}, fence {found.fence}"))
    yield leased
    failed = node.stash.get(FAILED, False)
    if failed and leased.want.on_failure == "quarantine":
        leased.quarantine_all(f"{node.nodeid} failed")
    _release(userfarm, leased, failed)


@pytest.fixture(scope="session")
def worker_lease(request: pytest.FixtureRequest, userfarm: Farm, userfarm_worker_want: Mapping[str, Any]) -> Iterator[Leased]:
    """The lease of worker_account."""
    with plainly():
        leased = userfarm.acquire(userfarm.want(userfarm_worker_want, {None: {}}))
    state = request.config.stash[STATE]
    state.worker = leased
    yield leased
    state.worker = None
    _release(userfarm, leased, failed=False)


def _release(farm: Farm, leased: Leased, failed: bool) -> None:
    """Releases the users. That never hides why the test failed."""
    error = farm.release(leased)
    if error is not None:
        warnings.warn(f"userfarm: {leased.hold.logins} could not be released, and is free again after {leased.want.ttl} s: {error}", stacklevel=1)
    lost = leased.hold.lost
    if lost is not None and not leased.hold.reported and not failed:
        pytest.fail(f"userfarm: {lost}", pytrace=False)
