"""Nothing secret is in what a run leaves behind, even if its tests try hard."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import List
from urllib.parse import quote

import pytest
from pytest_userfarm.secret import Masks
from server import FarmServer

SUITE = """
import json, logging, sys
import pytest

STATE = {"cookies": [{"name": "sid", "value": "c00kie-of-ann-4711"}]}

def use(account):
    account.save_session(STATE)
    session, code, password = account.read_session(), account.otp(), account.password
    plain = str(password)
    with open("secrets.txt", "a") as file:
        path = account._hold._path
        file.write("\\n".join([plain, session, code, path.rpartition("/")[2]]) + "\\n")
    return session, code, password, plain

def test_locals(account):
    session, code, password, plain = use(account)
    everything = [account, {"password": password}]
    assert False

def test_compares(account):
    assert use(account) == 1

def test_compares_texts(account):
    assert account.password == "hunter3"

def test_compares_lists(account):
    assert [account.password, account] == ["hunter3", None]

def test_prints(account):
    session, code, password, plain = use(account)
    print(account, plain, session, code, json.dumps([plain]))
    print(plain, file=sys.stderr)
    logging.getLogger().warning("log in as %s with %s", account, plain)
    raise RuntimeError("can't log in with " + plain)

def test_chains(account):
    try:
        raise ValueError(account.password)
    except ValueError as error:
        raise RuntimeError("failed") from error

def test_asks_wrongly(account):
    account.save_session("x" * 300_000 + account.password)

def test_in_a_call(account, userfarm):
    use(account)
    account._hold.call("POST", "/nothing", {"password": account.password})

@pytest.fixture
def broken(account):
    yield
    assert account.password == ""

def test_teardown(broken):
    pass

def test_passes(account, record_property):
    session, code, password, plain = use(account)
    record_property("user", str(account))
    logging.getLogger().warning("log in as %s", account)
"""


@pytest.fixture
def suite(farm: FarmServer, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> FarmServer:
    farm.add("ann", totp="otpauth://totp/ann?secret=JBSWY3DPEHPK3PXP&period=1", password='hunter2 "&\' <more>')
    create = [str(farm.program), "keys", "create", "--role", "admin", "--name", "tests"]
    farm.key = subprocess.run(create, cwd=farm.folder, check=True, capture_output=True, text=True).stdout.strip()
    monkeypatch.setenv("USERFARM_API_KEY", farm.key)
    pytester.makepyfile(SUITE)
    return farm


@pytest.mark.parametrize("style", ["auto", "native", "long", "short", "line"])
def test_terminal_and_junit_have_no_secret(suite: FarmServer, pytester: pytest.Pytester, style: str) -> None:
    result = pytester.runpytest_subprocess(
        "-l", "-vv", "-rA", "--full-trace", f"--tb={style}", "--junitxml", "junit.xml", "-o", "junit_logging=all"
    )
    result.assert_outcomes(passed=2, failed=8, errors=1)
    known = [suite.key, "hunter2", "c00kie-of-ann", *secrets(pytester.path)]
    for text in (result.stdout.str(), result.stderr.str(), (pytester.path / "junit.xml").read_text()):
        assert shown(known, text) == []
        assert "JBSWY3DP" not in text and "Bearer userfarm" not in text


def test_workers_have_no_secret_either(suite: FarmServer, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("-n2", "-l", "-vv", "-rA", "--junitxml", "junit.xml")
    result.assert_outcomes(passed=2, failed=8, errors=1)
    known = [suite.key, "hunter2", "c00kie-of-ann", *secrets(pytester.path)]
    text = result.stdout.str() + (pytester.path / "junit.xml").read_text()
    assert shown(known, text) == []


def test_a_failure_says_which_user_it_had(suite: FarmServer, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("-k", "test_locals or test_passes", "--junitxml", "junit.xml")
    result.stdout.fnmatch_lines(["*- userfarm -*", "<account ann, env stage, fence *>"])
    assert '<property name="userfarm" value="ann, fence ' in (pytester.path / "junit.xml").read_text()


def shown(secrets: List[str], text: str) -> List[str]:
    """Returns the secrets that a text has. A code has so few digits that the addresses of objects have some by chance."""
    return [secret for secret in secrets if re.search(rf"(?<![\w.]){secret}(?!\w)" if secret.isdecimal() else re.escape(secret), text)]


def secrets(folder: Path) -> List[str]:
    found = [line for line in (folder / "secrets.txt").read_text().splitlines() if line]
    assert len(found) > 8
    return found


@pytest.mark.parametrize("password", ["hunter2", 'a"b\'c\\d e', "pass", "zoë & co / 100%", "line\nbreak-and-more"])
def test_masks_find_a_password_however_it_is_quoted(password: str) -> None:
    masks = Masks()
    masks.add(password)
    for text in (password, repr(password), repr(repr(password)), json.dumps(password), repr([json.dumps([password])]), quote(password)):
        shown = masks.apply(f"({text})")
        assert "[redacted]" in shown and password not in shown


def test_a_short_password_hides_no_part_of_a_word() -> None:
    masks = Masks()
    masks.add("test")
    assert masks.apply("tests/test_it.py: test, 'test'") == "tests/test_it.py: [redacted], '[redacted]'"
