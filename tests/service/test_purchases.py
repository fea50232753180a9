"""Decisions on purchases with all that has a word in them, on a real store whose seconds pass when the test says so."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.purchase import PurchaseDecision
from ratelimit.core.purchase_check import checked
from ratelimit.core.purchase_entity import EntityNames
from ratelimit.core.purchase_entry import PurchaseEntry, read
from ratelimit.core.purchase_signals import COLUMN, PURCHASE_SIGNALS
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.standing import Standing, Target, TargetKind
from ratelimit.core.store_key import BOOK, StoreKeys
from ratelimit.core.velocity import HEAD
from ratelimit.service.address_book import AddressBook
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.cases import Cases
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.holds import Holds
from ratelimit.service.purchases import ConflictError, Purchases
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.standings import Standings
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.stores.client import RedisStore
from tests.core.purchases import CARD, NOW, purchase
from tests.stores.conftest import Node

KEYS = StoreKeys(bytes(32))
IP = bytes([203, 0, 113, 7])
LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/s"}}
RULE = {"name": "many", "on": "purchase", "when": "purchase.attempts_1h >= 2.0", "then": "block", "reason": "many attempts"}


class Wall:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Scorer:
    """A model that says the same of every purchase."""

    version, calibrated = "0123456789ab", True

    def __init__(self, risk: float) -> None:
        self.risk = risk

    def score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(rows), self.risk)

    def p_fraud(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(rows), np.nan)

    def reasons(self, row: NDArray[np.float64]) -> tuple[SignalReason, ...]:
        return (SignalReason("amount", float(row[COLUMN["amount"]]), 1.0, np.inf, 0.01),)


class Site(NamedTuple):
    """All parts of one sidecar that have to do with purchases."""

    purchases: Purchases
    standings: Standings
    holds: Holds
    cases: Cases
    wall: Wall
    client: Any

    async def buy(self, **fields: Any) -> PurchaseDecision:
        return await self.purchases.decide(checked(purchase(**fields), self.wall()))

    async def say(self, kind: TargetKind, then: Any, **fields: Any) -> str:
        """A person's word about one target of the sound purchase."""
        target = EntityNames(KEYS).of(purchase(), IP).targets[kind]
        return await self.put(target, then, **fields)

    async def put(self, target: Target, then: Any, **fields: Any) -> str:
        sound = {"id": f"o-{then}", "source": "override", "reason": "seen", "author": "ann", "made_at": self.wall()}
        word = Standing(target=target, then=then, **{**sound, **fields})
        await self.standings.change(word.id, lambda _: word)
        return word.id

    def entry(self, id: str = "p1") -> PurchaseEntry:
        return read(id, self.client.get(KEYS.namer_of(BOOK)(id)) or b"")

    def logged(self) -> dict[str, int]:
        """How many attempts each velocity log of the sound purchase has."""
        names = EntityNames(KEYS).of(purchase(), IP).names
        return {kind: HEAD.unpack_from(state)[6] if (state := self.client.get(name)) else 0 for kind, name in names.items()}


def policy(**fields: Any) -> Policy:
    return Policy(parse_policy({"version": 1, "limits": [LIMIT], **fields}, "test"))


def risk(*throttles: dict[str, Any], mode: str = "enforce") -> dict[str, Any]:
    return {"purchases": {"model": "m", "throttle": list(throttles), "mode": mode}}


@pytest.fixture
def site(store: RedisStore, own_node: Node) -> Callable[..., Site]:
    """Called with fields of the policy, one sidecar on the store."""

    def make(**fields: Any) -> Site:
        wall, found = Wall(), policy(**fields)
        standings = Standings(store, wall)
        holds = Holds(standings, HoldCounter(store, KEYS, wall), wall)
        cases = Cases(store, StripeInbox(store, wall), wall)
        purchases = Purchases(store, KEYS, found, wall, AddressBook())
        purchases.holds, purchases.cases, purchases.words = holds, cases, RuleWords(standings)
        purchases.judge.standings, purchases.judge.rulebook = standings, Rulebook(found, KEYS, AddressBook())
        return Site(purchases, standings, holds, cases, wall, own_node.client)

    return make


Make = Callable[..., Site]


async def test_the_attempt_is_in_the_book(site: Make) -> None:
    """With what was asked and answered, and what the purchase shares with others, by pseudonyms alone."""
    here = site()
    decision = await here.buy()
    (attempt,) = here.entry().attempts
    assert (attempt.attempt, attempt.at, attempt.account, attempt.amount, attempt.currency, attempt.tokens) == (
        1,
        NOW,
        "a1",
        4_900,
        "EUR",
        1_000,
    )
    assert decision.id.encode() in attempt.answer
    assert attempt.entities == EntityNames(KEYS).of(purchase(), IP).names
    kept = here.client.get(KEYS.namer_of(BOOK)("p1"))
    assert not any(text in kept for text in (CARD.fingerprint.encode(), b"203.0.113", b"example.com"))


async def test_an_attempt_counts_once(site: Make) -> None:
    """Asked fifty times at once and again later it is one entry of every log, and another attempt is a second one."""
    here = site()
    answers = await asyncio.gather(*(here.buy() for _ in range(50)))
    assert len({answer.id for answer in answers}) == 1
    here.wall.now += 60
    assert (await here.buy()).id == answers[0].id
    assert set(here.logged().values()) == {1}
    await here.buy(attempt=2)
    assert set(here.logged().values()) == {2}
    assert [attempt.attempt for attempt in here.entry().attempts] == [1, 2]


