"""A real farm for the tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Optional

PROJECT = "5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39"


class FarmServer:
    """Runs the program in a folder of its own. It can be killed and started again on the same port."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.url = ""
        self.key = ""
        self._process: Optional[subprocess.Popen[str]] = None

    def start(self) -> None:
        listen = self.url.rpartition("/")[2] or "127.0.0.1:0"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("USERFARM_")}
        command = [str(self.program), "serve", "--listen", listen]
        process = subprocess.Popen(command, cwd=self.folder, env=environ, stderr=subprocess.PIPE, text=True)
        self._process = process
        assert process.stderr is not None
        for line in process.stderr:
            if '"address"' in line:
                self.url = json.loads(line)["address"]
                break
        assert self.url, "the farm has not started"
        threading.Thread(target=process.stderr.read, daemon=True).start()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Takes requests, and answers none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def call(self, method: str, path: str, body: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        request = urllib.request.Request(self.url + path, method=method, headers={"Content-Type": "application/json"})
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        request.data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return dict(json.loads(text)) if text else {}

    def add(self, login: str, *, env: str = "stage", totp: str = "", password: str = "hunter2 & <more>", **labels: str) -> Dict[str, Any]:
        user: Dict[str, Any] = {"login": login, "password": password, "project_id": PROJECT, "env": env, "domain": "regular"}
        user["labels"] = labels
        if totp:
            user["totp_secret"] = totp
        return self.call("POST", "/v1/users", user)

    def hold(self, owner: str, ttl: int = 600, note: str = "", **selector: Any) -> Dict[str, Any]:
        body = {"users": [selector], "owner": owner, "note": note, "ttl_seconds": ttl}
        return self.call("POST", "/v1/leases", body)

    def users(self) -> List[Dict[str, Any]]:
        return list(self.call("GET", "/v1/users?limit=1000")["users"])

    def statuses(self) -> Dict[str, str]:
        return {user["login"]: user["status"] for user in self.users()}

    def kinds(self) -> List[str]:
        return [event["kind"] for event in self.call("GET", "/v1/events?limit=1000")["events"]]

    def wait_for(self, login: str, status: str, seconds: float = 20.0) -> Dict[str, Any]:
        """Returns the user when it has the status."""
        deadline = time.monotonic() + seconds
        while True:
            found = next(user for user in self.users() if user["login"] == login)
            if found["status"] == status:
                return found
            assert time.monotonic() < deadline, f"{login} is {found['status']}, not {status}"
            time.sleep(0.05)
