"""Rules asked about purchases and subjects: order, shadow, lots, counts, guards."""

from typing import Any

import numpy as np
import pytest

from ratelimit.core.overlay import Overlay, Placed, overlaid
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.purchase_signals import COLUMN, Row
from ratelimit.core.signals import COLUMN as OF_REQUESTS
from ratelimit.core.signals import KINDS
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.policy_source import built_in_policy
from ratelimit.service.rulebook import Rulebook, RuleHit
from tests.core.purchases import purchase

KEYS = StoreKeys(bytes(32))
LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/s"}}


def rule(name: str, when: str, then: str = "block", on: str = "purchase", **more: Any) -> dict[str, Any]:
    return {"name": name, "on": on, "when": when, "then": then, "reason": "because", **more}


def policy(*rules: dict[str, Any], mode: str = "enforce") -> Policy:
    return Policy(parse_policy({"version": 1, "mode": mode, "limits": [LIMIT], "rules": list(rules)}, "test"))


def book(*rules: dict[str, Any], mode: str = "enforce") -> Rulebook:
    return Rulebook(policy(*rules, mode=mode), KEYS)


def row(**signals: float) -> Row:
    values = np.full(len(COLUMN), np.nan)
    for name, value in signals.items():
        values[COLUMN[name]] = value
    return values


def names(hits: list[RuleHit]) -> list[tuple[str, bool]]:
    return [(hit.rule.name, hit.enforced) for hit in hits]


def test_hits_in_the_order_of_the_file() -> None:
    """Every rule that holds is told of, first come first; a flag is true where its signal is 1; a fact is the purchase's own."""
    rules = book(
        rule("vpn", "purchase.vpn && purchase.amount > 5"),
        rule("cards", "purchase.cards_1h >= 3"),
        rule("de", "purchase.card_country == 'DE' && purchase.kind == 'purchase' && purchase.email_domain == 'example.com'"),
    )
    assert names(rules.purchase(purchase(), row(vpn=1.0, amount=6.0, cards_1h=1.0), 0.0)) == [("vpn", True), ("de", True)]
    assert names(rules.purchase(purchase(), row(vpn=0.0, amount=6.0, cards_1h=3.0), 0.0)) == [("cards", True), ("de", True)]


def test_nothing_known() -> None:
    """Without a row signals are missing, and facts are still there."""
    rules = book(rule("cards", "!(purchase.cards_1h >= 3)"), rule("eur", "purchase.currency == 'EUR'"))
    assert names(rules.purchase(purchase(currency="eur"), None, 0.0)) == [("eur", True)]
    assert rules.counts["cards"].undecided == 1


def test_shadow() -> None:
    """A rule in shadow is told of and not enforced; in a policy in shadow none is."""
    shadow, other = rule("s", "purchase.vpn", mode="shadow"), rule("e", "purchase.vpn")
    assert names(book(shadow, other).purchase(purchase(), row(vpn=1.0), 0.0)) == [("s", False), ("e", True)]
    assert names(book(shadow, other, mode="shadow").purchase(purchase(), row(vpn=1.0), 0.0)) == [("s", False), ("e", False)]


def test_allow_ends_the_reading() -> None:
    """After an allow no rule is read; an allow in shadow ends nothing."""
    allow, block = rule("mine", "purchase.account == 'acme'", "allow"), rule("vpn", "purchase.vpn")
    hits = row(vpn=1.0)
    assert names(book(allow, block).purchase(purchase(account="acme"), hits, 0.0)) == [("mine", True)]
    assert names(book({**allow, "mode": "shadow"}, block).purchase(purchase(account="acme"), hits, 0.0)) == [("mine", False), ("vpn", True)]


def test_canary() -> None:
    """A share of accounts, another for each rule, the same for each sidecar and each purchase, has the rule in force."""
    rules = [rule(name, "purchase.vpn", canary=0.2) for name in ("one", "other")]
    hits = {name: [set[str](), set[str]()] for name in ("one", "other")}
    for index, sidecar in enumerate((book(*rules), book(*rules))):
        for number in range(2_000):
            for hit in sidecar.purchase(purchase(account=f"a{number}"), row(vpn=1.0), 0.0):
                if hit.enforced:
                    hits[hit.rule.name][index].add(f"a{number}")
    one, other = hits["one"][0], hits["other"][0]
    assert hits["one"][1] == one
    assert hits["other"][1] == other
    assert 300 < len(one) < 500
    assert 300 < len(other) < 500
    assert len(one & other) < 160  # 80 would be in both by chance


def test_counts() -> None:
    """Each rule counts whom it was asked about, held for and was in force for, and what it could not know; a reload forgets nothing."""
    rules = book(rule("s", "purchase.vpn", mode="shadow"), rule("e", "purchase.amount > 5 || !purchase.hosting"))
    for signals in ({"vpn": 1.0, "amount": 6.0}, {"vpn": 0.0, "amount": 1.0}, {"vpn": 1.0, "amount": 1.0, "hosting": 1.0}):
        rules.purchase(purchase(), row(**signals), 0.0)
    rules.adopt(policy(rule("s", "purchase.vpn", mode="shadow"), rule("e", "purchase.amount > 9 || !purchase.hosting")))
    found = {name: (count.evaluated, count.matched, count.enforced, count.undecided) for name, count in rules.counts.items()}
    assert found == {"s": (3, 2, 0, 0), "e": (3, 1, 1, 1)}


