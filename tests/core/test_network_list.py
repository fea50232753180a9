"""Lists of networks: what a line is, and which addresses are inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.errors import ConfigError
from ratelimit.core.network_list import NetworkList, parse_list


def inside(networks: NetworkList, text: str) -> bool:
    return ip_address(text).packed in networks


def some_networks(version: int, prefixes: st.SearchStrategy[int]) -> st.SearchStrategy[list[str]]:
    """Networks near one another, so that they overlap and touch."""
    bits = 32 if version == 4 else 128
    first = st.integers(0, 255).map(lambda low: low if version == 4 else low << 64)
    return st.lists(st.builds(lambda value, prefix: str(ip_network((value, min(prefix, bits)), strict=False)), first, prefixes))


@given(some_networks(4, st.integers(22, 32)), some_networks(6, st.integers(54, 128)), st.integers(0, 300))
def test_agrees_with_ipaddress(v4: list[str], v6: list[str], near: int) -> None:
    """However networks overlap and touch, an address is inside exactly if one of them holds it."""
    lines = ["192.0.2.1", *v4, *v6]  # a file must have one
    networks = parse_list("\n".join(lines).encode(), "list").networks
    for address in (IPv4Address(near), IPv6Address(near << 64), IPv6Address((near << 64) - 1 if near else 0)):
        of_its_kind = [ip_network(line) for line in lines if (":" in line) == (address.version == 6)]
        assert (address.packed in networks) == any(address in network for network in of_its_kind)


def test_edges() -> None:
    """The first and the last address of a network are inside, their neighbours are not; the first and last of all can be named."""
    networks = parse_list(b"192.0.2.0/24\n0.0.0.0\n255.255.255.255/32\n2001:db8::/32\n", "list").networks
    for text in ("192.0.2.0", "192.0.2.255", "0.0.0.0", "255.255.255.255", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"):
        assert inside(networks, text)
    for text in ("192.0.1.255", "192.0.3.0", "0.0.0.1", "255.255.255.254", "2001:db7:ffff::", "2001:db9::", "::"):
        assert not inside(networks, text)


def test_everything_is_a_network() -> None:
    """A prefix of nothing is every address of its kind, and no other."""
    networks = parse_list(b"0.0.0.0/0", "list").networks
    assert inside(networks, "255.255.255.255")
    assert not inside(networks, "::")


def test_caller_of_a_prefix() -> None:
    """An IPv6 caller is met by its prefix's first address: in a wider network always, in a narrower one where that begins there."""
    networks = parse_list(b"2001:db8:1::/48\n2001:db8:2::/96\n2001:db8:3::1\n", "list").networks
    assert inside(networks, "2001:db8:1:7::")
    assert inside(networks, "2001:db8:2::")
    assert not inside(networks, "2001:db8:3::")


def test_what_else_a_file_holds() -> None:
    """Comments, blank lines, a byte order mark in one, spaces, line ends of Windows, host bits, and addresses without a prefix are fine."""
    content = "\ufeff# Füße\r\n\r\n  10.1.2.3/8 # ten\r\n192.0.2.7\r\n2001:DB8::/32".encode()
    file = parse_list(content, "list")
    assert (file.lines, file.broken, file.problems) == (3, 0, ())
    assert inside(file.networks, "10.255.0.1")
    assert inside(file.networks, "192.0.2.7")
    assert not inside(file.networks, "192.0.2.6")


@pytest.mark.parametrize(
    "line",
    ["here", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/٨", "10.0.0.0/255.0.0.0", "10.0.0/8", "10.0.0.1 10.0.0.2", "1.2.3.4:80",
     "2001:db8::/129", "fe80::1%eth0", "10.0.0.0/8\0", "/8", "10.0.0.0/8," * 9_000, "10.0.0.0/" + "8" * 9_000],
)  # fmt: skip
def test_broken_line(line: str) -> None:
    """A line that is no network is named with what it says, and spoils no other."""
    file = parse_list(f"192.0.2.0/24\n{line}\n198.51.100.0/24".encode(), "vpn.txt")
    assert (file.lines, file.broken) == (2, 1)
    assert file.problems[0].startswith("vpn.txt:2: '")
    assert "is no network; expected a network such as 192.0.2.0/24" in file.problems[0]
    assert len(file.problems[0]) < 250
    assert inside(file.networks, "198.51.100.1")


def test_many_broken_lines() -> None:
    """All broken lines are counted, and the first few named."""
    file = parse_list(b"192.0.2.0/24\n" + b"x\n" * 100, "list")
    assert (file.broken, len(file.problems)) == (100, 3)


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"<html>\n<body>404</body>\n", b"\x1f\x8b\x08\0\0", b"\xff\xfe1\0.\0"])
def test_no_list(content: bytes) -> None:
    """A file in which nothing is a network is refused."""
    with pytest.raises(ConfigError, match="list: none of its lines is a network"):
        parse_list(content, "list")


def test_union_and_kinds() -> None:
    """A union holds what any of them holds, and says of which kind it knows anything."""
    v4, v6 = parse_list(b"192.0.2.0/25", "a").networks, parse_list(b"2001:db8::/32", "b").networks
    both = NetworkList.union([v4, v6, parse_list(b"192.0.2.128/25", "c").networks])
    assert [v4.covers(4), v4.covers(16), v6.covers(4), v6.covers(16)] == [True, False, False, True]
    assert inside(both, "192.0.2.200")
    assert inside(both, "2001:db8::1")
    assert len(list(both.spans(4))) == 1  # the two halves touch
