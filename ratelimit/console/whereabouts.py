"""Where an address is, in a few words: its country, and whether it is a hosting network's, a VPN's or a crawler's."""

from collections.abc import Callable

from ratelimit.core.address import parse_address
from ratelimit.core.address_facts import AddressFacts


def whereabouts(facts: Callable[[bytes], AddressFacts]) -> Callable[[str], str]:
    """What says it of an address or a network in text, such as "NL, hosting"; "" where nothing is known."""

    def of(text: str) -> str:
        packed = parse_address(text.partition("/")[0])
        if packed is None:
            return ""
        known = facts(packed)
        words = [known.country, known.crawler]
        words += [name for name, holds in (("hosting", known.hosting), ("VPN", known.vpn), ("relay", known.relay)) if holds]
        return ", ".join(word for word in words if word)

    return of
