"""A shop on http://127.0.0.1:8080 with a login and a cart for each buyer. It writes a line for each login."""

import json
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSWORD = "hunter2"
sessions: dict = {}
carts: dict = {}


class Shop(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        buyer = sessions.get(self.headers.get("Authorization"))
        if self.path == "/login" and body["password"] == PASSWORD:
            token = secrets.token_hex(16)
            sessions[token] = body["login"]
            print("login of", body["login"], flush=True)
            self.answer(200, {"token": token})
        elif buyer is None:
            self.answer(401, {})
        elif self.path == "/cart":
            cart = carts.setdefault(buyer, [])
            cart.append(body["item"])
            self.answer(200, {"cart": cart})
        elif self.path == "/checkout":
            self.answer(200, {"bought": carts.pop(buyer, [])})
        else:
            self.answer(200, {"buyer": buyer})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Shop).serve_forever()
