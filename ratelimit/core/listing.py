"""The policy's lists, compiled: who is on which of them. Networks are merged and found by bisection, everything else in one look-up.

A list that has ended, by its `until`, says nothing any more. Times are seconds since the epoch.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from ratelimit.core.address import parse_address
from ratelimit.core.address_facts import AddressFacts
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Mode
from ratelimit.core.list_item import Item, parse_item
from ratelimit.core.list_rule import ListRule
from ratelimit.core.network_list import NetworkList
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entity import email_root
from ratelimit.core.standing import TargetKind

Values = Mapping[TargetKind, str]
_NOBODY: Final[frozenset[str]] = frozenset()


class PolicyList:
    """One list. `entries` is how many items it has."""

    def __init__(self, rule: ListRule, items: Iterable[Item], mode: Mode) -> None:
        self.rule, self.mode = rule, mode
        self.hits = 0  # requests and purchases that met it
        self.until_s = None if rule.until is None else ends_at(rule.until)
        named: dict[TargetKind, set[str]] = {}
        spans: dict[int, list[tuple[int, int]]] = {4: [], 16: []}
        self.entries = 0
        for kind, value in items:
            self.entries += 1
            if kind in {"ip", "network"}:
                length, span = _span(value)
                spans[length].append(span)
            else:
                named.setdefault(kind, set()).add(value)
        self.networks = NetworkList(spans[4], spans[16])
        self._named = {kind: frozenset(values) for kind, values in named.items()}

    def lasts(self, now_s: float) -> bool:
        """Whether it has not ended."""
        return self.until_s is None or self.until_s > now_s

    def names(self, values: Values, packed: bytes | None) -> str | None:
        """As what somebody is on it; None if not."""
        for kind, value in values.items():
            if value in self._named.get(kind, _NOBODY):
                return kind
        return "ip" if packed is not None and packed in self.networks else None


class Listing:
    """All lists of a policy."""

    def __init__(self, lists: Iterable[PolicyList] = ()) -> None:
        self.all: Final = tuple(lists)
        deciding = [it for it in self.all if it.rule.then is not None]
        self.requests: Final = tuple(it for it in deciding if it.rule.scope != "purchase")  # those that a request can be on
        self.signals: Final = tuple(it for it in self.all if it.rule.signal is not None)
        self.purchases: Final = tuple(it for it in deciding if it.rule.scope != "request")

    def of_caller(self, caller: Caller, now_s: float) -> list[PolicyList]:
        """The lists that decide about a request."""
        values: dict[TargetKind, str] = {}
        if caller.api_key is not None:
            values["api_key"] = caller.api_key
        if caller.account is not None:
            values["account"] = caller.account
        return [it for it in self.requests if it.names(values, caller.ip) is not None and it.lasts(now_s)]

    def of_purchase(self, purchase: Purchase, packed: bytes, now_s: float) -> list[PolicyList]:
        """Those that decide about a purchase from the packed address of its buyer."""
        values: dict[TargetKind, str] = {"account": purchase.account}
        if purchase.card is not None:
            values["card"] = purchase.card.fingerprint
        if purchase.device is not None:
            values["device"] = purchase.device
        if purchase.email is not None and (root := email_root(purchase.email)) is not None:
            values["email"], values["email_domain"] = root, root.rpartition("@")[2]
        return [it for it in self.purchases if it.names(values, packed) is not None and it.lasts(now_s)]

    def tells(self, signal: str, packed: bytes) -> bool | None:
        """Whether an address is on a list that feeds a signal; None where no list says anything of such addresses."""
        known = [it.networks for it in self.signals if it.rule.signal == signal and it.networks.covers(len(packed))]
        return any(packed in networks for networks in known) if known else None


def with_lists(facts: AddressFacts, packed: bytes, listing: Listing) -> AddressFacts:
    """The facts of an address with what a policy's lists add to them. A relay stays one, whatever a list of networks says of it."""
    if not listing.signals or facts.relay:
        return facts
    said = {signal: listing.tells(signal, packed) for signal in ("hosting", "vpn")}
    new = {signal: it or getattr(facts, signal) or False for signal, it in said.items() if it is not None}
    return replace(facts, **new)


def compiled_list(rule: ListRule, texts: Iterable[str], ipv6_prefix: int, mode: Mode) -> PolicyList:
    """A list of items that were checked before."""
    return PolicyList(rule, (parse_item(text, ipv6_prefix) for text in texts), mode)


def ends_at(text: str) -> float:
    """Seconds since the epoch of a date (its beginning) or a time with its offset; raises ValueError."""
    found = datetime.fromisoformat(text)
    if len(text) <= len("2026-01-01"):
        found = found.replace(tzinfo=UTC)
    if found.tzinfo is None:
        raise ValueError(text)
    return found.timestamp()


def _span(value: str) -> tuple[int, tuple[int, int]]:
    address, _, bits = value.partition("/")
    packed = parse_address(address)
    assert packed is not None, "parse_item wrote it"  # noqa: S101
    behind = 8 * len(packed) - int(bits) if bits else 0
    first = int.from_bytes(packed)
    return len(packed), (first, first + (1 << behind))
