"""What is found of what somebody types."""

import pytest

from ratelimit.core.message import Entity
from ratelimit.ledger import found
from ratelimit.ledger.ledger import Ledger
from tests.review.case_site import NOW, SUBJECTS

ADDRESSES = ("198.51.100.42", "2001:db8::1", "::1", "0:0:0:1:2:3:4:5", "::5:0:0:7", "64:ff9b::1", "a0::9")


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("198.51.100.0/22", {"198.51.100.42"}),
        ("198.0.0.0/8", {"198.51.100.42"}),
        ("2001:db8::/32", {"2001:db8::1"}),
        ("2000::/12", {"2001:db8::1"}),
        ("2000::/8", {"2001:db8::1"}),
        ("64:ff9b::/96", {"64:ff9b::1"}),
        ("::1/128", {"::1"}),
        ("::/64", {"::1", "::5:0:0:7"}),
        ("0:0:0:1::/64", {"0:0:0:1:2:3:4:5"}),
        ("::/8", {"::1", "0:0:0:1:2:3:4:5", "::5:0:0:7", "64:ff9b::1", "a0::9"}),
        ("fe80::/10", set()),
        ("2000::/3", set()),  # too wide to be looked for
    ],
)
async def test_networks(ledger: Ledger, network: str, expected: set[str]) -> None:
    """Addresses are found by any network, also where zeros are left out of their text or it ends within the first two bytes."""
    async with ledger.write() as connection:
        many = [Entity("ip", f"10.0.{number >> 8}.{number & 255}") for number in range(600)]
        await SUBJECTS.ids(connection, [*many, *(Entity("ip", one) for one in ADDRESSES)], NOW)
    async with ledger.read() as connection:
        assert {one.shown for one in await found.subjects_in(connection, network, 20)} == expected
