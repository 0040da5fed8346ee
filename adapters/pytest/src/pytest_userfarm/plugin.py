"""The plugin: options, the marker, and what becomes of the reports of tests."""

from __future__ import annotations

import os
from typing import Any, Dict, Generator, List, Optional, Sequence

import pytest

from . import browser, reports
from .farm import Farm, Leased
from .fixtures import account, accounts, userfarm, userfarm_lease, userfarm_worker_want, worker_account, worker_lease
from .errors import SettingsError
from .owner import owner
from .secret import Masks
from .settings import settings
from .state import FAILED, LEASED, STATE, State
from .want import checked_markers

__all__ = ["account", "accounts", "userfarm", "userfarm_lease", "userfarm_worker_want", "worker_account", "worker_lease"]

_MARKER = (
    "userfarm(name=None, *, project, env, domain, labels, user_id, ttl, wait, on_failure): which user the fixture account is; "
    "with a name, a user of the fixture accounts. Times are seconds, or such as 5m"
)

# Names, what they mean, and whether the command line and the ini file have them.
_SETTINGS = (
    ("url", "Address of the farm; also USERFARM_URL", True, True),
    ("profile", "Profile of profiles.json that has the address and the API key; also USERFARM_PROFILE", True, False),
    ("project", "Project of the users: name or UUID", True, True),
    ("env", "Environment of the users, such as stage", True, True),
    ("domain", "Domain of the users", True, True),
    ("ttl", "How long the users are missing if a worker is killed (default: 60s)", True, True),
    ("wait", "How long to wait in line while others have the users (default: 5m)", True, True),
    ("on_failure", "What becomes of the users if a test fails: release or quarantine (default: release)", True, True),
    ("owner", "Who holds the users, for people (default: the CI run, or account and host); also USERFARM_OWNER", True, False),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("userfarm", "test users from a userfarm (the API key is in USERFARM_API_KEY or in a profile)")
    for name, help_text, option, ini in _SETTINGS:
        if option:
            flag = "--userfarm-" + name.replace("_", "-")
            group.addoption(flag, dest=f"userfarm_{name}", default="", metavar=name.upper(), help=help_text)
        if ini:
            parser.addini(f"userfarm_{name}", help_text, default="")
    parser.addini("userfarm_labels", "Labels of the users, a KEY=VALUE on each line", type="linelist", default=[])


class _Given:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def option(self, name: str) -> str:
        return str(self._config.getoption(f"userfarm_{name}") or "")

    def ini(self, name: str) -> str:
        return str(self._config.getini(f"userfarm_{name}") or "")

    def ini_list(self, name: str) -> Sequence[str]:
        return list(self._config.getini(f"userfarm_{name}"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    worker = str(getattr(config, "workerinput", {}).get("workerid", ""))
    masks = Masks()

    def farm(note: Any) -> Farm:
        found = settings(_Given(config), os.environ)
        who = owner(found.owner, worker, os.environ)
        return Farm(found, who, note=note, masks=masks, show=_shower(config))

    config.stash[STATE] = State(masks, farm)
    if any(hasattr(plugin, "browser_context_args") for plugin in config.pluginmanager.get_plugins()):
        config.pluginmanager.register(browser, "userfarm-browser")


def pytest_unconfigure(config: pytest.Config) -> None:
    state = config.stash.get(STATE, None)
    if state is not None and state.farm is not None:
        state.farm.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A mistake in a marker is an error of the collection, before any test has run."""
    test = metafunc.definition
    try:
        checked_markers(test.iter_markers("userfarm"))
    except SettingsError as error:
        path, line, _ = test.location
        pytest.fail(f"{path}:{(line or 0) + 1}: userfarm: {error}", pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A rerun of a test begins as if there had been no other."""
    item.config.stash[STATE].running = item.nodeid
    item.stash[FAILED] = False
    leases: List[Leased] = []
    item.stash[LEASED] = leases
    item.user_properties[:] = [found for found in item.user_properties if found[0] != "userfarm"]


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    state = item.config.stash[STATE]
    leases = list(item.stash.get(LEASED, []))
    if state.worker is not None and "worker_account" in getattr(item, "fixturenames", ()):
        leases.append(state.worker)
    if call.when == "call":
        _fail_if_lost(report, leases)
    if report.failed:
        item.stash[FAILED] = True
        if leases and call.when != "teardown":
            report.sections.append(("userfarm", _used(leases)))
            _condemn(state.worker, leases, item)
    if report.longrepr or report.sections:
        reports.mask(report, state.masks.apply)


def _fail_if_lost(report: pytest.TestReport, leases: List[Leased]) -> None:
    """Fails a test that has passed; one that has failed shows in a section of its report that its lease was lost."""
    for leased in leases:
        if leased.hold.lost is not None:
            leased.hold.reported = True
            if report.passed:
                report.outcome = "failed"
                report.longrepr = str(leased.hold.lost)


def _used(leases: List[Leased]) -> str:
    lines = []
    for leased in leases:
        lines += [repr(found) for found in leased.accounts.values()]
        if leased.hold.lost is not None:
            lines.append(str(leased.hold.lost))
    return "\n".join(lines)


def _condemn(worker: Optional[Leased], leases: List[Leased], item: pytest.Item) -> None:
    """The users of a worker go into quarantine when the worker ends, if they are to after a failure."""
    if worker is not None and worker in leases and worker.want.on_failure == "quarantine":
        worker.quarantine_all(f"{item.nodeid} failed")


def _shower(config: pytest.Config) -> Any:
    """Returns what shows a line to the person at the terminal. Workers of pytest-xdist have none."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    shown: Dict[str, str] = {}

    def show(text: str) -> None:
        if reporter is None or hasattr(config, "workerinput") or shown.get("last") == text:
            return
        shown["last"] = text
        if capture is None:
            reporter.write_line("userfarm: " + text)
            return
        with capture.global_and_fixture_disabled():
            reporter.write_line("userfarm: " + text)

    return show
