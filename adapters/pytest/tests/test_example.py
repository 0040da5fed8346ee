"""The example does what its README says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from server import PROJECT, FarmServer

EXAMPLE = Path(__file__).parent.parent / "example"


def test_the_example(farm: FarmServer, pytester: pytest.Pytester) -> None:
    for path in EXAMPLE.iterdir():
        if path.is_file():
            shutil.copy(path, pytester.path)
    shop_py = pytester.path / "shop.py"
    shop_py.write_text(shop_py.read_text().replace('("127.0.0.1", 8080), Shop).serve_forever()', '("127.0.0.1", 0), Shop)')
        .replace("    ThreadingHTTPServer", "    server = ThreadingHTTPServer") + "    print(server.server_port, flush=True)\n    server.serve_forever()\n")
    for buyer in ("ann", "bob"):
        add = [str(farm.program), "users", "add", f"{buyer}@example.com", "--project", PROJECT, "--env", "stage", "--domain", "regular"]
        subprocess.run([*add, "--label", "role=buyer", "--password-file", "-"], input="hunter2\n", text=True, check=True)
    shop = subprocess.Popen([sys.executable, "shop.py"], cwd=pytester.path, stdout=subprocess.PIPE, text=True)
    try:
        assert shop.stdout is not None
        conftest = pytester.path / "conftest.py"
        conftest.write_text(conftest.read_text().replace(":8080", ":" + shop.stdout.readline().strip()))
        for _ in range(2):
            pytester.runpytest_subprocess("-n2").assert_outcomes(passed=7)
    finally:
        shop.kill()
    assert sorted(shop.stdout.read().split("\n")) == ["", "login of ann@example.com", "login of bob@example.com"]
    shop.wait()
