"""Where settings come from: option, environment, profile, ini file, default."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from pytest_userfarm import SettingsError
from pytest_userfarm.http import checked, is_loopback
from pytest_userfarm.owner import owner
from pytest_userfarm.profiles import folder
from pytest_userfarm.settings import Settings, seconds, settings


class Given:
    def __init__(self, **said: Any) -> None:
        self._said: Dict[str, Any] = said

    def option(self, name: str) -> str:
        return str(self._said.get(f"option_{name}", ""))

    def ini(self, name: str) -> str:
        return str(self._said.get(f"ini_{name}", ""))

    def ini_list(self, name: str) -> List[str]:
        return list(self._said.get(f"ini_{name}", []))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "userfarm"
    folder.mkdir()
    return folder


def write(config: Path, mode: int = 0o600, **content: Any) -> Path:
    path = config / "profiles.json"
    path.write_text(json.dumps(content))
    path.chmod(mode)
    return path


def settle(config: Path, environ: Dict[str, str], **said: Any) -> Settings:
    return settings(Given(**said), {"XDG_CONFIG_HOME": str(config.parent), **environ})


def test_defaults(config: Path) -> None:
    found = settle(config, {})
    assert (found.url, found.api_key, found.ttl, found.wait, found.on_failure) == ("http://127.0.0.1:8000", "", 60, 300, "release")


def test_precedence(config: Path) -> None:
    write(config, default="work", profiles={"work": {"url": "http://profile", "api_key": "k1", "env": "stage", "project": "shop"}})
    ini: Dict[str, Any] = {"ini_url": "http://ini", "ini_env": "ini", "ini_domain": "ini"}
    found = settle(config, {}, **ini)
    assert (found.url, found.api_key, found.env, found.project, found.domain) == ("http://profile", "k1", "stage", "shop", "ini")
    found = settle(config, {"USERFARM_URL": "http://environ", "USERFARM_API_KEY": "k2"}, **ini)
    assert (found.url, found.api_key) == ("http://environ", "k2")
    found = settle(config, {"USERFARM_URL": "http://environ"}, option_url="http://option", option_env="prod", **ini)
    assert (found.url, found.env) == ("http://option", "prod")
    assert "k1" not in repr(found)


def test_a_profile_is_chosen(config: Path) -> None:
    write(config, default="work", profiles={"work": {"url": "http://work"}, "home": {"url": "http://home"}})
    assert settle(config, {}).url == "http://work"
    assert settle(config, {"USERFARM_PROFILE": "home"}).url == "http://home"
    assert settle(config, {"USERFARM_PROFILE": "home"}, option_profile="work").url == "http://work"
    with pytest.raises(SettingsError, match='there is no profile "hoem" in .*, which has home, work'):
        settle(config, {"USERFARM_PROFILE": "hoem"})


def test_the_key_of_a_profile_is_for_its_farm_only(config: Path) -> None:
    write(config, default="work", profiles={"work": {"url": "http://work/", "api_key": "k1"}, "any": {"api_key": "k2"}})
    assert settle(config, {}).api_key == "k1"
    assert settle(config, {"USERFARM_URL": "http://work"}).api_key == "k1"
    assert settle(config, {"USERFARM_URL": "http://elsewhere"}).api_key == ""
    assert settle(config, {}, option_url="http://elsewhere").api_key == ""
    assert settle(config, {"USERFARM_PROFILE": "any"}, option_url="http://elsewhere").api_key == "k2"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_folder_is_that_of_the_command(config: Path, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("HOME", "/home/ann")
    usual = {"linux": "/home/ann/.config", "darwin": "/home/ann/Library/Application Support", "win32": "/local"}[platform]
    assert folder({"LOCALAPPDATA": "/local"}) == Path(usual, "userfarm")
    assert folder({"LOCALAPPDATA": "/local", "XDG_CONFIG_HOME": "not/absolute"}) == Path(usual, "userfarm")
    assert folder({"LOCALAPPDATA": "/local", "XDG_CONFIG_HOME": "/config"}) == Path("/config/userfarm")


def test_a_profile_that_the_command_refuses_is_refused(config: Path) -> None:
    write(config, profiles={"a": {"ulr": "http://a"}, "b": {"api_key": "k1", "api_key_file": "b.key"}})
    with pytest.raises(SettingsError, match='profile "a" has the unknown field "ulr"; known are url, api_key, api_key_file, project, env'):
        settle(config, {"USERFARM_PROFILE": "a"})
    with pytest.raises(SettingsError, match='profile "b" has both api_key and api_key_file'):
        settle(config, {"USERFARM_PROFILE": "b"})


def test_a_key_in_a_file_of_its_own(config: Path) -> None:
    write(config, 0o644, default="work", profiles={"work": {"api_key_file": "work.key"}})
    key = config / "work.key"
    key.write_text("k1\n")
    assert settle(config, {}).api_key == "k1"
    write(config, 0o644, default="work", profiles={"work": {"api_key_file": str(key)}})
    assert settle(config, {}).api_key == "k1"


def test_a_file_with_a_key_that_others_can_read_is_refused(config: Path) -> None:
    write(config, 0o644, default="home", profiles={"work": {"api_key": "k1"}, "home": {}})
    with pytest.raises(SettingsError, match="profiles.json has an API key, and others on this machine can read it") as refused:
        settle(config, {})
    assert "k1" not in str(refused.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"profiles": []}', '{"profiles": {"work": {"url": 5}}, "default": "work"}'])
def test_a_broken_file_is_told(config: Path, content: str) -> None:
    (config / "profiles.json").write_text(content)
    with pytest.raises(SettingsError, match="profiles.json"):
        settle(config, {})


def test_a_profile_without_a_file(config: Path) -> None:
    with pytest.raises(SettingsError, match='there is no profile "work": .* does not exist'):
        settle(config, {"USERFARM_PROFILE": "work"})


def test_a_key_that_no_header_can_have_is_not_shown(config: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        settle(config, {"USERFARM_API_KEY": "k1\nk2"})
    assert "k1" not in str(refused.value)


@pytest.mark.parametrize("text, expected", [(90, 90), ("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400)])
def test_times(text: object, expected: int) -> None:
    assert seconds("wait", text, least=0) == expected


@pytest.mark.parametrize("text", ["", "soon", "-1", -1, 1.5, True, None, "5d"])
def test_bad_times(text: object) -> None:
    with pytest.raises(SettingsError, match="wait must be"):
        seconds("wait", text, least=0)


@pytest.mark.parametrize("url", ["", "farm", "ftp://farm", "http://", "http://ann:pw@farm", "http://farm:port", "http://farm?x=1"])
def test_bad_addresses(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        checked(url)
    assert "pw" not in str(refused.value)


def test_the_own_machine_needs_no_proxy() -> None:
    assert [is_loopback(url) for url in ("http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "http://farm.example.com")] == [
        True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "environ, expected",
    [
        ({"GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "4711", "GITHUB_JOB": "e2e"}, "acme/shop/4711/e2e/gw3"),
        ({"CI_PROJECT_PATH": "acme/shop", "CI_PIPELINE_ID": "4711", "CI_JOB_NAME": "e2e", "BUILD_TAG": ""}, "acme/shop/4711/e2e/gw3"),
        ({"BUILD_TAG": "jenkins-shop-12"}, "jenkins-shop-12/gw3"),
        ({"BUILDKITE_PIPELINE_SLUG": "shop", "BUILDKITE_BUILD_NUMBER": "7"}, "shop/7/gw3"),
    ],
)
def test_the_owner_is_the_run_of_the_ci(environ: Dict[str, str], expected: str) -> None:
    assert owner("", "gw3", environ) == expected
    assert owner("me", "", environ) == "me"


def test_the_owner_elsewhere_is_the_account_and_host() -> None:
    account, at, host = owner("", "", {}).partition("@")
    assert account and at and host == os.uname().nodename
    assert len(owner("x" * 300, "gw3", {})) == 255
