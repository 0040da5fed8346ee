"""A lease lives as long as the test, whatever happens to the process, the farm or the lease."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable

import pytest
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
