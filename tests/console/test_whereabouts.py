"""Where an address is, in words."""

import pytest
from msgspec.structs import replace

from ratelimit.console.whereabouts import whereabouts
from ratelimit.core.address_facts import NO_FACTS, AddressFacts


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (NO_FACTS, ""),
        (replace(NO_FACTS, country="NL", hosting=True), "NL, hosting"),
        (replace(NO_FACTS, country="US", vpn=True, hosting=False), "US, VPN"),
        (replace(NO_FACTS, crawler="Googlebot"), "Googlebot"),
    ],
)
def test_words(facts: AddressFacts, words: str) -> None:
    """What is known is said, in the same order each time; what is not is left out."""
    assert whereabouts(lambda _: facts)("192.0.2.1") == words


def test_no_address() -> None:
    """Text that is no address is nowhere."""
    assert whereabouts(lambda _: NO_FACTS)("2001:db8::/64 or so") == ""
