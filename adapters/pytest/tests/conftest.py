from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest
from login_site import Site
from server import FarmServer

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person or the CI that runs these tests counts in them."""
    for name in list(os.environ):
        if name.startswith(("USERFARM_", "GITHUB_", "PYTEST_")) or name in ("BUILD_TAG", "CI_PROJECT_PATH", "http_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHONPATH", str(HERE))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("program") / "userfarm"
    subprocess.run(["go", "build", "-o", str(built), "./cmd/userfarm"], cwd=HERE.parents[2], check=True)
    return built


@pytest.fixture
def farm(program: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[FarmServer]:
    server = FarmServer(program, tmp_path_factory.mktemp("farm"))
    server.start()
    monkeypatch.setenv("USERFARM_URL", server.url)
    yield server
    server.kill()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    found = Site()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    monkeypatch.setenv("SITE", found.url)
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def start(pytester: pytest.Pytester) -> Iterator["Starter"]:
    starter = Starter(pytester)
    yield starter
    starter.end()


class Starter:
    """Starts pytest in the background, so that a test can do something to it meanwhile."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pytest", *args]
        process = subprocess.Popen(
            command, cwd=self._pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
