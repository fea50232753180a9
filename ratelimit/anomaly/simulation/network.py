"""Where people and machines come from: networks of access providers, phone carriers, hosting companies, VPNs, relays and crawlers.

The networks are real, so that lists of countries, hosting companies and crawlers know them; the addresses in them are drawn and stand
for nobody. Countries and crawlers' networks as published in 2026.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.row import ADDRESS, Rows

_LOW_BITS: Final = 64


class Network(NamedTuple):
    """A provider's networks in a country, and the hours that it is ahead of UTC."""

    country: str
    v4: IPv4Network
    zone_h: int
    v6: IPv6Network | None = None


def _networks(*rows: str) -> tuple[Network, ...]:
    """From rows of country, network, hours, and IPv6 network if any."""
    found = []
    for row in rows:
        country, v4, zone_h, *v6 = row.split()
        found.append(Network(country, IPv4Network(v4), int(zone_h), IPv6Network(v6[0]) if v6 else None))
    return tuple(found)


HOMES: Final = _networks(
    "US 73.0.0.0/9 -5 2601::/20", "US 98.192.0.0/10 -6", "US 71.160.0.0/11 -5", "US 47.144.0.0/12 -8", "CA 70.24.0.0/14 -5",
    "GB 86.128.0.0/10 0 2a00:23c0::/28", "DE 84.128.0.0/10 1 2003:c0::/26", "DE 91.0.0.0/10 1", "FR 90.0.0.0/10 1",
    "FR 82.64.0.0/14 1 2a01:e0a::/32", "PL 83.0.0.0/11 1", "NL 77.160.0.0/12 1", "ES 83.32.0.0/12 1", "IT 79.0.0.0/11 1",
    "TR 78.160.0.0/11 3", "IN 122.160.0.0/12 5", "IN 117.192.0.0/10 5", "BR 189.32.0.0/12 -3 2804:14c::/32", "JP 153.128.0.0/10 9",
    "ID 118.136.0.0/15 7", "VN 113.160.0.0/12 7", "KR 175.192.0.0/11 9", "AU 1.120.0.0/14 10", "NG 105.112.0.0/13 1",
    "MX 187.128.0.0/12 -6",
)  # fmt: skip
CARRIERS: Final = _networks(
    "US 172.56.0.0/14 -6", "IN 49.32.0.0/12 5", "IN 106.192.0.0/12 5", "DE 109.40.0.0/14 1", "GB 82.132.208.0/20 0",
    "FR 92.184.96.0/19 1", "ID 114.4.0.0/16 7", "BR 179.240.0.0/14 -3", "KE 105.160.0.0/13 3",
)  # fmt: skip
HOSTING: Final = _networks(
    "US 3.128.0.0/12 -5", "US 18.196.0.0/15 1", "US 54.64.0.0/13 9", "US 13.36.0.0/14 1", "US 35.184.0.0/14 -6", "US 34.96.0.0/14 0",
    "US 20.96.0.0/13 -5", "DE 65.108.0.0/16 2", "DE 95.216.0.0/16 2", "DE 116.202.0.0/15 1", "FR 51.68.0.0/16 1", "FR 51.77.0.0/16 1",
    "US 167.99.0.0/16 -5", "US 159.65.0.0/16 -5", "US 165.22.0.0/16 0", "US 172.104.0.0/15 -5", "US 45.76.0.0/16 -6",
)  # fmt: skip
VPNS: Final = _networks("RO 146.70.64.0/18 2", "RO 37.120.144.0/20 2", "US 149.102.224.0/19 -5")
RELAYS: Final = _networks("US 172.225.76.0/22 -5", "US 172.226.8.0/22 -5", "US 172.225.248.0/22 -5")
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


def lives_in(rng: Generator, address: np.void) -> str:
    """The country of whoever is seen at an address: that of the provider, or any where it is no home's and no phone's."""
    high, low = int(address["high"]), int(address["low"])
    packed = IPv6Address((high << _LOW_BITS) | low) if high else IPv4Address(low)
    for network in (*HOMES, *CARRIERS):
        if packed in network.v4 or (network.v6 is not None and packed in network.v6):
            return network.country
    return some(rng, HOMES).country