GUARD = rule("guard", "site.decline_ratio > 3 && purchase.account_age_s < 600", "throttle", action="challenge", **{"for": "10min"})


def test_guard_stays_on() -> None:
    """A guard is about whom fits from the moment that the site gives cause, and for its time after the last; a reload turns none off."""
    rules = book(GUARD)
    quiet, cause = {"site_decline_ratio": 1.0}, {"site_decline_ratio": 4.0}
    assert not rules.purchase(purchase(), row(**quiet, account_age_s=5.0), 0.0)
    assert not rules.purchase(purchase(), row(**cause, account_age_s=9e6), 100.0)  # an old account shows that there is cause
    assert rules.guards_on(100.0) == {"guard": True}
    assert rules.purchase(purchase(), row(**quiet, account_age_s=5.0), 699.0)
    assert not rules.purchase(purchase(), row(**quiet, account_age_s=9e6), 699.0)
    rules.adopt(policy(rule("more", "purchase.vpn"), GUARD))
    assert rules.purchase(purchase(), row(account_age_s=5.0), 699.0)
    assert not rules.purchase(purchase(), row(**quiet, account_age_s=5.0), 701.0)
    assert rules.guards_on(701.0) == {"guard": False}


@pytest.mark.parametrize(("of", "kinds"), [([], {"api_key", "account"}), (["ip"], {"ip"}), (["ip", "account"], {"ip", "account"})])
def test_subjects(of: list[str], kinds: set[str]) -> None:
    """A rule on requests is about keys and accounts, or about whom it names; an address only where it is named."""
    rules = book(rule("r", "request.failed_logins_10m >= 3 && request.plan != 'pro'", on="request", of=of))
    signals = np.full((4, len(OF_REQUESTS)), np.nan)
    signals[:3, OF_REQUESTS["failed_logins_10m"]] = 3.0
    subjects = [("x", "pro"), ("y", "free"), ("z", None), ("w", "free")]
    asked = {kind: [index for index, _ in rules.requests(kind, subjects, signals)] for kind in KINDS}
    assert asked == {kind: [1] if kind in kinds else [] for kind in KINDS}
    assert rules.counts["r"].evaluated == 4 * len(kinds)
    assert rules.counts["r"].undecided == len(kinds)


def test_starter_rules() -> None:
    """The rules that are there from the start are in shadow, each with a reason, on purchases and on requests."""
    rules = built_in_policy().file.rules
    assert len(rules) >= 10
    assert {found.on for found in rules} == {"purchase", "request"}
    assert {found.mode for found in rules} == {"shadow"}


CARDED = {"cards_1h": 3.0, "declines_1h": 3.0, "attempts_1h": 4.0}
OFFICE = {"cards_1h": 1.0, "declines_1h": 1.0, "ip_cards_1h": 3.0, "ip_accounts_1d": 4.0, "card_accounts_7d": 4.0, "ip_declines_1h": 1.0}
WAVE = {"site_decline_share_10m": 0.5, "site_decline_ratio": 6.0, "account_created_age_s": 60.0}
FARM = {"is_grant": 1.0, "device_accounts_30d": 3.0}


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        (CARDED, ["card-testing"]),
        (OFFICE, []),
        (WAVE, ["guard"]),
        ({**WAVE, "account_created_age_s": 9e6}, []),
        (FARM, ["free-credit-farm"]),
        ({"card_frauds": 1.0}, ["known-fraud"]),
        ({"new_card": 1.0, "account_created_age_s": 9e6, "amount_over_max": 4.0}, ["taken-over"]),
        ({}, []),
    ],
)
def test_whom_starter_rules_mean(signals: dict[str, float], expected: list[str]) -> None:
    """Card testing, alone and in a wave, farming, known fraud and an account that is taken over are met; an office with one card is not."""
    rules = Rulebook(built_in_policy(), KEYS)
    assert [hit.rule.name for hit in rules.purchase(purchase(), row(**signals), 0.0)] == expected


def test_candidate_beside_its_rule() -> None:
    """For those for whom a candidate is in force its rule is not, and for all others it is; in shadow it changes nothing."""

    def laid(**more: Any) -> Rulebook:
        when = "purchase.cards_1h >= 3"
        overlay = Overlay((Placed(name="cards", version=2, place="candidate", rule=rule("cards", when, "throttle", **more)),))
        return Rulebook(overlaid(policy(rule("cards", when)), overlay), KEYS)

    known = row(cards_1h=3.0)
    shadow = laid(mode="shadow")
    assert names(shadow.purchase(purchase(), known, 0.0)) == [("cards@2", False), ("cards", True)]
    half = laid(canary=0.5)
    found = [names(half.purchase(purchase(account=f"a{number}"), known, 0.0)) for number in range(200)]
    assert {tuple(hits) for hits in found} == {
        (("cards@2", True), ("cards", False)),
        (("cards@2", False), ("cards", True)),
    }
    assert 60 < sum(hits[0][1] for hits in found) < 140
