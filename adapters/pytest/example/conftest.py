import json
import urllib.error
import urllib.request

import pytest

SHOP = "http://127.0.0.1:8080"


class Client:
    """A client of the shop, which is signed in if it has a token."""

    def __init__(self, token=""):
        self.token = token

    def post(self, path, **body):
        request = urllib.request.Request(SHOP + path, json.dumps(body).encode(), {"Authorization": self.token})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def is_signed_in(self):
        try:
            return bool(self.post("/me"))
        except urllib.error.HTTPError:
            return False


@pytest.fixture
def shop(account):
    """The shop, signed in as a buyer that no other test has. The first test with a buyer logs in; the next ones go on with its session."""
    token = account.remembered(
        sign_in=lambda: Client().post("/login", login=account.login, password=account.password)["token"],
        still_works=lambda token: Client(token).is_signed_in(),
    )
    return Client(token)
