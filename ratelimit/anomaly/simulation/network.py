"""Where people and machines come from: networks of access providers, phone carriers, hosting companies, VPNs, relays and crawlers.

The networks are real, so that lists of countries, hosting companies and crawlers know them; the addresses in them are drawn and stand
for nobody. Countries and crawlers' networks as published in 2026.
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.row import ADDRESS, Rows

_LOW_BITS: Final = 64


class Network(NamedTuple):
    """A provider's networks, and the hours that its country is ahead of UTC. `per_24`: addresses in use of a /24 (carriers share few)."""

    v4: IPv4Network
    zone_h: int
    v6: IPv6Network | None = None


def _networks(*rows: tuple[str, int] | tuple[str, int, str]) -> tuple[Network, ...]:
    return tuple(Network(IPv4Network(row[0]), row[1], IPv6Network(row[2]) if len(row) > 2 else None) for row in rows)


HOMES: Final = _networks(
    ("73.0.0.0/9", -5, "2601::/20"), ("98.192.0.0/10", -6), ("71.160.0.0/11", -5), ("47.144.0.0/12", -8),  # US
    ("86.128.0.0/10", 0, "2a00:23c0::/28"), ("84.128.0.0/10", 1, "2003:c0::/26"), ("91.0.0.0/10", 1),  # GB DE DE
    ("90.0.0.0/10", 1), ("82.64.0.0/14", 1, "2a01:e0a::/32"), ("83.0.0.0/11", 1), ("77.160.0.0/12", 1),  # FR FR PL NL
    ("83.32.0.0/12", 1), ("79.0.0.0/11", 1), ("70.24.0.0/14", -5), ("1.120.0.0/14", 10), ("78.160.0.0/11", 3),  # ES IT CA AU TR
    ("122.160.0.0/12", 5), ("117.192.0.0/10", 5), ("189.32.0.0/12", -3, "2804:14c::/32"), ("153.128.0.0/10", 9),  # IN IN BR JP
    ("118.136.0.0/15", 7), ("113.160.0.0/12", 7), ("105.112.0.0/13", 1), ("187.128.0.0/12", -6), ("175.192.0.0/11", 9),  # ID VN NG MX KR
)  # fmt: skip
CARRIERS: Final = _networks(
    ("172.56.0.0/14", -6), ("49.32.0.0/12", 5), ("106.192.0.0/12", 5), ("109.40.0.0/14", 1),  # US IN IN DE
    ("82.132.208.0/20", 0), ("92.184.96.0/19", 1), ("114.4.0.0/16", 7), ("179.240.0.0/14", -3), ("105.160.0.0/13", 3),  # GB FR ID BR KE
)  # fmt: skip
HOSTING: Final = _networks(
    ("3.128.0.0/12", -5), ("18.196.0.0/15", 1), ("54.64.0.0/13", 9), ("13.36.0.0/14", 1), ("35.184.0.0/14", -6), ("34.96.0.0/14", 0),
    ("20.96.0.0/13", -5), ("65.108.0.0/16", 2), ("95.216.0.0/16", 2), ("116.202.0.0/15", 1), ("51.68.0.0/16", 1), ("51.77.0.0/16", 1),
    ("167.99.0.0/16", -5), ("159.65.0.0/16", -5), ("165.22.0.0/16", 0), ("172.104.0.0/15", -5), ("45.76.0.0/16", -6),
)  # fmt: skip
VPNS: Final = _networks(("146.70.64.0/18", 2), ("37.120.144.0/20", 2), ("149.102.224.0/19", -5))
RELAYS: Final = _networks(("172.225.76.0/22", -5), ("172.226.8.0/22", -5), ("172.225.248.0/22", -5))
CRAWLERS: Final = {
    "googlebot": IPv4Network("66.249.66.0/24"),
    "bingbot": IPv4Network("40.77.167.0/24"),
    "gptbot": IPv4Network("4.227.36.0/25"),
    "applebot": IPv4Network("17.58.96.0/20"),
    "yandexbot": IPv4Network("5.255.231.0/24"),
}
_CARRIER_24S: Final = 16  # networks of a carrier that its phones of one region leave by
_CARRIER_ADDRESSES: Final = 4  # addresses in each of them, shared by thousands


def some(rng: Generator, networks: tuple[Network, ...]) -> Network:
    """One of them."""
    return networks[rng.integers(len(networks))]


def within(rng: Generator, network: IPv4Network, count: int) -> Rows:
    """Addresses in a network, none of them ending in 0 or 255 where it is as large as that."""
    drawn = np.zeros(count, ADDRESS)
    offsets = rng.integers(0, network.num_addresses, count)
    last = offsets & 255
    drawn["low"] = int(network.network_address) + offsets - (last == 255) + (last == 0)
    return drawn


def neighbours(rng: Generator, network: IPv4Network, count: int) -> Rows:
    """Addresses in one /24 of a network."""
    drawn = np.zeros(count, ADDRESS)
    start = int(network.network_address) + (int(rng.integers(network.num_addresses)) & ~255)
    drawn["low"] = start + 1 + rng.permutation(254)[np.arange(count) % 254]
    return drawn


def scattered(rng: Generator, networks: tuple[Network, ...], count: int) -> Rows:
    """Addresses all over these networks."""
    chosen = rng.integers(len(networks), size=count)
    starts = np.array([int(network.v4.network_address) for network in networks], np.int64)[chosen]
    sizes = np.array([network.v4.num_addresses for network in networks], np.int64)[chosen]
    drawn = np.zeros(count, ADDRESS)
    drawn["low"] = starts + (rng.integers(0, sizes) & ~255) + rng.integers(1, 255, count)
    return drawn


def at_home(rng: Generator, network: Network, count: int) -> Rows:
    """Addresses that a household has one after another: of one region, IPv6 if its provider has it, each time in the same /64."""
    if network.v6 is None or rng.random() < 0.5:
        region = IPv4Network((int(network.v4.network_address) + (int(rng.integers(network.v4.num_addresses)) & ~0xFFF), 20))
        return within(rng, region, count)
    drawn = np.zeros(count, ADDRESS)
    prefix = int(network.v6.network_address) >> _LOW_BITS
    drawn["high"] = prefix | int(rng.integers(1 << (_LOW_BITS - network.v6.prefixlen))) & ~0xFF
    drawn["low"] = rng.integers(1 << 32, 1 << 62, count)
    return drawn


def exits(rng: Generator, carrier: Network, count: int) -> Rows:
    """Addresses by which phones of a carrier leave its network: few, spread over its /24s, behind each of them many phones."""
    drawn = np.zeros(count, ADDRESS)
    networks = rng.integers(_CARRIER_24S, size=count) * 256
    drawn["low"] = int(carrier.v4.network_address) + networks + 10 + rng.integers(_CARRIER_ADDRESSES, size=count)
    return drawn
