"""Addresses as packed bytes: 4 for IPv4 (and for IPv4 written as IPv6), 16 for IPv6. Who asks, behind a row of proxies.

Text is read with `inet_pton`, which costs a tenth of what `ipaddress` does; that one is for the policy file and for display. Nothing here
raises for what a client wrote. Prefix lengths are in bits.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final

MAX_HOPS: Final = 64  # entries of X-Forwarded-For looked at, from the right; a client can write thousands, proxies in a row are few

_MAPPED: Final = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address written as IPv6
_V4_BITS: Final = 32
_V6_BITS: Final = 128
_MAX_PORT_DIGITS: Final = 5


def parse_address(text: str) -> bytes | None:
    """The packed address of `203.0.113.7`, `2001:db8::1`, with a port `203.0.113.7:80`, `[2001:db8::1]:443`; None for anything else.

    An IPv6 zone (`fe80::1%eth0`) means something only on the machine that wrote it, so it is refused.
    """
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text.strip())
        host = _without_port(text.strip())
        if ":" not in host:
            return inet_pton(AF_INET, host)
        packed = inet_pton(AF_INET6, host)
    except (OSError, ValueError):  # ValueError: a NUL or a lone surrogate in the text
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _without_port(text: str) -> str:
    """The host of `v4:port`, `[v6]:port` or `[v6]`; a bare IPv6 address is all host. Raises ValueError for a port that is none."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or ":" not in host or (port and not (port[0] == ":" and _is_port(port[1:]))):
            raise ValueError(text)
        return host
    host, _, port = text.partition(":")
    if ":" in port:
        return text
    if not _is_port(port):
        raise ValueError(text)
    return host


def _is_port(text: str) -> bool:
    return len(text) <= _MAX_PORT_DIGITS and text.isascii() and text.isdigit()


def mask(packed: bytes, bits: int) -> bytes:
    """`packed` with everything behind its first `bits` set to zero; the length stays."""
    whole, rest = divmod(bits, 8)
    if whole >= len(packed):
        return packed
    head = packed[:whole]
    if rest:
        head += bytes([packed[whole] & (0xFF00 >> rest)])
    return head.ljust(len(packed), b"\0")


def caller_prefix(packed: bytes, ipv6_prefix: int) -> bytes:
    """Whom an address stands for: itself if IPv4, its network of `ipv6_prefix` bits if IPv6, since a household owns a whole /64."""
    return packed if len(packed) == 4 else mask(packed, ipv6_prefix)


def format_address(packed: bytes, prefix: int | None = None) -> str:
    """`203.0.113.7`, or with a prefix shorter than the address `203.0.113.0/24`, `2001:db8::/64`."""
    family, bits = (AF_INET, _V4_BITS) if len(packed) == 4 else (AF_INET6, _V6_BITS)
    if prefix is None or prefix >= bits:
        return inet_ntop(family, packed)
    return f"{inet_ntop(family, mask(packed, prefix))}/{prefix}"


class Networks:
    """A set of networks that says whether an address is in one of them; made from CIDR texts that were checked before."""

    def __init__(self, cidrs: Iterable[str]) -> None:
        # by mask, for each length of address: as many look-ups as there are different prefix lengths, however many networks
        self._bases: dict[int, dict[int, set[int]]] = {4: {}, 16: {}}
        for cidr in cidrs:
            network = ip_network(cidr)
            bases = self._bases[4 if isinstance(network, IPv4Network) else 16]
            bases.setdefault(int(network.netmask), set()).add(int(network.network_address))

    def __contains__(self, packed: bytes) -> bool:
        value = int.from_bytes(packed)
        for netmask, bases in self._bases[len(packed)].items():  # noqa: SIM110 - any() would cost twice as much
            if value & netmask in bases:
                return True
        return False


def forwarded_for(values: Sequence[str], trusted: Networks) -> bytes | None:
    """The caller's address from the lines of X-Forwarded-For: the right-most entry that is not a trusted proxy.

    Each proxy appends the peer that it saw, so an entry is as true as the one to its right is trusted. Where only trusted ones are found,
    the left-most of them is the caller: someone inside. Nothing left of an entry that is no address is believed: then the trusted address
    that passed it on is the caller (so garbage does not free anyone of a limit), and None if there is none. The walk ends after MAX_HOPS.
    """
    inside: bytes | None = None
    hops = 0
    for line in reversed(values):
        rest = line
        while rest and hops < MAX_HOPS:
            hops += 1
            rest, _, entry = rest.rpartition(",")
            if not entry or entry.isspace():  # an empty list element means nothing, says RFC 9110
                continue
            packed = parse_address(entry)
            if packed is None:
                return inside
            if packed not in trusted:
                return packed
            inside = packed
    return inside
