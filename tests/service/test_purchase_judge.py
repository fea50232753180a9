"""Who has a word in a purchase: people, lists, rules and the model, and what follows from it."""

import numpy as np
import pytest
from msgspec import UNSET

from ratelimit.core.purchase_signals import COLUMN
from ratelimit.core.standing import TargetKind
from ratelimit.service.purchase_exploration import PurchaseExploration
from ratelimit.stores.client import RedisStore
from tests.core.purchases import NOW
from tests.service.purchase_site import RULE, Make, Scorer, risk, site

__all__ = ["site"]  # a fixture


@pytest.mark.parametrize("kind", ["account", "card", "ip", "network", "email", "email_domain"])
async def test_a_persons_word(site: Make, kind: TargetKind) -> None:
    """About any of what a purchase shares with others: a block refuses, a throttle holds half for a day, an allow exempts."""
    here = site(rules=[{**RULE, "when": "purchase.amount > 1.0"}])
    block = await here.say(kind, "block")
    refused = await here.buy()
    assert (refused.decision, refused.action, refused.reason, refused.rule) == ("block", "refuse", "override_block", f"override:{block}")
    allow = await here.say(kind, "allow", id="o-2")
    assert (await here.buy(id="p2")).reason == "override_block"  # a block beats an allow
    await here.standings.change(block, lambda _: None)
    allowed = await here.buy(id="p3")
    assert (allowed.action, allowed.reason, allowed.rule) == ("accept", "override_allow", f"override:{allow}")
    await here.standings.change(allow, lambda _: None)
    assert (await here.buy(id="p4")).reason == "rule_matched"


async def test_words_for_requests_say_nothing_of_purchases(site: Make) -> None:
    """By their scope, or by what they are: other buckets, exemptions."""
    here = site()
    await here.say("account", "block", scope="request")
    await here.say("account", "exempt_limits", id="o-2")
    assert (await here.buy()).reason == "ok"


async def test_a_persons_throttle_is_held(site: Make) -> None:
    """Half of the tokens for a day; the hold is there when the answer is, and asking again opens no second one."""
    here = site()
    await here.say("card", "throttle")
    decision = await here.buy()
    assert (decision.action, decision.reason, decision.held, decision.lapses_at) == ("hold", "override_throttle", 500, NOW + 86_400)
    await here.buy()
    held = here.holds.account("a1")
    assert held is not None
    ((hold),) = held.holds
    assert (hold.purchase, hold.tokens, hold.held, hold.state) == ("p1", 1_000, 500, "held")
    await here.say("card", "allow", id="o-2")
    await here.buy(id="p2", tokens=7)
    held = here.holds.account("a1")
    assert held is not None
    assert [(one.purchase, one.held) for one in held.holds] == [("p1", 500), ("p2", 0)]


async def test_a_hold_that_was_lost_is_opened_by_whoever_asks_again(site: Make) -> None:
    """Who answered may have ended before the hold was there; later than an hour nothing is opened any more."""
    here = site()
    await here.say("card", "throttle")
    here.purchases.holds = None
    await here.buy()
    await here.buy(id="p2")
    here.purchases.holds = here.holds
    assert here.holds.account("a1") is None
    here.wall.now += 3_000
    assert (await here.buy()).held == 500
    assert here.holds.account("a1") is not None
    here.wall.now += 3_000
    await here.buy(id="p2")
    held = here.holds.account("a1")
    assert held is not None
    assert [one.purchase for one in held.holds] == ["p1"]


async def test_lists(site: Make) -> None:
    """A list blocks by the raw value that its file has; one in shadow says what it would."""
    lists = [
        {"name": "stolen", "subjects": ["card:fp_1"], "then": "block", "mode": "shadow"},
        {"name": "office", "subjects": ["203.0.113.0/24"], "then": "allow", "scope": "purchase"},
        {"name": "throwaway", "subjects": ["email_domain:example.com"], "then": "block"},
    ]
    here = site(lists=lists)
    refused = await here.buy()
    assert (refused.action, refused.reason, refused.rule) == ("refuse", "deny_listed", "list:throwaway")
    assert [(finding.limit, finding.reason) for finding in refused.shadow] == [("list:stolen", "deny_listed")]
    allowed = await here.buy(id="p2", email="a@example.org")
    assert (allowed.action, allowed.reason, allowed.rule) == ("accept", "allow_listed", "list:office")
    assert (await here.buy(id="p3", email="a@example.org", ip="198.51.100.7")).reason == "ok"


