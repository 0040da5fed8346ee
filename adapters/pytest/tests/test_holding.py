"""A lease lives as long as the test, whatever happens to the process, the farm or the lease."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Callable, Dict

import pytest
from pytest_userfarm import LeaseLostError
from pytest_userfarm.hold import Hold
from pytest_userfarm.line import Line
from server import FarmServer

Start = Callable[..., "subprocess.Popen[str]"]

# Says that it runs, and goes on when it may.
PAUSING = """
import os, pathlib, time, pytest

def pause():
    pathlib.Path(f"running-{os.getpid()}").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
"""


def running(folder: Path) -> int:
    """Returns the id of the process that runs the test, once it does."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for found in folder.glob("running-*"):
            found.unlink()
            return int(found.name.rpartition("-")[2])
        time.sleep(0.02)
    raise AssertionError("the test does not run")


def output_of(process: "subprocess.Popen[str]") -> str:
    return process.communicate(timeout=60)[0]


def test_a_lease_that_an_admin_ends_fails_the_test(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    user = farm.add("ann")
    pytester.makepyfile(
        test_shop=PAUSING
        + """
def test_passes(account):
    pause()
"""
    )
    process = start("--userfarm-ttl", "3", "--junitxml", "junit.xml")
    running(pytester.path)
    farm.call("POST", f"/v1/users/{user['user_id']}/force-release", {"reason": "its runner is gone"})
    time.sleep(1.5)  # a renewal
    (pytester.path / "go").touch()
    output = output_of(process)
    assert "1 failed" in output and "error" not in output, output
    assert "the lease of ann is lost, and another test may have used it meanwhile: an admin ended it at " in output
    assert "an admin ended it at " in (pytester.path / "junit.xml").read_text()


def test_a_lost_lease_never_hides_the_failure_of_the_test(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    user = farm.add("ann")
    pytester.makepyfile(PAUSING + "\ndef test_fails(account):\n    pause()\n    assert 'cart' == 'empty'\n")
    process = start("--userfarm-ttl", "60")
    running(pytester.path)
    farm.call("POST", f"/v1/users/{user['user_id']}/force-release", {})
    (pytester.path / "go").touch()
    output = output_of(process)
    assert "assert 'cart' == 'empty'" in output and "1 failed in" in output, output


def test_a_loss_that_only_the_release_finds_is_an_error(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    user = farm.add("ann")
    pytester.makepyfile(PAUSING + "\ndef test_passes(account):\n    pause()\n")
    process = start("--userfarm-ttl", "60")
    running(pytester.path)
    farm.call("POST", f"/v1/users/{user['user_id']}/force-release", {})
    (pytester.path / "go").touch()
    output = output_of(process)
    assert "1 passed, 1 error" in output and "the lease of ann is lost" in output, output


def test_calls_after_the_loss_say_so(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    user = farm.add("ann", totp="JBSWY3DPEHPK3PXP")
    pytester.makepyfile(PAUSING + "\ndef test_it(account):\n    pause()\n    account.otp()\n")
    process = start()
    running(pytester.path)
    farm.call("POST", f"/v1/users/{user['user_id']}/force-release", {})
    (pytester.path / "go").touch()
    assert "LeaseLostError: the lease of ann is lost" in output_of(process)


def test_a_lease_outlives_its_time_to_live_and_a_restart_of_the_farm(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    farm.add("ann")
    pytester.makepyfile(PAUSING + "\ndef test_passes(account):\n    pause()\n")
    process = start("--userfarm-ttl", "3")
    running(pytester.path)
    farm.kill()
    time.sleep(1.2)
    farm.start()
    time.sleep(3)
    assert farm.statuses() == {"ann": "locked"}
    (pytester.path / "go").touch()
    assert "1 passed" in output_of(process)
    assert farm.statuses() == {"ann": "free"} and "expired" not in farm.kinds()


def test_a_farm_that_is_away_too_long_fails_the_test(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    farm.add("ann")
    pytester.makepyfile(PAUSING + "\ndef test_passes(account):\n    pause()\n")
    process = start("--userfarm-ttl", "1")
    running(pytester.path)
    farm.kill()
    time.sleep(2)
    farm.start()
    (pytester.path / "go").touch()
    output = output_of(process)
    assert "1 failed" in output and "it could not be renewed: the farm at " in output, output


def test_a_test_is_told_of_the_loss_when_it_next_uses_the_account(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    user = farm.add("ann")
    pytester.makepyfile(
        PAUSING
        + """
@pytest.mark.parametrize("use", ["account.login", "account.password", "account.check()", "account.otp()", "account.drop_session()"])
def test_stops(account, use):
    pause()
    time.sleep(1.2)  # a renewal
    pathlib.Path("go").unlink()
    eval(use)
    raise AssertionError("it goes on")
"""
    )
    process = start("--userfarm-ttl", "3", "-l")
    for _ in range(5):
        running(pytester.path)
        farm.call("POST", f"/v1/users/{user['user_id']}/force-release", {})
        (pytester.path / "go").touch()
    output = output_of(process)
    assert "5 failed in" in output and "it goes on" not in output.replace('raise AssertionError("it goes on")', ""), output
    assert output.count("LeaseLostError: the lease of ann is lost, and another test may have used it meanwhile: an admin ended it at") >= 5, output


def test_a_farm_that_hangs_stops_the_test_before_its_lease_ends(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    farm.add("ann")
    pytester.makepyfile(
        PAUSING
        + """
def test_stops(account):
    pause()
    try:
        while account.login:
            time.sleep(0.01)
    finally:
        pathlib.Path("stopped").touch()
"""
    )
    process = start("--userfarm-ttl", "4")
    running(pytester.path)
    (pytester.path / "go").touch()
    farm.hang()
    while not (pytester.path / "stopped").exists() and process.poll() is None:
        time.sleep(0.02)
    farm.go_on()
    output = output_of(process)
    assert "LeaseLostError: the lease of ann is lost" in output and "1 failed" in output, output


class Silent:
    """A farm whose answers never come."""

    url = "http://farm"

    def attempt(self, *_: object, **__: object) -> None:
        threading.Event().wait()


def test_only_the_time_since_the_request_counts() -> None:
    """A renewal that hangs for longer than it may, and a lease that was granted long before its answer came."""
    lease = {"lease_id": "1", "users": [{"login": "ann"}]}
    assert Hold(Silent(), lease, 100, time.monotonic() - 80).lost is None  # type: ignore[arg-type]
    hold = Hold(Silent(), lease, 100, time.monotonic() - 91)  # type: ignore[arg-type]
    with pytest.raises(LeaseLostError, match="it could not be renewed: the farm at http://farm does not answer"):
        hold.check()


class Slow:
    """A farm that answers only after some time; meanwhile the clock shows it."""

    def __init__(self) -> None:
        self.now, self.calls = 1000.0, []

    def call(self, method: str, path: str, *_: object, **__: object) -> Dict[str, object]:
        self.calls.append(path)
        self.now += 40 if path == "/v1/leases" else 1
        return {"lease_id": "1"}


def test_a_lease_whose_answer_was_late_is_renewed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    farm = Slow()
    monkeypatch.setattr("pytest_userfarm.line.time", SimpleNamespace(monotonic=lambda: farm.now, strftime=time.strftime))
    for ttl, calls, since in ((60, ["/v1/leases", "/v1/leases/1/renew"], 1040.0), (600, ["/v1/leases"], 1041.0)):
        farm.calls.clear()
        request = {"users": [{}], "owner": "me", "note": "", "ttl_seconds": ttl}
        line = Line(farm, request, 5.0, hide=lambda _: None, show=lambda _: None)  # type: ignore[arg-type]
        assert line.acquire()[1] == since
        assert farm.calls == calls


def test_a_worker_killed_with_9_leaves_the_time_to_live(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    farm.add("ann")
    pytester.makepyfile(
        PAUSING
        + """
def test_1(account):
    pause()

def test_2(account):
    pass
"""
    )
    process = start("-n1", "--userfarm-ttl", "2")
    os.kill(running(pytester.path), signal.SIGKILL)
    (pytester.path / "go").touch()
    output = output_of(process)
    assert "1 failed, 1 passed" in output and "worker 'gw0' crashed while running" in output, output
    assert farm.kinds().count("expired") == 1 and farm.statuses() == {"ann": "free"}


def test_nothing_renews_after_all_is_killed_with_9(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    farm.add("ann")
    pytester.makepyfile(PAUSING + "\ndef test_it(account):\n    pause()\n")
    process = start("--userfarm-ttl", "2")
    running(pytester.path)
    process.kill()
    farm.wait_for("ann", "free", 10)


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_ctrl_c_releases(farm: FarmServer, pytester: pytest.Pytester, start: Start, workers: str) -> None:
    farm.add("ann")
    pytester.makepyfile(PAUSING + "\ndef test_it(account):\n    pause()\n")
    process = start(workers, "--userfarm-ttl", "600")
    running(pytester.path)
    os.killpg(process.pid, signal.SIGINT)
    output = output_of(process)
    assert process.returncode == 2 and "KeyboardInterrupt" in output, output
    assert farm.statuses() == {"ann": "free"}


def test_exit_first_releases(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann")
    farm.add("bob")
    pytester.makepyfile(
        """
        def test_fails(account, worker_account):
            assert False

        def test_never_runs(account):
            pass
        """
    )
    pytester.runpytest_subprocess("-x", "--userfarm-ttl", "600").assert_outcomes(failed=1)
    assert set(farm.statuses().values()) == {"free"}


def test_a_farm_that_is_gone_at_the_end_is_a_warning(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    farm.add("ann")
    pytester.makeconftest("import pytest_userfarm.http as http\nhttp.RETRY_FOR = 0.5\n")
    pytester.makepyfile(PAUSING + "\ndef test_fails(account):\n    pause()\n    assert 'cart' == 'empty'\n")
    process = start()
    running(pytester.path)
    farm.kill()
    (pytester.path / "go").touch()
    output = output_of(process)
    assert "assert 'cart' == 'empty'" in output and "1 failed, 1 warning in" in output, output
    assert "ann could not be released, and is free again after 60 s: the farm at " in output, output
