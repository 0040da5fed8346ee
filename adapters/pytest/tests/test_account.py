"""A user for a test, as the test sees it."""

from __future__ import annotations

import pytest
from server import PROJECT, FarmServer


def test_a_test_gets_a_user_and_gives_it_back(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann", role="buyer")
    farm.add("bob", role="seller")
    pytester.makepyfile(
        test_shop="""
        import pytest

        @pytest.mark.userfarm(env="stage", labels={"role": "buyer"})
        def test_buy(account, userfarm):
            assert (account.login, account.password, account.labels) == ("ann", "hunter2 & <more>", {"role": "buyer"})
            assert repr(account) == "<account ann, env stage, role=buyer, fence 1>"
            assert "hunter2" not in f"{account} {account.password!r} {[account.password]}"
        """
    )
    result = pytester.runpytest_subprocess("--userfarm-owner", "ci-4711")
    result.assert_outcomes(passed=1)
    assert farm.statuses() == {"ann": "free", "bob": "free"}
    acquired = farm.call("GET", "/v1/events?kind=acquired")["events"]
    assert [(event["owner"], event["note"]) for event in acquired] == [("ci-4711", "test_shop.py::test_buy")]


def test_several_users_come_in_one_lease(farm: FarmServer, pytester: pytest.Pytester) -> None:
    for login, role in (("ann", "buyer"), ("bob", "seller"), ("cid", "admin")):
        farm.add(login, role=role)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.userfarm(env="stage")
        class TestTrade:
            @pytest.mark.userfarm("seller", labels={"role": "seller"})
            @pytest.mark.userfarm("buyer", labels={"role": "buyer"})
            def test_trade(self, accounts):
                assert (accounts.seller.login, accounts["buyer"].login, len(accounts)) == ("bob", "ann", 2)

            @pytest.mark.userfarm("seller", labels={"role": "seller"})
            def test_both(self, account, accounts):
                assert accounts.seller.login == "bob" != account.login

        def test_by_hand(userfarm):
            with userfarm.accounts(seller={"labels": {"role": "seller"}}, admin={"labels": {"role": "admin"}}) as accounts:
                assert accounts.admin.login == "cid"
            with userfarm.account(labels={"role": "buyer"}, ttl="1m", wait=0) as account:
                assert account.login == "ann"
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=3)
    assert set(farm.statuses().values()) == {"free"}
    assert farm.kinds().count("acquired") == 2 + 2 + 2 + 1


def test_a_user_for_each_worker(farm: FarmServer, pytester: pytest.Pytester) -> None:
    for login in ("ann", "bob"):
        farm.add(login, role="buyer")
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def userfarm_worker_want():
            return {"env": "stage", "labels": {"role": "buyer"}}
        """
    )
    pytester.makepyfile(
        """
        import pytest, time

        @pytest.mark.parametrize("n", range(6))
        def test_it(worker_account, n):
            time.sleep(0.2)
        """
    )
    pytester.runpytest_subprocess("-n2").assert_outcomes(passed=6)
    acquired = farm.call("GET", "/v1/events?kind=acquired")["events"]
    assert sorted(event["login"] for event in acquired) == ["ann", "bob"]
    assert sorted(event["owner"].rpartition("/")[2] for event in acquired) == ["gw0", "gw1"]
    assert set(farm.statuses().values()) == {"free"}


def test_settings_of_the_command_line_and_the_ini_file(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann", env="stage", role="buyer")
    farm.add("bob", env="prod", role="buyer")
    pytester.makeini(f"[pytest]\nuserfarm_env = prod\nuserfarm_project = {PROJECT}\nuserfarm_labels =\n    role=buyer\nuserfarm_ttl = 1m\n")
    pytester.makepyfile("def test_it(account): assert account.env == 'stage'")
    pytester.runpytest_subprocess("--userfarm-env", "stage").assert_outcomes(passed=1)
    pytester.runpytest_subprocess().assert_outcomes(failed=1)


def test_a_user_that_a_test_broke(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann", role="a")
    farm.add("bob", role="b")
    farm.add("cid", role="c")
    pytester.makepyfile(
        test_shop="""
        import pytest

        @pytest.mark.userfarm(labels={"role": "a"})
        def test_says_so(account):
            account.quarantine("the cart is not empty")

        @pytest.mark.userfarm(labels={"role": "b"}, on_failure="quarantine")
        def test_fails(account):
            assert False

        @pytest.mark.userfarm(labels={"role": "c"}, on_failure="quarantine")
        def test_passes(account):
            pass
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2, failed=1)
    reasons = {user["login"]: (user["quarantine"] or {}).get("reason") for user in farm.users()}
    assert reasons == {"ann": "the cart is not empty", "bob": "test_shop.py::test_fails failed", "cid": None}


def test_reruns_have_a_user_of_their_own(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann")
    farm.add("bob")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.userfarm(on_failure="quarantine")
        def test_it(account):
            assert account.login == "bob"
        """
    )
    result = pytester.runpytest_subprocess("--reruns", "1")
    result.stdout.fnmatch_lines(["*1 passed, 1 rerun*"])
    assert farm.statuses() == {"ann": "quarantined", "bob": "free"}


@pytest.mark.parametrize(
    "line, says",
    [
        ('@pytest.mark.userfarm(lables={"role": "buyer"})', "*.py:2: userfarm: unknown argument lables of the marker userfarm; it takes project, env, *"),
        ("@pytest.mark.userfarm(labels=['role'])", "*.py:2: userfarm: labels must be texts, such as *"),
        ('@pytest.mark.userfarm(wait="soon")', "*.py:2: userfarm: wait must be seconds, or a time such as 90s, 5m or 1h30m"),
        ('@pytest.mark.userfarm(on_failure="remove")', "*.py:2: userfarm: on_failure must be release or quarantine"),
        ('@pytest.mark.userfarm(env="stag")', '  1 user that matches otherwise has env "stage", not "stag".'),
        ('@pytest.mark.userfarm(project="shop")', "userfarm: no project has the name shop; names are: none"),
    ],
)
def test_mistakes_are_told_in_one_line(farm: FarmServer, pytester: pytest.Pytester, line: str, says: str) -> None:
    farm.add("ann")
    pytester.makepyfile(f"import pytest\n{line}\ndef test_it(account): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([says])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_mistake_in_a_marker_is_found_before_any_test_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest

        def test_passes(): pass

        @pytest.mark.userfarm("seller", lables={"role": "seller"})
        def test_it(accounts): pass
        """
    )
    for workers in ("-n0", "-n2"):
        result = pytester.runpytest_subprocess(workers)
        assert set(result.parseoutcomes()) <= {"error", "errors"}, "nothing has run"
        result.stdout.fnmatch_lines(["test_shop.py:5: userfarm: unknown argument lables of the marker userfarm; it takes project, *"])


def test_a_project_is_named_by_its_name_or_its_id(farm: FarmServer, pytester: pytest.Pytester) -> None:
    farm.add("ann")
    farm.call("PUT", f"/v1/projects/{PROJECT}", {"name": "Caf\u00e9 Shop"})
    for project in ("Caf\u00e9 Shop", "cafe\u0301 SHOP", PROJECT):
        pytester.makepyfile(f"import pytest\n@pytest.mark.userfarm(project={project!r})\ndef test_it(account): assert account.login == 'ann'")
        pytester.runpytest_subprocess().assert_outcomes(passed=1)
