import time

import pytest

pytestmark = pytest.mark.userfarm(labels={"role": "buyer"})


@pytest.mark.parametrize("item", ["apple", "pear", "plum", "cherry", "fig", "quince"])
def test_buys_what_is_in_the_cart(shop, item):
    shop.post("/cart", item=item)
    time.sleep(0.1)  # another test with the same buyer would now change the cart
    assert shop.post("/checkout") == {"bought": [item]}


def test_the_buyer_is_the_account(shop, account):
    assert shop.post("/me") == {"buyer": account.login}
