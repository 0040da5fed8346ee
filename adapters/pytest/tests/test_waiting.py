"""Waiting for a user: in line, with a word about who has it, and with a way out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from typing import Callable

import pytest
from server import FarmServer

Start = Callable[..., "subprocess.Popen[str]"]


def test_a_full_pool_names_the_holders(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann", role="buyer")
    farm.hold("ci-4711/worker-3", note="test_cart.py::test_pay", env="stage")
    pytester.makepyfile('import pytest\n@pytest.mark.userfarm(env="stage", labels={"role": "buyer"}, wait=2)\ndef test_it(account): pass')
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    output = result.stdout.str()
    told = output[output.index("userfarm: no matching user came free in 2 s") :].splitlines()
    assert told[0] == "userfarm: no matching user came free in 2 s (place 1 in line):"
    assert re.fullmatch(r"  ann is held by ci-4711/worker-3 until \d\d:\d\d:\d\d \(test_cart.py::test_pay\)", told[1])
    assert told[2] == "wanted: env stage, role=buyer"
    assert output.count("no matching user came free") == 1
    assert re.search(r"userfarm: waiting since \d\d:\d\d:\d\d, place 1 in line: ann is held by ci-4711/worker-3 until ", output)


def test_without_a_wait_there_is_no_line(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann")
    farm.hold("", env="stage")
    pytester.makepyfile("def test_it(account): pass")
    result = pytester.runpytest_subprocess("--userfarm-wait", "0")
    result.stdout.fnmatch_lines(["userfarm: no matching user is free:", "  ann is held by a caller without a name until *", "wanted: any user"])


def test_users_in_quarantine(farm: FarmServer, pytester: pytest.Pytester) -> None:
    user = farm.add("ann")
    farm.call("POST", f"/v1/users/{user['user_id']}/quarantine", {"reason": "broken"})
    pytester.makepyfile("def test_it(account): pass")
    result = pytester.runpytest_subprocess("--userfarm-wait", "1")
    result.stdout.fnmatch_lines(["  too many users that match are in quarantine: restore one, or add users"])


def test_a_wait_keeps_its_place_over_many_requests(farm: FarmServer, pytester: pytest.Pytester, start: Start) -> None:
    farm.add("ann")
    lease = farm.hold("somebody", env="stage")
    pytester.makepyfile("def test_it(account): print(account.fence)")
    first = start("-s", "--userfarm-owner", "first")
    in_line(farm, "first")
    time.sleep(5.5)  # its first request is over
    second = start("-s", "--userfarm-owner", "second")
    in_line(farm, "second")
    farm.call("POST", f"/v1/leases/{lease['lease_id']}/release")
    for process in (first, second):
        assert "1 passed" in process.communicate(timeout=30)[0]
    acquired = farm.call("GET", "/v1/events?kind=acquired")["events"]
    assert [event["owner"] for event in acquired] == ["somebody", "first", "second"]


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_ctrl_c_leaves_the_line(farm: FarmServer, pytester: pytest.Pytester, start: Start, workers: str) -> None:
    farm.add("ann")
    lease = farm.hold("somebody", env="stage")
    pytester.makepyfile("def test_it(account): pass")
    process = start(workers, "--userfarm-owner", "first")
    in_line(farm, "first")
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    farm.call("POST", f"/v1/leases/{lease['lease_id']}/release")
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 2, output
    farm.wait_for("ann", "free", 1)
    time.sleep(0.5)
    farm.wait_for("ann", "free", 1)


def test_a_farm_that_does_not_answer(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest_userfarm.http as http\nhttp.RETRY_FOR = 0.5\n")
    pytester.makepyfile("def test_it(account): pass")
    result = pytester.runpytest_subprocess("--userfarm-url", "http://127.0.0.1:9")
    result.stdout.fnmatch_lines(
        ["userfarm: the farm at http://127.0.0.1:9 does not answer: Connection refused", "is http://127.0.0.1:9 the right address? *"]
    )


def in_line(farm: FarmServer, owner: str) -> None:
    """Returns when a run waits in line."""
    deadline = time.monotonic() + 20
    while not any(waiter["owner"].startswith(owner) for waiter in farm.call("GET", "/v1/line")["waiters"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
