"""What becomes of Stripe's events: each once, whatever order they come in, also where workers end midway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from ratelimit.core.call import Call
from ratelimit.core.priority import DUE_OF_KIND_S
from ratelimit.core.store_key import STRIPE
from ratelimit.core.stripe_fact import conclusions
from ratelimit.core.stripe_inbox import REPEATED, STORED, TWIN
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.stripe_effects import StripeEffects
from ratelimit.service.velocity import Velocity
from ratelimit.stores.client import RedisStore
from tests.core.stripe_payloads import charge, dispute, event, intent, setup, warning
from tests.service.stripe_site import STANDS_STILL, Site, attempts_of, dump, purchase, site, story
from tests.stores.asker import until
from tests.stores.conftest import Node


@pytest.fixture
async def here(store: RedisStore, own_node: Node) -> AsyncIterator[Site]:
    """A site on a store of its own."""
    async with AsyncExitStack() as stack:
        yield await site(store, own_node.url, stack)


async def _run(store: RedisStore, node: Node, count: int, told: list[bytes], workers: int) -> Any:
    """The state after a whole run on an empty store."""
    node.client.flushall()
    async with AsyncExitStack() as stack:
        found = await site(store, node.url, stack)
        for number in range(count):
            for attempt in range(attempts_of(number)):
                await found.buy(purchase(number, attempt + 1))
        for start in range(0, len(told), 500):
            await found.tell(*told[start : start + 500])
            await found.worker.work()
        await found.work(workers)
        assert (await found.inbox.state())[::2] == (0, 0)
        assert (await found.inbox.state()).dead == 0
        return await dump(found, node.client, count)


@pytest.mark.timeout(400)  # a guard against a hang: twice the whole way of a thousand purchases, on a machine that others use
async def test_order_and_duplicates_do_not_matter(store: RedisStore, own_node: Node) -> None:
    """Three thousand events with a fifth of duplicates, shuffled, and worked on by several, leave the very state that order leaves."""
    events, chance = 3_000, Random(5)
    stories: list[list[bytes]] = []
    while sum(map(len, stories)) < events * 4 // 5:
        stories.append(story(len(stories), chance))
    in_order = [body for one in stories for body in one]
    repeated = [_again(body, chance) for body in chance.choices(in_order, k=events - len(in_order))]
    shuffled = in_order + repeated
    chance.shuffle(shuffled)
    assert len(shuffled) == events
    one = await _run(store, own_node, len(stories), in_order, 1)
    other = await _run(store, own_node, len(stories), shuffled, 3)
    for kind in one._fields:
        assert getattr(one, kind) == getattr(other, kind), kind
        assert getattr(one, kind)


def _again(body: bytes, chance: Random) -> bytes:
    """The same event, or another one that Stripe made of the same change."""
    return body if chance.random() < 0.5 else body.replace(b'"id": "evt_', b'"id": "evt_twin_', 1)


async def test_an_event_has_effects_once(here: Site) -> None:
    """Told twice, also by another event of the same change, it is one decline of the card, one hold and one case."""
    await here.buy(purchase(1))
    failed = event("charge.failed", charge(purchase="p1", attempt=1, failed="lost_card"))
    twin = event("charge.failed", charge(purchase="p1", attempt=1, failed="lost_card"), id="evt_2")
    warned = event("radar.early_fraud_warning.created", warning(), id="evt_3")
    assert await here.tell(failed, failed, twin, warned) == [STORED, REPEATED, TWIN, STORED]
    await here.work()
    assert await here.tell(warned) == [REPEATED]
    (found,) = conclusions(await here.entry("p1"))
    assert (found.outcome, found.label) == ("failed", "fraud")
    (flag,) = here.flags
    due = STANDS_STILL + DUE_OF_KIND_S["early_fraud_warning"]
    assert (str(flag.anchor.target), flag.due_at, flag.source, flag.purchase, flag.attempt) == ("account:a1", due, "issfr_1", "p1", 1)
    assert here.inbox.counts["worked"] == 2


async def test_a_warning_holds_and_is_not_told_again(here: Site) -> None:
    """What a person released is not held again when another event of that purchase comes, soon or long after."""
    await here.buy(purchase(1))
    await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1)))
    await here.tell(event("radar.early_fraud_warning.created", warning(), id="evt_2"))
    await here.work()
    await here.process.knows("a1", ["held"])
    await here.process.holds.release("p1", "mara", "the holder called")
    await here.process.knows("a1", ["released"])
    await here.tell(event("charge.dispute.created", dispute(), id="evt_3"))
    await here.work()
    await here.process.knows("a1", ["released"])
    here.process.wall.now += 40 * 86_400
    here.process.standings.expire()
    await here.tell(event("charge.dispute.closed", dispute(status="lost"), id="evt_4"))
    await here.work()
    account = here.process.holds.account("a1")
    assert account is None or [hold.state for hold in account.holds] == ["released"]


async def test_a_hold_of_a_payment_that_failed(here: Site) -> None:
    """Its free tokens are gone with it, and come back when the same card is charged after all."""
    held = purchase(1)
    await here.buy(held)
    await here.process.holds.open(held, 400, STANDS_STILL + 3_600, "unusual")
    await here.tell(event("charge.failed", charge(purchase="p1", attempt=1, failed="expired_card")))
    await here.work()
    await here.process.knows("a1", [])
    await here.tell(event("charge.succeeded", charge("ch_2", purchase="p1", attempt=1), id="evt_2"))
    await here.work()
    assert [one.outcome for one in conclusions(await here.entry("p1"))] == ["succeeded"]


async def test_what_comes_before_its_purchase_is_known_waits(here: Site) -> None:
    """A warning that comes first is parked, and taken up by the charge's event; nothing waits then."""
    await here.buy(purchase(1))
    await here.tell(event("radar.early_fraud_warning.created", warning(intent_id=None)))
    assert await here.worker.work() == 1
    (waiting,) = await here.inbox.shelf("parked")
    assert (waiting.type, waiting.looks, waiting.said["charge"]) == ("radar.early_fraud_warning.created", 1, "ch_1")
    await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1), id="evt_2"))
    while await here.worker.work():
        pass
    assert await here.inbox.shelf("parked") == []
    assert [one.label for one in conclusions(await here.entry("p1"))] == ["fraud"]


