"""Attempts at purchases: each counts once and has one answer, whoever asks, and whatever ends in between."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from ratelimit.core.purchase import PurchaseDecision
from ratelimit.core.purchase_entity import EntityNames
from ratelimit.core.purchase_signals import COLUMN, PURCHASE_SIGNALS
from ratelimit.core.standing import Target
from ratelimit.core.store_key import BOOK
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.purchases import ConflictError
from ratelimit.stores.client import RedisStore
from tests.core.purchases import CARD, NOW, purchase
from tests.service.purchase_site import IP, KEYS, RULE, Make, policy, site
from tests.stores.conftest import Node

__all__ = ["site"]  # a fixture


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


async def test_an_earlier_attempt_is_asked_about_again(site: Make) -> None:
    """It gets its answer, and what is held stays as the latest attempt has it."""
    here = site(rules=[{**RULE, "name": "large", "when": "purchase.amount > 1.0", "then": "throttle"}])
    await here.buy(tokens=10)
    await here.buy(attempt=2, tokens=1_000)
    assert (await here.buy(tokens=10)).held == 5
    account = here.holds.account("a1")
    assert account is not None
    assert [(hold.tokens, hold.held) for hold in account.holds] == [(1_000, 500)]


async def test_another_body(site: Make) -> None:
    """Is a conflict, at the same time too, and what was answered stays."""
    here = site()
    found = await asyncio.gather(*(here.buy(amount=100 + number) for number in range(5)), return_exceptions=True)
    answered = [one for one in found if isinstance(one, PurchaseDecision)]
    assert len(answered) == 1
    assert sum(isinstance(one, ConflictError) for one in found) == 4
    assert len(here.entry().attempts) == 1


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