async def test_a_rules_verdict_stands(site: Make) -> None:
    """For what it is `of`, as long as it says: another account with the same card is refused, and no longer once it has ended."""
    rule = {**RULE, "when": "purchase.amount > 40.0", "of": ["card"], "for": "1h"}
    here = site(rules=[rule])
    assert (await here.buy()).reason == "rule_matched"
    other = await here.buy(id="p2", account="a2", amount=100)
    assert (other.action, other.reason, other.rule) == ("refuse", "rule_matched", "many")
    here.wall.now += 3_601
    assert (await here.buy(id="p3", account="a3", amount=100)).reason == "ok"


async def test_a_standing_throttle_holds_as_its_rule_says(site: Make) -> None:
    """The share and the lapse are those of the policy in force."""
    rule = {**RULE, "when": "purchase.amount > 40.0", "then": "throttle", "hold": 0.25, "lapse": "2h", "of": ["account"], "for": "1h"}
    here = site(rules=[rule])
    await here.buy()
    later = await here.buy(id="p2", amount=100)
    assert (later.action, later.reason, later.held, later.lapses_at) == ("hold", "rule_throttled", 250, NOW + 7_200)


async def test_a_rule_may_challenge_and_another_allow(site: Make) -> None:
    """An allow before the others exempts from them and from the model."""
    challenge = {**RULE, "name": "guard", "when": "purchase.amount > 1.0", "then": "throttle", "action": "challenge"}
    allow = {**RULE, "name": "known", "when": "purchase.account == 'vip'", "then": "allow"}
    here = site(rules=[allow, challenge], risk=risk({"above": 0.9}))
    here.purchases.judge.scorer = Scorer(0.95)
    found = await here.buy()
    assert (found.action, found.reason, found.held, found.rule) == ("challenge", "rule_throttled", 500, "guard")
    assert (await here.buy(id="p2", account="vip")).action == "accept"


async def test_a_review_asks_for_a_case(site: Make) -> None:
    """Each purchase once, with the reference in the answer, also where it is asked about again; a shadow rule asks for none."""
    review = {**RULE, "name": "look", "when": "purchase.amount > 1.0", "then": "review"}
    here = site(rules=[review, {**review, "name": "quiet", "mode": "shadow"}])
    first, second = await here.buy(), await here.buy(id="p2")
    assert [(flag.id, str(flag.anchor.target), flag.purchase, flag.reasons) for flag in here.flags] == [
        (first.case, "account:a1", "p1", ("look: many attempts",)),
        (second.case, "account:a1", "p2", ("look: many attempts",)),
    ]
    assert first.case != second.case
    assert (first.action, (await here.buy()).case) == ("accept", first.case)
    assert len(here.flags) == 2


async def test_a_risky_purchase_may_become_a_case(site: Make) -> None:
    """What is above a bound of the policy, in shadow too, is told with what is unusual; nothing of it is in the answer."""
    here = site(risk=risk({"above": 0.9}, mode="shadow"))
    here.purchases.judge.scorer = Scorer(0.95)
    assert (await here.buy()).case is None
    (flag,) = here.flags
    assert (flag.kind, flag.risk, flag.purchase, flag.about, flag.signals[0].signal) == ("model", 0.95, "p1", "purchase", "amount")
    here.purchases.judge.scorer = Scorer(0.9)
    await here.buy(id="p2")
    assert len(here.flags) == 1


