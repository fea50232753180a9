"""Asks the policy's rules about purchases and about subjects of requests, in the file's order, and counts what they say.

What a condition's screen does not let through is passed over at once. Only of what is left CEL is asked, and is given those values alone
that the conditions in question name, since each costs more than most conditions.

A *guard* is on from the moment that its part about the site holds, and for its `for` after the last moment that it did. Each sidecar sees
the same signals of the site and keeps for itself since when its guards are on; one that starts anew begins with them off.
Times are seconds since the epoch.
"""

from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.overlay import rule_of
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import AddressBook
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entity import email_domain
from ratelimit.core.purchase_signals import COLUMN as PURCHASE_COLUMN
from ratelimit.core.rule import OF_REQUESTS, Rule
from ratelimit.core.rule_names import NAMES
from ratelimit.core.rule_program import CompiledRule, Condition, context
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.subject import Value
from ratelimit.service.country import country_of

_LOT_BYTES: Final = 16

Fact = str | float | None
Facts = Mapping[str, Callable[[], Fact]]


class RuleHit(NamedTuple):
    """A rule whose condition holds; not `enforced`: it is in shadow, or in force only for others, by lot."""

    rule: Rule
    enforced: bool


class RuleCount:
    """What became of one rule since the start. `undecided`: CEL was asked, and what it hung on was missing."""

    def __init__(self) -> None:
        self.evaluated = self.matched = self.enforced = self.undecided = 0


class _Entry:
    """A rule in force."""

    def __init__(self, compiled: CompiledRule, keys: StoreKeys, count: RuleCount) -> None:
        self.rule, self.condition, self.guard = compiled
        self.count = count
        self.on_until = 0.0
        self.candidate: _Entry | None = None  # of whom it is in force for, this one is not
        self._lot = keys.namer_of("", "canary", compiled.rule.name)

    def enforced_for(self, subject: Value) -> bool:
        """Whether the rule is in force for a subject; by another lot for each rule, the same in all sidecars."""
        rule = self.rule
        if rule.mode == "shadow" or (self.candidate is not None and self.candidate.enforced_for(subject)):
            return False
        if rule.canary == 1:
            return True
        return int.from_bytes(urlsafe_b64decode(self._lot(subject) + "==")) < rule.canary * 256**_LOT_BYTES


