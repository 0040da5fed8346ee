"""What the tests of the site do: a small client, which the suites that the tests write import."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from typing import Any, Dict, Optional
from urllib.parse import urlencode


class Visitor:
    """Has cookies as Playwright's storage state has them."""

    def __init__(self, url: str, session: Optional[str] = None) -> None:
        self.url = url
        self.state: Dict[str, Any] = json.loads(session) if session else {"cookies": [], "origins": []}

    def get(self, path: str) -> int:
        cookies = "; ".join(f"{c['name']}={c['value']}" for c in self.state["cookies"])
        request = urllib.request.Request(self.url + path, headers={"Cookie": cookies})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                for line in answer.headers.get_all("Set-Cookie") or []:
                    for morsel in SimpleCookie(line).values():
                        self.state["cookies"] = [{"name": morsel.key, "value": morsel.value, "domain": "127.0.0.1", "path": "/"}]
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


def log_in(url: str, account: Any) -> Dict[str, Any]:
    visitor = Visitor(url)
    fields = {"login": account.login, "password": account.password}
    if account.has_totp:
        fields["code"] = account.otp()
    assert visitor.get("/login?" + urlencode(fields)) == 200, "the site refuses the login"
    return visitor.state


def visit(url: str, session: str, seconds: float = 0.05) -> None:
    """Uses the site for a while. The site notices if somebody else does, too."""
    visitor = Visitor(url, session)
    assert visitor.get("/enter") == 200
    time.sleep(seconds)
    assert visitor.get("/leave") == 200
