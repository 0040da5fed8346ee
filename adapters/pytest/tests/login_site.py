"""A site under test: it counts logins, asks for a second factor, lets sessions expire, and records who uses an account at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import struct
import threading
import time
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Set
from urllib.parse import parse_qs, urlsplit

PERIOD = 2  # seconds of a one-time code


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = threading.Lock()
        self.accounts: Dict[str, Dict[str, str]] = {}  # password and secret of the second factor, by login
        self.sessions: Dict[str, Dict[str, Any]] = {}
        self.used_codes: Set[str] = set()
        self.logins = 0
        self.overlaps = 0
        self.visits = 0
        self.inside: Set[str] = set()
        self.session_seconds = 3600.0

    def stats(self) -> Dict[str, int]:
        with self.lock:
            return {"logins": self.logins, "overlaps": self.overlaps, "visits": self.visits}

    def revoke(self, login: str) -> None:
        with self.lock:
            self.sessions = {sid: found for sid, found in self.sessions.items() if found["login"] != login}

    def log_in(self, login: str, password: str, code: str) -> str:
        account = self.accounts.get(login)
        if account is None or account["password"] != password:
            return ""
        if account["secret"]:
            if code not in valid_codes(account["secret"]) or (login + code) in self.used_codes:
                return ""
            self.used_codes.add(login + code)
        sid = secrets.token_hex(16)
        self.sessions[sid] = {"login": login, "until": time.time() + self.session_seconds}
        self.logins += 1
        return sid

    def who(self, sid: str) -> str:
        found = self.sessions.get(sid)
        return str(found["login"]) if found and found["until"] > time.time() else ""


def valid_codes(secret: str) -> Set[str]:
    now = int(time.time() // PERIOD)
    return {code_of(secret, step) for step in (now - 1, now)}


def code_of(secret: str, step: int) -> str:
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1000000:06d}"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        site, parts = self.server, urlsplit(self.path)
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("sid")
        with site.lock:
            login = site.who(cookie.value if cookie else "")
            status, answer, sid = (200, {"login": login}, "") if login else (401, {"login": ""}, "")
            if parts.path == "/login":
                fields = {key: values[0] for key, values in parse_qs(parts.query).items()}
                sid = site.log_in(fields["login"], fields["password"], fields.get("code", ""))
                status = 200 if sid else 403
            elif parts.path == "/enter" and login:
                site.visits += 1
                site.overlaps += login in site.inside
                site.inside.add(login)
            elif parts.path == "/leave" and login:
                site.inside.discard(login)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if sid:
            self.send_header("Set-Cookie", f"sid={sid}; Path=/; HttpOnly")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())
