"""Addresses: what is one, whom it stands for, and who asks behind proxies."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.address import MAX_HOPS, Networks, caller_prefix, format_address, forwarded_for, mask, parse_address

V4 = bytes([203, 0, 113, 7])
V6 = IPv6Address("2001:db8::1").packed
INSIDE = Networks(["10.0.0.0/8", "fd00::/8", "192.0.2.1"])


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("203.0.113.7", V4), (" 203.0.113.7\t", V4), ("203.0.113.7:8080", V4), ("::ffff:203.0.113.7", V4), ("::ffff:cb00:7107", V4),
        ("[::ffff:203.0.113.7]:1", V4), ("2001:db8::1", V6), ("[2001:db8::1]", V6), ("[2001:db8::1]:443", V6), ("2001:DB8:0::0:1", V6),
        ("", None), ("unknown", None), ("_hidden", None), ("203.0.113", None), ("203.0.113.256", None), ("203.0.113.7:", None),
        ("203.0.113.7:http", None), ("203.0.113.7:\u0664", None), ("203.0.113.7:123456", None),
        ("fe80::1%eth0", None), ("[2001:db8::1", None),
        ("[2001:db8::1]443", None), ("[2001:db8::1]:", None), ("[203.0.113.7]:80", None), ("1:2:3", None), ("203.0.113.7\0", None),
        ("\ud800", None), ("\ud800::1", None), ("203.0.113.7, 1.1.1.1", None), ("0x7f.0.0.1", None), (":" * 9_000, None), ("[]", None),
    ],
)  # fmt: skip
def test_parse_address(text: str, packed: bytes | None) -> None:
    """An address with or without port is read, IPv4 in IPv6 is IPv4, anything else is None."""
    assert parse_address(text) == packed


@given(st.text(alphabet=st.characters(), max_size=50) | st.text("0123456789abcdef:.[]%", max_size=50))
def test_parse_never_raises(text: str) -> None:
    """Whatever a client writes is an address of 4 or 16 bytes, or none."""
    packed = parse_address(text)
    assert packed is None or len(packed) in {4, 16}


@given(st.ip_addresses(), st.integers(0, 128))
def test_mask_agrees_with_ipaddress(address: IPv4Address | IPv6Address, bits: int) -> None:
    """Masking gives the network's first address, as ipaddress does."""
    bits = min(bits, address.max_prefixlen)
    network = ip_network((address, bits), strict=False)
    assert mask(address.packed, bits) == network.network_address.packed
    assert address.packed in Networks([str(network)])


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128))
def test_networks_agree_with_ipaddress(address: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address, bits: int) -> None:
    """An address is in a set of networks if it is in one of them."""
    networks = [ip_network((other, min(bits, other.max_prefixlen)), strict=False), ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    assert (address.packed in Networks(map(str, networks))) == any(address in network for network in networks)


def test_caller_prefix() -> None:
    """An IPv6 caller is its /64, an IPv4 caller itself."""
    assert caller_prefix(V6, 64) == IPv6Address("2001:db8::").packed
    assert caller_prefix(V6, 128) == V6
    assert caller_prefix(V4, 64) == V4


@pytest.mark.parametrize(
    ("text", "prefix", "shown"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", 32, "203.0.113.7"),
        ("203.0.113.7", 24, "203.0.113.0/24"),
        ("2001:db8::1", 64, "2001:db8::/64"),
        ("2001:db8::1", 128, "2001:db8::1"),
    ],
)
def test_format_address(text: str, prefix: int | None, shown: str) -> None:
    """An address is written in its short form, a network with its prefix."""
    assert format_address(ip_address(text).packed, prefix) == shown


@pytest.mark.parametrize(
    ("values", "caller"),
    [
        ([], None),
        ([""], None),
        (["203.0.113.7"], "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        (["1.1.1.1", "203.0.113.7", "10.0.0.1, fd00::1"], "203.0.113.7"),
        (["203.0.113.7, ,10.0.0.1,, "], "203.0.113.7"),
        (["203.0.113.7:55, [fd00::1]:443"], "203.0.113.7"),
        (["203.0.113.7, ::ffff:10.0.0.1"], "203.0.113.7"),
        (["10.0.0.2, 10.0.0.1"], "10.0.0.2"),
        (["203.0.113.7, 192.0.2.1"], "203.0.113.7"),
        (["203.0.113.7, 192.0.2.2"], "192.0.2.2"),
        (["203.0.113.7, garbage"], None),
        (["203.0.113.7, garbage, 10.0.0.1"], "10.0.0.1"),
        (["203.0.113.7" + ", 10.0.0.1" * 10_000], "10.0.0.1"),
        (["1.1.1.1," * 10_000 + "203.0.113.7"], "203.0.113.7"),
        ([","] * 10_000, None),
        (["203.0.113.7", *[","] * 80, "10.0.0.1"], "10.0.0.1"),
    ],
)
def test_forwarded_for(values: list[str], caller: str | None) -> None:
    """The caller is the right-most address that is no trusted proxy, and nothing left of garbage or beyond the bound is believed."""
    assert forwarded_for(values, INSIDE) == (None if caller is None else ip_address(caller).packed)


def test_as_many_proxies_as_the_bound_are_walked() -> None:
    """The bound of the walk is what it says."""
    assert forwarded_for(["203.0.113.7" + ",10.0.0.1" * (MAX_HOPS - 1)], INSIDE) == V4
    assert forwarded_for(["203.0.113.7" + ",10.0.0.1" * MAX_HOPS], INSIDE) == bytes([10, 0, 0, 1])


def test_nobody_trusted() -> None:
    """Without trusted proxies the right-most address is the caller."""
    assert forwarded_for(["1.1.1.1, 10.0.0.1"], Networks([])) == bytes([10, 0, 0, 1])