async def test_a_purchase_that_is_decided_later(here: Site) -> None:
    """An event of a purchase that nobody asked about yet is looked at again; one of no purchase is dropped after a month."""
    await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1)), event("setup_intent.succeeded", setup(), id="evt_2"))
    await here.work()
    assert len(await here.inbox.shelf("parked")) == 2
    await here.buy(purchase(1))
    await here.work()
    assert [one.outcome for one in conclusions(await here.entry("p1"))] == ["succeeded"]
    (waiting,) = await here.inbox.shelf("parked")
    assert waiting.object == "seti_1"
    here.later.now += 30 * 86_400
    await here.work()
    assert (await here.inbox.shelf("parked"), here.inbox.counts["dropped"]) == ([], 1)


async def test_the_intent_may_be_the_purchase(here: Site) -> None:
    """A site that calls its purchases like their intents needs no metadata."""
    await here.buy(msgspec.structs.replace(purchase(1), id="pi_1"))
    await here.tell(event("payment_intent.succeeded", intent()), event("charge.dispute.created", dispute(), id="evt_2"))
    await here.work()
    (found,) = conclusions(await here.entry("pi_1"))
    assert (found.outcome, found.label) == ("succeeded", "fraud")


async def test_what_cannot_be_read_is_dead(here: Site, own_node: Node) -> None:
    """A fact of a form that this version does not know is put aside, shown, and does not stop the others."""
    await here.buy(purchase(1))
    await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1)))
    own_node.client.xadd(f"{STRIPE}:inbox", {"e": "evt_9", "f": "[9]", "l": 0, "t": 1})
    await here.work()
    assert [one.outcome for one in conclusions(await here.entry("p1"))] == ["succeeded"]
    assert (await here.inbox.state()).dead == 1
    (dead,) = await here.inbox.shelf("dead")
    assert (dead.event, dead.type) == ("evt_9", "")
    assert (dead.why or "").startswith("cannot be read")
    assert await here.inbox.drop("evt_9")


async def test_a_bug_with_one_purchase_is_dead_after_some_tries(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried five times, each by whoever takes it over, then put aside; mended, it can be tried again."""
    await here.buy(purchase(1))
    await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1)))

    def broken(*_: object) -> list[Call]:
        raise KeyError("a bug")

    with monkeypatch.context() as bug:
        bug.setattr(Velocity, "outcome", broken)
        with capture_logs() as said:
            for _ in range(5):
                assert await here.worker.work(idle_ms=0) == 1
    assert await here.worker.work(idle_ms=0) == 0
    assert len(said) == 5
    (dead,) = await here.inbox.shelf("dead")
    assert (dead.type, dead.said["purchase"], dead.why) == ("charge.succeeded", "p1", "KeyError: 'a bug'")
    assert await here.inbox.retry(dead.event)
    await here.work()
    assert (await here.inbox.shelf("dead"), here.inbox.counts["worked"]) == ([], 1)


async def test_a_worker_that_ends_midway(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had written but not let go is done again by another, with the same result."""
    await here.buy(purchase(1))
    await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1)), event("charge.dispute.created", dispute(), id="evt_2"))

    async def ended(*_: object) -> None:
        raise StoreAwayError

    with monkeypatch.context() as killed:
        killed.setattr(StripeEffects, "tell", ended)
        with pytest.raises(StoreAwayError):
            await here.worker.work()
    assert await here.worker.work() == 0  # it is taken
    assert await here.another_worker().work(idle_ms=0) == 1
    await here.work()
    (found,) = conclusions(await here.entry("p1"))
    assert (found.outcome, found.label, (await here.inbox.state()).inbox) == ("succeeded", "fraud", 0)


async def test_a_store_that_is_away(here: Site, own_node: Node) -> None:
    """Nothing is said to be stored that may not be; a worker waits, and goes on when the store is back."""
    own_node.kill()
    with pytest.raises(StoreAwayError):
        await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1)))
    working = asyncio.create_task(here.worker.run())
    await asyncio.sleep(0.05)
    own_node.start()
    await until(lambda: not here.store.away)
    await here.buy(purchase(1))
    await here.tell(event("charge.succeeded", charge(purchase="p1", attempt=1)))
    await until(lambda: here.inbox.counts["worked"])
    working.cancel()
