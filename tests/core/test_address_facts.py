"""Facts of an address: what the lists say, what they do not say, and who is spared."""

from ipaddress import ip_address

import pytest

from ratelimit.core.address_facts import CRAWLERS, AddressFacts, KnownNetworks
from ratelimit.core.network_list import parse_list


def known(**lists: str) -> KnownNetworks:
    return KnownNetworks({name.replace("_", "-"): parse_list(text.encode(), name).networks for name, text in lists.items()})


def facts(networks: KnownNetworks, address: str) -> AddressFacts:
    return networks.facts(ip_address(address).packed, "DE")


def test_nothing_is_known_without_lists() -> None:
    """Without lists every fact is unknown, not false; the country and the network are there."""
    for address, network in (("192.0.2.7", "192.0.2.0"), ("2001:db8:1:ff02::", "2001:db8:1::")):
        found = facts(known(), address)
        assert (found.hosting, found.vpn, found.relay, found.crawler, found.checked) == (None, None, None, None, frozenset())
        assert (found.country, found.network) == ("DE", ip_address(network).packed)


@pytest.mark.parametrize(
    ("address", "hosting", "vpn", "relay"),
    [
        ("192.0.2.1", True, True, False),
        ("192.0.2.100", True, False, False),
        ("198.51.100.1", False, False, False),
        ("192.0.2.201", False, False, True),
    ],
)
def test_lists(address: str, hosting: bool, vpn: bool, relay: bool) -> None:
    """An address may be on several lists; a relay is ordinary users, whatever the other lists call it."""
    networks = known(datacenter="192.0.2.0/24", vpn="192.0.2.0/26\n192.0.2.200/29", apple_proxy="192.0.2.200/29")
    found = facts(networks, address)
    assert (found.hosting, found.vpn, found.relay) == (hosting, vpn, relay)


def test_a_list_speaks_of_its_kind_alone() -> None:
    """A list without IPv6 networks says nothing of IPv6."""
    networks = known(datacenter="192.0.2.0/24", bing="192.0.2.0/24", vpn="2001:db8::/32", googlebot="192.0.2.0/24\n2001:db8::/32")
    v4, v6 = facts(networks, "203.0.113.1"), facts(networks, "2001:db9::")
    assert (v4.hosting, v4.vpn, v4.checked) == (False, None, frozenset({"bing", "googlebot"}))
    assert (v6.hosting, v6.vpn, v6.checked) == (None, False, frozenset({"googlebot"}))


@pytest.mark.parametrize("crawler", CRAWLERS)
def test_crawler(crawler: str) -> None:
    """An address in a crawler's networks is that crawler's; elsewhere it is none's, though we looked."""
    networks = known(**{crawler: "192.0.2.0/24"})
    assert facts(networks, "192.0.2.9").crawler == crawler
    assert facts(networks, "192.0.3.9").crawler is None
    assert facts(networks, "192.0.3.9").checked == {crawler}
