"""What is known of an address: its country, its network, and on which lists of networks it stands. A fact is a signal, never a verdict.

Half of the honest visitors of a site may come from networks on a hosting list. What is not known is None and never False: without a list
there is nothing to say, and a list that names IPv4 networks alone says nothing of IPv6.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from ratelimit.core.address import mask
from ratelimit.core.network_list import NetworkList

HOSTING: Final = "datacenter"
VPN: Final = "vpn"
RELAY: Final = "apple-proxy"
CRAWLERS: Final = ("googlebot", "bing", "openai", "duckduckbot")
LISTS: Final = (HOSTING, VPN, RELAY, *CRAWLERS)

NETWORK_BITS: Final = {4: 24, 16: 48}  # what one customer of a provider is usually given


class AddressFacts(Struct, frozen=True, gc=False):
    """The facts of one address; None: not known."""

    country: str | None  # ISO 3166-1, two capital letters
    hosting: bool | None
    vpn: bool | None
    relay: bool | None  # Apple's private relay: ordinary users, so it is neither hosting nor VPN, though such lists name it
    crawler: str | None  # in whose networks it is
    checked: frozenset[str]  # the crawlers whose networks are known, so that it is in none of them but `crawler`'s
    network: bytes  # the first address of its /24 or /48


NO_FACTS: Final = AddressFacts(None, None, None, None, None, frozenset(), b"")  # of an address that is not known


class _Family(NamedTuple):
    """The lists that say something of addresses of one length."""

    hosting: NetworkList | None
    vpn: NetworkList | None
    relay: NetworkList | None
    crawlers: tuple[tuple[str, NetworkList], ...]
    checked: frozenset[str]


class KnownNetworks:
    """All lists of networks, by name as in LISTS; those that are not there are not known."""

    def __init__(self, lists: Mapping[str, NetworkList]) -> None:
        self._families: Final = {length: _family(lists, length) for length in NETWORK_BITS}

    def facts(self, packed: bytes, country: str | None) -> AddressFacts:
        """The facts of an address that is in `country`."""
        lists = self._families[len(packed)]
        relay = _among(packed, lists.relay)
        return AddressFacts(
            country=country,
            hosting=False if relay else _among(packed, lists.hosting),
            vpn=False if relay else _among(packed, lists.vpn),
            relay=relay,
            crawler=next((name for name, networks in lists.crawlers if packed in networks), None),
            checked=lists.checked,
            network=network_of(packed),
        )


def network_of(packed: bytes) -> bytes:
    """The first address of the /24 or /48 that an address is in."""
    return mask(packed, NETWORK_BITS[len(packed)])


def _family(lists: Mapping[str, NetworkList], length: int) -> _Family:
    known = {name: networks for name, networks in lists.items() if networks.covers(length)}
    crawlers = tuple((name, known[name]) for name in CRAWLERS if name in known)
    return _Family(known.get(HOSTING), known.get(VPN), known.get(RELAY), crawlers, frozenset(name for name, _ in crawlers))


def _among(packed: bytes, networks: NetworkList | None) -> bool | None:
    return None if networks is None else packed in networks
