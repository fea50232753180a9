"""What a purchase shares with others: the names of its entities' logs in the store, of its tallies, and the targets that words stand for.

The store sees pseudonyms alone. An email stands for its root: what it is without `+tag`, and without dots where the provider ignores them,
so that one mailbox is one entity however it is written.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from ratelimit.core.address import caller_prefix, format_address, parse_address
from ratelimit.core.address_facts import NETWORK_BITS, network_of
from ratelimit.core.purchase import Card, Purchase
from ratelimit.core.standing import Target, TargetKind
from ratelimit.core.store_key import TALLY, VELOCITY, StoreKeys
from ratelimit.core.subject import Value

EntityKind = Literal["account", "card", "ip", "network", "device", "email", "email_domain"]
ENTITY_KINDS: Final[tuple[EntityKind, ...]] = ("account", "card", "ip", "network", "device", "email", "email_domain")
SITE: Final = "site"  # the slice that every purchase is in

# others have no tally: each takes 30 kB
BRANDS: Final = frozenset("amex diners discover eftpos_au jcb link mastercard unionpay visa".split())

_DOTLESS: Final = frozenset({"gmail.com", "protonmail.com", "proton.me", "pm.me"})  # their mailboxes are the same with and without dots
_ALSO: Final = {"googlemail.com": "gmail.com"}  # another name of the same mailboxes
_PSEUDONYM: Final = slice(len(VELOCITY), None)


class Entities(NamedTuple):
    """Of one purchase: `names` of velocity logs by kind, `slices` to names of tallies, `targets` by kind."""

    names: dict[str, str]
    slices: dict[str, str]
    targets: dict[TargetKind, Target]


class EntityNames:
    """Names entities with the store's key; an IPv6 address stands for its network of `ipv6_prefix` bits."""

    def __init__(self, keys: StoreKeys, ipv6_prefix: int = 64) -> None:
        self._ipv6_prefix = ipv6_prefix
        self._namers: dict[str, Callable[[Value], str]] = {kind: keys.namer_of(VELOCITY, kind) for kind in ENTITY_KINDS}
        self._tally = keys.namer_of(TALLY, "slice")

    def of(self, purchase: Purchase, ip: bytes | None) -> Entities:
        """The entities of a purchase that was asked for from the packed address `ip`; None: a log does not say."""
        values = self._values(purchase, ip)
        names: dict[str, str] = {kind: self._namers[kind](value) for kind, value in values.items()}
        targets: dict[TargetKind, Target] = {kind: self._target(kind, value, names[kind]) for kind, value in values.items()}
        return Entities(names, {name: self._tally(name) for name in slices_of(purchase.card)}, targets)

    def target(self, kind: EntityKind, text: str) -> Target | None:
        """The target that a person names by a raw value, such as a card's fingerprint or an email; None where it is none of that kind."""
        value: Value | None = text.strip()
        match kind:
            case "ip" | "network":
                packed = parse_address(text.partition("/")[0])
                value = None if packed is None else (network_of(packed) if kind == "network" else caller_prefix(packed, self._ipv6_prefix))
            case "email":
                value = email_root(text)
            case "email_domain":
                value = email_domain("@" + text.rpartition("@")[2])
        return self._target(kind, value, self._namers[kind](value)) if value else None

    def _values(self, purchase: Purchase, ip: bytes | None) -> dict[EntityKind, str | bytes]:
        values: dict[EntityKind, str | bytes] = {"account": purchase.account}
        if purchase.card is not None:
            values["card"] = purchase.card.fingerprint
        if ip is not None:
            values["ip"], values["network"] = caller_prefix(ip, self._ipv6_prefix), network_of(ip)
        if purchase.device is not None:
            values["device"] = purchase.device
        if purchase.email is not None and (root := email_root(purchase.email)) is not None:
            values["email"], values["email_domain"] = root, root.rpartition("@")[2]
        return values

    def _target(self, kind: EntityKind, value: Value, name: str) -> Target:
        match kind:
            case "account":
                return Target(kind, str(value))
            case "ip" if isinstance(value, bytes):
                return Target(kind, format_address(value, None if len(value) == 4 else self._ipv6_prefix))
            case "network" if isinstance(value, bytes):
                return Target(kind, format_address(value, NETWORK_BITS[len(value)]))
        return Target(kind, name[_PSEUDONYM])


def slices_of(card: Card | None) -> tuple[str, ...]:
    """The slices of the site's purchases that one with this card is in: all, those of its country, brand and funding."""
    if card is None:
        return (SITE,)
    brand = card.brand.lower() if card.brand is not None else None
    parts = (("country", card.country), ("brand", brand if brand in BRANDS else None), ("funding", card.funding))
    return (SITE, *(f"{kind}:{value}" for kind, value in parts if value))


def email_root(email: str) -> str | None:
    """The mailbox behind an address; None where there is none in it."""
    local, _, _ = email.strip().lower().rpartition("@")
    domain = email_domain(email)
    local = local.partition("+")[0] or local  # `+x@` is no tag of nobody
    if domain in _DOTLESS:
        local = local.replace(".", "") or local
    return f"{local}@{domain}" if local and domain else None


def email_domain(email: str) -> str | None:
    """The domain of an address, by the name that its provider goes by; None where there is none in it."""
    _, at, domain = email.strip().lower().rpartition("@")
    domain = domain.rstrip(".")
    return _ALSO.get(domain, domain) if at and domain else None
