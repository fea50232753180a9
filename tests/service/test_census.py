"""Profiles are counted by a sample, and beyond their cap no new ones are made; a store that is full costs signals alone."""

import pytest

from ratelimit.core.identity import Caller
from ratelimit.core.profile import SAMPLE_ONE_IN, in_sample
from ratelimit.core.store_key import PROFILES, StoreKeys
from ratelimit.service.usage import Usage
from ratelimit.stores.client import RedisStore
from tests.service.conftest import Start, bucket
from tests.service.test_usage import SECRET, note, settle, signal, turn, usage_on
from tests.stores.asker import until
from tests.stores.conftest import Node

DAY_S = 86_400
_name = StoreKeys(SECRET).profile_namer("api_key")
SAMPLED = [str(number) for number in range(2_000) if in_sample(_name(str(number)))]


async def ask(usage: Usage, *keys: str) -> None:
    """Each key asks often enough to be watched, and what is known of it is told."""
    for key in keys:
        note(usage, 10, Caller(api_key=key))
    turn(usage, usage.tick + 1)
    await settle(usage)


async def count(usage: Usage, expected: int) -> None:
    """Another second passes, and then so many of the sample are counted."""
    turn(usage, usage.tick + 1)
    await until(lambda: usage.census.estimate == expected * SAMPLE_ONE_IN)
    turn(usage, usage.tick)


def profiles(node: Node) -> int:
    return len(node.client.keys("rl1:p:*"))


def test_the_sample_is_fair() -> None:
    """One name in sixty-four is in it, within four standard deviations."""
    found = sum(in_sample(_name(str(number))) for number in range(64_000))
    assert abs(found - 1_000) < 4 * 1_000**0.5


async def test_no_new_ones_beyond_the_cap(own_node: Node, store: RedisStore) -> None:
    """Who has a profile goes on, others get none; when some have lapsed there is room again."""
    usage = usage_on(store)
    usage.census.most = 3 * SAMPLE_ONE_IN
    await ask(usage, *SAMPLED[:2], "other")
    await count(usage, 2)
    await ask(usage, SAMPLED[2])
    await count(usage, 3)
    assert usage.census.full
    await ask(usage, "newcomer", SAMPLED[0])
    assert profiles(own_node) == 4
    assert signal(usage, "attempts_14d", value=SAMPLED[0]) == pytest.approx(20, rel=1e-3)
    usage.tick += DAY_S
    await count(usage, 1)  # the one who came back after a while lives a little longer
    assert not usage.census.full
    await ask(usage, "newcomer")
    assert profiles(own_node) == 5


async def test_room_is_found_when_nobody_comes_back(store: RedisStore) -> None:
    """While there is no room it is asked each second, also if nobody of the sample is told of."""
    usage = usage_on(store)
    usage.census.most = SAMPLE_ONE_IN
    await ask(usage, SAMPLED[0])
    await count(usage, 1)
    assert usage.census.full
    usage.tick += 2 * DAY_S
    await count(usage, 0)


async def test_others_profiles_count(store: RedisStore) -> None:
    """What another sidecar put down is in the sample, and is as good as one's own."""
    one, other = usage_on(store), usage_on(store)
    await ask(one, *SAMPLED[:3])
    await count(one, 3)
    await ask(other, SAMPLED[3])
    await count(other, 4)


async def test_a_lost_census_fills_again(own_node: Node, store: RedisStore) -> None:
    """Who lives is told of again, and counted."""
    usage = usage_on(store)
    await ask(usage, *SAMPLED[:3])
    await count(usage, 3)
    own_node.client.delete(PROFILES)
    await ask(usage, *SAMPLED[:2])
    await count(usage, 2)


async def test_a_full_store_costs_signals_alone(own_node: Node, store: RedisStore, start: Start) -> None:
    """While the signals' store takes nothing more limits hold to the token; when there is room signals go on."""
    here = await start(bucket("key", 5))
    usage = here.limiter.usage = usage_on(store)
    await ask(usage, "k")
    own_node.client.config_set("maxmemory", 1)
    for _ in range(2):
        assert [decision.decision for decision in await here.at_once(6)].count("allow") == (5 if not usage.outbox.untold else 0)
        await ask(usage, "k", "l")
    assert usage.outbox.untold > 0
    assert store.away
    assert not here.store.away
    own_node.client.config_set("maxmemory", 0)
    await until(lambda: not store.away)
    await ask(usage, "k")
    assert signal(usage, "attempts_14d") == pytest.approx(20, rel=1e-3)
