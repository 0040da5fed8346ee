"""Pages of pytest-playwright open signed in. The stand-in has its fixtures; see its docstring."""

from __future__ import annotations

import pytest
from login_site import Site
from server import FarmServer

CONFTEST = """
import os, pytest

@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):  # as the documentation of pytest-playwright has it
    return {**browser_context_args, "base_url": os.environ["SITE"]}

@pytest.fixture(scope="session")
def userfarm_sign_in():
    def sign_in(page, account):
        page.goto("/login", login=account.login, password=account.password)
        assert page.status == 200
    return sign_in

@pytest.fixture(scope="session")
def userfarm_is_signed_in():
    def is_signed_in(page):
        page.goto("/")
        return page.status == 200
    return is_signed_in
"""

SUITE = """
def test_signed_in(page, account):
    page.goto("/")
    assert page.status == 200

def test_once_more(account, context):
    assert context.storage_state()["cookies"]

def test_without_an_account(page, browser, browser_context_args):
    page.goto("/")
    assert page.status == 401
    assert "storage_state" not in browser_context_args
    assert browser.opened[0] == ["base_url"]  # signs in, and is not recorded
    assert ["base_url", "record_video_dir", "storage_state"] in browser.opened
"""

STAND_IN = ("-p", "playwright_standin")


@pytest.fixture
def shop(farm: FarmServer, site: Site, pytester: pytest.Pytester) -> Site:
    farm.add("ann")
    site.accounts["ann"] = {"password": "hunter2 & <more>", "secret": ""}
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SUITE)
    return site


def test_a_page_opens_signed_in(shop: Site, pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess(*STAND_IN).assert_outcomes(passed=3)
    assert shop.stats()["logins"] == 1
    result = pytester.runpytest_subprocess(*STAND_IN, "-k", "test_signed or once_more")
    result.assert_outcomes(passed=2, deselected=1)
    assert shop.stats()["logins"] == 1, "a rerun makes none"


def test_a_session_that_the_site_refuses_is_replaced(shop: Site, pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess(*STAND_IN).assert_outcomes(passed=3)
    shop.revoke("ann")
    pytester.runpytest_subprocess(*STAND_IN, "-k", "test_signed or once_more").assert_outcomes(passed=2, deselected=1)
    assert shop.stats()["logins"] == 2


def test_a_login_that_fails_is_the_error_of_the_test(shop: Site, farm: FarmServer, pytester: pytest.Pytester) -> None:
    shop.accounts["ann"]["password"] = "changed"
    result = pytester.runpytest_subprocess(*STAND_IN, "-l", "-k", "once_more")
    result.assert_outcomes(errors=1, deselected=2)
    result.stdout.fnmatch_lines(["E * assert 403 == 200"])
    result.stdout.no_fnmatch_line("*hunter2*")
    assert farm.statuses() == {"ann": "free"}


def test_a_session_that_a_test_has_saved_itself(farm: FarmServer, site: Site, pytester: pytest.Pytester) -> None:
    farm.add("ann")
    site.accounts["ann"] = {"password": "hunter2 & <more>", "secret": ""}
    pytester.makeconftest(CONFTEST.partition('@pytest.fixture(scope="session")\ndef userfarm_sign_in')[0])
    pytester.makepyfile(
        """
        def test_1(page, account):
            page.goto("/login", login=account.login, password=account.password)
            account.save_session(page.context.storage_state(), expires_in=3600)

        def test_2(page, account):
            page.goto("/")
            assert page.status == 200
        """
    )
    pytester.runpytest_subprocess(*STAND_IN).assert_outcomes(passed=2)


def test_without_pytest_playwright_there_is_no_fixture_of_it(farm: FarmServer, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(browser_context_args): pass")
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(["E *fixture 'browser_context_args' not found"])