class Rulebook:
    """The rules in force; `adopt` puts others in their place. `counts` are by name, and outlast a reload, as guards do that are on."""

    def __init__(self, policy: Policy, keys: StoreKeys, addresses: AddressBook | None = None) -> None:
        self.counts: dict[str, RuleCount] = {}
        self._keys, self._addresses = keys, addresses
        self._purchase: list[_Entry] = []
        self._request: list[_Entry] = []
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Put the rules of a policy in force."""
        rules, self.ipv6_prefix = policy.rules, policy.identity.ipv6_prefix
        before = {entry.rule.name: entry for entry in (*self._purchase, *self._request)}
        counts = {compiled.rule.name: self.counts.get(compiled.rule.name, RuleCount()) for compiled in rules}
        entries = [_Entry(compiled, self._keys, counts[compiled.rule.name]) for compiled in rules]
        for entry in entries:
            if (old := before.get(entry.rule.name)) is not None and old.rule == entry.rule:
                entry.on_until = old.on_until
        named = {entry.rule.name: entry for entry in entries}
        for entry in entries:
            if (name := rule_of(entry.rule.name)) != entry.rule.name and name in named:
                named[name].candidate = entry
        self.counts = counts
        self._purchase = [entry for entry in entries if entry.rule.on == "purchase"]
        self._request = [entry for entry in entries if entry.rule.on == "request"]

    @property
    def of_requests(self) -> bool:
        """Whether there is any rule about requests."""
        return bool(self._request)

    def guards_on(self, now_s: float) -> dict[str, bool]:
        """Every guard, and whether it is on."""
        return {entry.rule.name: entry.on_until > now_s for entry in self._purchase if entry.guard is not None}

    def purchase(self, purchase: Purchase, row: NDArray[np.float64] | None, now_s: float) -> list[RuleHit]:
        """The rules that hold for a purchase; `row` None: nothing is known of what was before. What comes after an allow is left out."""
        if not self._purchase:
            return []
        values = [float("nan")] * len(PURCHASE_COLUMN) if row is None else row.tolist()
        facts = _purchase_facts(purchase, self._addresses)
        self._turn_guards(values, facts, now_s)
        asked = [entry for entry in self._purchase if entry.guard is None or entry.on_until > now_s]
        for entry in asked:
            entry.count.evaluated += 1
        return _hits([entry for entry in asked if entry.condition.screen(values)], values, facts, purchase.account)

    def requests(self, kind: Kind, subjects: Sequence[tuple[Value, str | None]], rows: Rows) -> Iterator[tuple[int, list[RuleHit]]]:
        """The rules that hold for subjects of requests, each with its plan and its row of signals: by index, those for whom any holds."""
        columns, possible = rows.T, defaultdict[int, list[_Entry]](list)
        for entry in self._request:
            if kind in (entry.rule.of or OF_REQUESTS):
                entry.count.evaluated += len(rows)
                for index in np.flatnonzero(np.broadcast_to(entry.condition.screen(columns), len(rows))).tolist():
                    possible[index].append(entry)
        for index, entries in sorted(possible.items()):
            value, plan = subjects[index]
            if hits := _hits(entries, rows[index].tolist(), _request_facts(kind, plan), value):
                yield index, hits

    def _turn_guards(self, row: Sequence[float], facts: Facts, now_s: float) -> None:
        guards = [entry for entry in self._purchase if entry.guard is not None and entry.guard.screen(row)]
        if not guards:
            return
        given = _values((entry.guard for entry in guards if entry.guard is not None), row, facts)
        for entry in guards:
            if entry.guard is not None and entry.guard.holds(given) and entry.rule.for_ is not None:
                entry.on_until = max(entry.on_until, now_s + entry.rule.for_.seconds)


def _hits(possible: Sequence[_Entry], row: Sequence[float], facts: Facts, subject: Value) -> list[RuleHit]:
    """Asks CEL about those that the screen let through."""
    if not possible:
        return []
    given = _values((entry.condition for entry in possible), row, facts)
    hits = []
    for entry in possible:
        holds = entry.condition.holds(given)
        if holds is None:
            entry.count.undecided += 1
        if not holds:
            continue
        hit = RuleHit(entry.rule, entry.enforced_for(subject))
        entry.count.matched += 1
        entry.count.enforced += hit.enforced
        hits.append(hit)
        if hit.enforced and entry.rule.then == "allow":
            break
    return hits


def _values(conditions: Iterable[Condition], row: Sequence[float], facts: Facts) -> Any:
    """What the conditions name, as CEL takes it; what is missing is left out."""
    values: dict[str, dict[str, str | float | bool]] = {variable: {} for names in NAMES.values() for variable in names}
    for variable, name, column, is_bool in {use for condition in conditions for use in condition.uses}:
        value = facts[name]() if column is None else row[column]
        if value is not None and value == value:  # noqa: PLR0124 - NaN is not itself
            values[variable][name] = bool(value) if is_bool else value
    return context(values)


def _request_facts(kind: Kind, plan: str | None) -> Facts:
    return {"kind": lambda: kind, "plan": lambda: plan}


def _purchase_facts(purchase: Purchase, addresses: AddressBook | None) -> Facts:
    card = purchase.card
    brand = card.brand if card is not None else None
    return {
        "kind": lambda: purchase.kind,
        "currency": lambda: purchase.currency and purchase.currency.upper(),
        "tokens": lambda: float(purchase.tokens),
        "balance": lambda: None if purchase.balance is None else float(purchase.balance),
        "account": lambda: purchase.account,
        "card_country": lambda: card.country if card is not None else None,
        "card_funding": lambda: card.funding if card is not None else None,
        "card_brand": lambda: brand and brand.lower(),
        "ip_country": lambda: country_of(purchase.ip, addresses) if addresses is not None else None,
        "billing_country": lambda: purchase.billing_country,
        "email_domain": lambda: purchase.email and email_domain(purchase.email),
        "device": lambda: purchase.device,
        "user_agent": lambda: purchase.user_agent,
    }
