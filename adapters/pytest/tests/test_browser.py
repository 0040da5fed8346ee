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


def test_a_page_of_a_fixture_that_all_tests_use_is_signed_in(shop: Site, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        CONFTEST
        + """
@pytest.fixture(autouse=True)
def at_home(page):
    page.goto("/")
"""
    )
    pytester.makepyfile("def test_it(account, page): assert page.status == 200")
    pytester.runpytest_subprocess(*STAND_IN).assert_outcomes(passed=1)


def test_the_arguments_of_a_test_hold_for_its_sign_in_too(shop: Site, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.replace('os.environ["SITE"]', '"http://127.0.0.1:9"'))
    pytester.makepyfile(
        """
        import os, pytest

        @pytest.mark.browser_context_args(base_url=os.environ["SITE"], locale="de-DE")
        def test_it(account, page, browser):
            page.goto("/")
            assert page.status == 200
            assert browser.opened[0] == ["base_url", "locale"]
        """
    )
    pytester.runpytest_subprocess(*STAND_IN).assert_outcomes(passed=1)


def test_a_state_that_the_test_names_wins(shop: Site, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.browser_context_args(storage_state={"cookies": [], "origins": []})
        def test_it(account, page):
            page.goto("/")
            assert page.status == 401
        """
    )
    pytester.runpytest_subprocess(*STAND_IN).assert_outcomes(passed=1)
    assert shop.stats()["logins"] == 0


ASYNC = """
class AsyncBrowser:
    async def new_context(self, **arguments):
        raise AssertionError("nobody awaits this")

@pytest.fixture(scope="session")
def browser():
    return AsyncBrowser()
"""


def test_pytest_playwright_asyncio_is_told_what_to_do(shop: Site, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST + ASYNC)
    pytester.makepyfile("def test_it(account, browser_context_args): pass")
    result = pytester.runpytest_subprocess(*STAND_IN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["userfarm: userfarm_sign_in needs pytest-playwright. With pytest-playwright-asyncio, sign in in a fixture *"])
    result.stdout.no_fnmatch_line("*never awaited*")


def test_without_pytest_playwright_there_is_no_fixture_of_it(farm: FarmServer, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(browser_context_args): pass")
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(["E *fixture 'browser_context_args' not found"])
