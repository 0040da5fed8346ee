"""Forty tests, four workers, three accounts, two runs at once: no overlap, and a login for each account."""

from __future__ import annotations

import subprocess
from typing import Callable

import pytest
from login_site import PERIOD, Site
from server import FarmServer

Start = Callable[..., "subprocess.Popen[str]"]
LOGINS = ("ann", "bob", "cid")
SECRET = "JBSWY3DPEHPK3PXP"

SUITE = """
import os, pytest
from visitor import Visitor, log_in, visit

SITE = os.environ["SITE"]

@pytest.fixture
def session(account):
    return account.remembered(lambda: log_in(SITE, account), lambda session: Visitor(SITE, session).get("/") == 200)

@pytest.mark.parametrize("n", range(40))
@pytest.mark.userfarm(env="stage", labels={"role": "buyer"})
def test_shop(session, n):
    visit(SITE, session)
"""


def run(start: Start, *more: str) -> "subprocess.Popen[str]":
    return start("-n4", "-q", "-p", "no:cacheprovider", *more)


def passed(process: "subprocess.Popen[str]", count: int) -> None:
    output, _ = process.communicate(timeout=100)
    assert f"{count} passed" in output and process.returncode == 0, output


def test_two_shards_at_once(farm: FarmServer, site: Site, pytester: pytest.Pytester, start: Start) -> None:
    for login in LOGINS:
        farm.add(login, role="buyer", totp=f"otpauth://totp/{login}?secret={SECRET}&period={PERIOD}")
        site.accounts[login] = {"password": "hunter2 & <more>", "secret": SECRET}
    pytester.makepyfile(test_shop=SUITE)

    shards = [run(start, "--userfarm-owner", f"ci-4711 shard {n}") for n in (1, 2)]
    for shard in shards:
        passed(shard, 40)
    assert site.stats() == {"logins": 3, "overlaps": 0, "visits": 80}

    passed(run(start), 40)
    assert site.stats()["logins"] == 3, "a rerun needs no login"

    site.revoke("bob")
    passed(run(start), 40)
    assert site.stats() == {"logins": 4, "overlaps": 0, "visits": 160}, "a revoked session needs one login"
    assert set(farm.statuses().values()) == {"free"}


def test_sessions_that_expire(farm: FarmServer, site: Site, pytester: pytest.Pytester) -> None:
    farm.add("ann", role="buyer")
    site.accounts["ann"] = {"password": "hunter2 & <more>", "secret": ""}
    site.session_seconds = 0.5
    pytester.makepyfile(test_shop=SUITE.replace("range(40)", "range(2)").replace("visit(SITE, session)", "visit(SITE, session, 0); import time; time.sleep(0.6)"))
    pytester.runpytest_subprocess().assert_outcomes(passed=2)
    assert site.stats()["logins"] == 2


def test_without_the_farm_the_site_sees_overlaps(site: Site) -> None:
    """The record of the site does find what it is there to find."""
    from visitor import Visitor, log_in

    class Ann:
        login, password, has_totp = "ann", "pw", False

    site.accounts["ann"] = {"password": "pw", "secret": ""}
    first, second = (Visitor(site.url, None) for _ in range(2))
    first.state = second.state = log_in(site.url, Ann)
    assert first.get("/enter") == second.get("/enter") == 200
    assert site.stats()["overlaps"] == 1
