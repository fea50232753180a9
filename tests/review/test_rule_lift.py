"""Words of rules that are taken out of force."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from ratelimit.core.rule import Rule
from ratelimit.core.standing import Target, TargetKind
from ratelimit.core.units import Duration
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.rule_lift import RuleLift
from ratelimit.review.rules import Rules
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.standings import Standings
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.review.rule_ledger import NOW
from tests.review.rule_site import MIRA, WHY, Site
from tests.stores.asker import clock
from tests.stores.conftest import Node

TARGETS: dict[TargetKind, Target] = {"account": Target("account", "a1")}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as made:
        yield made


@pytest.fixture
async def store(node: Node) -> AsyncIterator[RedisStore]:
    node.client.flushall()
    made = RedisStore(Options(node.url, clock, 5.0, "check"))
    await made.open()
    yield made
    await made.close()


def named(name: str) -> Rule:
    return Rule(name=name, on="purchase", when="true", then="block", reason="x", of=("account",), for_=Duration.parse("1d"))


async def test_paused(ledger: Ledger, store: RedisStore) -> None:
    """Who was blocked for a day by a rule that is paused is free again; words of other rules stand."""
    standings = Standings(store, lambda: NOW)
    words = RuleWords(standings)
    site = await Site.open(ledger, store)
    lift = RuleLift(words, 0.0)
    site.rules = Rules(ledger, site.overlay, lambda: site.now, lift)
    await site.at("live")
    await words.of_purchase([named("cards"), named("cards@1"), named("other")], TARGETS, NOW)
    await site.rules.pause(MIRA, "cards", 1, WHY)
    assert {word.author for word in standings.all()} == {"cards@1", "other"}
    await lift.close()


async def test_twice(store: RedisStore) -> None:
    """What a sidecar let stand before it heard of it is taken away later, at the latest when the process ends."""
    words = RuleWords(Standings(store, lambda: NOW))
    lift = RuleLift(words, 3_600.0)
    await lift({"cards"})
    await words.of_purchase([named("cards")], TARGETS, NOW)
    assert lift.lifted == 0
    await lift.close()
    assert lift.lifted == 1


async def test_store_is_away() -> None:
    """What cannot be taken away stands until it ends, and nothing else goes wrong."""
    with contextlib.closing(Node(find_server())) as own:
        store = RedisStore(Options(own.url, clock, 1.0, "check"))
        await store.open()
        standings = Standings(store, lambda: NOW)
        words = RuleWords(standings)
        await words.of_purchase([named("cards")], TARGETS, NOW)
        own.kill()
        lift = RuleLift(words, 0.0)
        await lift({"cards"})
        await lift.close()
        await store.close()
    assert lift.lifted == 0
    assert len(standings.all()) == 1