async def test_two_sidecars_give_one_answer(site: Make) -> None:
    """Whoever writes first answers for both, also where the other has another policy."""
    here, there = site(), site(rules=[{**RULE, "when": "purchase.amount > 1.0"}])
    found = await asyncio.gather(*(one.buy() for _ in range(10) for one in (here, there)))
    assert len({(decision.id, decision.action) for decision in found}) == 1
    assert set(here.logged().values()) == {1}
    assert here.purchases.counts.decided.total() + there.purchases.counts.decided.total() == 1


async def test_ended_between_the_trips(site: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again after the first trip alone was made sees what was seen then, though other attempts came meanwhile."""
    here = site(rules=[RULE, {**RULE, "name": "seen", "when": "purchase.amount > 1.0", "mode": "shadow"}])
    await here.buy(id="p0")

    async def ends(*_: Any) -> None:
        raise StoreAwayError

    with monkeypatch.context() as patch:
        patch.setattr(here.purchases, "_keep", ends)
        assert (await here.buy()).reason == "store_unavailable"
    here.wall.now += 30
    assert (await here.buy(id="p2")).reason == "rule_matched"
    here.wall.now += 30
    assert (await here.buy()).reason == "ok"
    then, now = (record for record in here.purchases.recent.records() if record.purchase == "p1")
    assert (now.action, then.action) == ("challenge", "accept")
    assert then.signals is not None
    assert now.signals is not None
    assert then.signals[: len(PURCHASE_SIGNALS)] == now.signals[: len(PURCHASE_SIGNALS)]  # the site's are as of this minute
    assert then.signals[COLUMN["attempts_1h"]] == 1.0
    assert set(here.logged().values()) == {3}


async def test_the_current_attempt_is_not_counted(site: Make) -> None:
    """A rule that blocks from two attempts on blocks the third, and says so."""
    here = site(rules=[RULE])
    found = [await here.buy(id=f"p{number}") for number in range(4)]
    assert [(one.action, one.reason, one.rule) for one in found] == [("accept", "ok", None)] * 2 + [("refuse", "rule_matched", "many")] * 2


async def test_another_body(site: Make) -> None:
    """Is a conflict, at the same time too, and what was answered stays."""
    here = site()
    found = await asyncio.gather(*(here.buy(amount=100 + number) for number in range(5)), return_exceptions=True)
    answered = [one for one in found if isinstance(one, PurchaseDecision)]
    assert len(answered) == 1
    assert sum(isinstance(one, ConflictError) for one in found) == 4
    assert len(here.entry().attempts) == 1


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


async def test_a_review_opens_a_case(site: Make) -> None:
    """One for the account, with its reference in the answer; a shadow rule opens none."""
    review = {**RULE, "name": "look", "when": "purchase.amount > 1.0", "then": "review"}
    here = site(rules=[review, {**review, "name": "quiet", "mode": "shadow"}])
    first, second = await here.buy(), await here.buy(id="p2")
    assert (first.action, first.case) == ("accept", second.case)
    (case,) = await here.cases.list("open")
    assert (case.id, str(case.anchor), [reason.purchase for reason in case.reasons]) == (first.case, "account:a1", ["p1", "p2"])
    assert (await here.buy()).case == first.case
    assert len((await here.cases.list("open"))[0].reasons) == 2


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


async def test_a_model_that_is_not_asked_for(site: Make) -> None:
    """Without `risk.purchases` its risk is told and nothing follows; the whole policy in shadow enforces no model either."""
    here = site()
    here.purchases.judge.scorer = Scorer(0.9999)
    assert (await here.buy()).action == "accept"
    there = site(mode="shadow", risk=risk({"above": 0.9}))
    there.purchases.judge.scorer = Scorer(0.9999)
    found = await there.buy(id="p2")
    assert (found.action, [finding.reason for finding in found.shadow]) == ("accept", ["risk_throttled"])


async def test_the_store_goes_and_comes_back(site: Make, own_node: Node, store: RedisStore) -> None:
    """Meanwhile the policy answers, words that are known still count, and afterwards all is as before."""
    here = site(purchases={"on_store_failure": "accept"})
    first = await here.buy()
    await here.put(Target("account", "bad"), "block")
    own_node.kill()
    with capture_logs():
        found = [await here.buy(id=f"p{number}") for number in range(2, 5)]
        assert {(one.action, one.reason) for one in found} == {("accept", "store_unavailable")}
        refused = await here.buy(id="p9", account="bad")
        assert (refused.action, refused.reason) == ("refuse", "override_block")
        own_node.start()
        async with asyncio.timeout(30):
            while store.away:  # noqa: ASYNC110  another process sets no event
                await asyncio.sleep(0.01)
    assert here.purchases.counts.without_store == 4
    again = await here.buy()
    assert (again.action, again.reason) == ("accept", "ok")
    assert again.id != first.id  # that store kept nothing on disk


async def test_a_policy_that_is_adopted(site: Make) -> None:
    """Is in force at once."""
    here = site()
    assert (await here.buy()).action == "accept"
    found = policy(lists=[{"name": "x", "subjects": ["account:a1"], "then": "block"}])
    here.purchases.adopt(found)
    assert (await here.buy(id="p2")).reason == "deny_listed"
    (record,) = here.purchases.recent.records()
    assert record.policy == found.digest
