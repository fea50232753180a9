"""Items of lists, and targets of overrides, as people write them: an address, a network, or a kind and a value such as `account:42`.

Emails and domains stand for the mailbox behind them, addresses for the caller that they are. API keys are named by their digests, since a
raw key has no place in a policy.
"""

import re
from typing import Final, NamedTuple, get_args

from ratelimit.core.address import format_address, mask, parse_address
from ratelimit.core.expectation import meant, shown
from ratelimit.core.identity import MAX_NAME
from ratelimit.core.purchase_entity import email_domain, email_root
from ratelimit.core.standing import TargetKind

KINDS: Final[tuple[TargetKind, ...]] = get_args(TargetKind)
EXPECTED: Final = (
    "an address such as 203.0.113.7, a network such as 198.51.100.0/24, or a kind and a value such as 'account:42', "
    "'card:fp_1' or 'email_domain:example.com'"
)
_WITH_PORT: Final = re.compile(r"\[|^[^:]*:[^:]*$")  # an address that a caller may have, a list may not
_BITS: Final = re.compile(r"[0-9]{1,3}")
DIGEST: Final = re.compile(r"[a-z2-7]{26}")


class ItemError(ValueError):
    """A text that is no item; says what was found and what would do."""


class Item(NamedTuple):
    """Whom an item is about; `value` as it is looked up: that of an address or a network in text, shortened to what makes one caller."""

    kind: TargetKind
    value: str


def parse_item(text: str, ipv6_prefix: int) -> Item:
    """Read one; raises ItemError."""
    kind, colon, value = text.partition(":")
    if colon and (found := next((known for known in KINDS if known == kind), None)) is not None:
        return _of_kind(found, value.strip(), ipv6_prefix)
    item = _network(text, ipv6_prefix)
    if item is not None:
        return item
    near = meant(kind, KINDS) if colon and parse_address(text.partition("/")[0]) is None else ""
    raise ItemError(f"{shown(text)} is not a subject or an entity{near}; expected {EXPECTED}")


def _of_kind(kind: TargetKind, value: str, ipv6_prefix: int) -> Item:
    if not value or len(value) > MAX_NAME:
        raise ItemError(f"{shown(f'{kind}:{value}')} has no value of 1 to {MAX_NAME} characters")
    match kind:
        case "ip" | "network":
            item = _network(value, ipv6_prefix)
            if item is None or (kind == "ip" and "/" in value):
                what = "an address such as 203.0.113.7" if kind == "ip" else "a network such as 198.51.100.0/24"
                raise ItemError(f"{shown(value)} is not {what}")
            return item
        case "api_key" if not DIGEST.fullmatch(value):
            raise ItemError(f"{kind}:… is not the digest of a key; expected its 26 characters, as records name it, never the key itself")
        case "email":
            root = email_root(value)
            if root is None:
                raise ItemError(f"{shown(value)} is not an email address; expected one such as ada@example.com")
            return Item(kind, root)
        case "email_domain":
            return Item(kind, email_domain("@" + value.rpartition("@")[2]) or value)
    return Item(kind, value)


def _network(text: str, ipv6_prefix: int) -> Item | None:
    """An address or a network; one of IPv6 that is longer than a caller's prefix is that caller. None if it is neither."""
    address, slash, prefix = text.partition("/")
    packed = None if _WITH_PORT.search(address) else parse_address(address)
    if packed is None or (slash and not _BITS.fullmatch(prefix)):
        return None
    most = 8 * len(packed)
    if slash and int(prefix) > most:
        return None
    bits = min(int(prefix) if slash else most, most if len(packed) == 4 else ipv6_prefix)
    if slash and mask(packed, int(prefix)) != packed:
        raise ItemError(f"{shown(text)} has bits behind its prefix; expected {format_address(packed, int(prefix))}")
    kind: TargetKind = "ip" if bits == (most if len(packed) == 4 else ipv6_prefix) else "network"
    return Item(kind, format_address(mask(packed, bits), bits))