@pytest.mark.parametrize(
    ("score", "mode", "action", "held", "shadow"),
    [
        (0.5, "enforce", "accept", 0, 0),
        (0.99, "enforce", "accept", 0, 0),
        (0.991, "enforce", "hold", 250, 0),
        (0.9991, "enforce", "hold", 500, 0),
        (0.9991, "shadow", "accept", 0, 1),
        (float("nan"), "enforce", "accept", 0, 0),
    ],
)
async def test_the_model(site: Make, score: float, mode: str, action: str, held: int, shadow: int) -> None:
    """Holds by its bounds, the largest that applies; with the signals that are farthest out, and the versions in the record."""
    here = site(risk=risk({"above": 0.99, "hold": 0.25}, {"above": 0.999, "hold": 0.5, "lapse": "12h"}, mode=mode))
    here.purchases.judge.scorer = Scorer(score)
    found = await here.buy()
    assert (found.action, found.held, len(found.shadow)) == (action, held, shadow)
    assert found.risk == (None if np.isnan(score) else score)
    records = list(here.purchases.recent.records())
    assert len(records) == bool(held or shadow)
    for record in records:
        assert [signal.signal for signal in found.signals] == ["amount"]
        assert (record.id, record.model, record.risk, record.held) == (found.id, "0123456789ab", score, held)
        assert record.signals is not None
        assert (len(record.signals), record.signals[COLUMN["amount"]]) == (len(COLUMN), 49.0)


async def test_a_hold_is_waived_by_lot(site: Make, store: RedisStore) -> None:
    """As often as the policy says, with the chance of it; what a rule holds, and what is held since a warning came, never is."""
    rule = {**RULE, "when": "purchase.account == 'ruled'", "then": "throttle"}
    rules = {"purchases": {"model": "m", "throttle": [{"above": 0.9}], "mode": "enforce", "explore": 0.2, "explore_a_day": 10**9}}
    here = site(rules=[rule], risk=rules)
    here.purchases.judge.scorer = Scorer(0.95)
    here.purchases.explores = PurchaseExploration(bytes(32), store, here.wall)
    found = [await here.buy(id=f"p{number}", account=f"a{number}") for number in range(60)]
    waived = [one for one in found if one.action == "accept"]
    assert 2 <= len(waived) <= 30
    assert here.purchases.explores.waived == len(waived)
    for one in waived:
        assert (one.decision, one.reason, one.held) == ("allow", "ok", 0)
        assert [(finding.reason, finding.propensity) for finding in one.shadow] == [("risk_throttled", 0.2)]
    assert {(one.action, one.held, one.propensity) for one in found if one not in waived} == {("hold", 500, 0.8)}
    lucky = found.index(waived[0])
    await here.holds.warned(f"a{lucky}", "p-old", 10, "warning")
    assert (await here.buy(id="p-new", account=f"a{lucky}")).action == "hold"
    assert (await here.buy(id="p-ruled", account="ruled")).propensity is UNSET


async def test_a_challenger_is_counted(site: Make) -> None:
    """By whether both would hold; it decides nothing."""
    here = site(risk=risk({"above": 0.9}))
    here.purchases.judge.scorer, here.purchases.judge.challenge.model = Scorer(0.95), Scorer(0.5)
    assert (await here.buy()).action == "hold"
    here.purchases.judge.scorer, here.purchases.judge.challenge.model = Scorer(0.5), Scorer(0.95)
    assert (await here.buy(id="p2")).action == "accept"
    assert here.purchases.judge.challenge.above == {"champion": 1, "challenger": 1}


async def test_a_model_that_is_not_asked_for(site: Make) -> None:
    """Without `risk.purchases` its risk is told and nothing follows; the whole policy in shadow enforces no model either."""
    here = site()
    here.purchases.judge.scorer = Scorer(0.9999)
    assert (await here.buy()).action == "accept"
    there = site(mode="shadow", risk=risk({"above": 0.9}))
    there.purchases.judge.scorer = Scorer(0.9999)
    found = await there.buy(id="p2")
    assert (found.action, [finding.reason for finding in found.shadow]) == ("accept", ["risk_throttled"])
