"""The store forgets an account: nothing in it speaks of it any more, and of what it shared with others only the account is gone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ratelimit.core.purchase_entity import EntityNames
from ratelimit.core.standing import Target
from ratelimit.core.store_key import RECORDS
from ratelimit.core.velocity import ENTRY, HEAD
from ratelimit.core.webhook import message_of
from ratelimit.service.forgetting import Forgetting
from ratelimit.service.spared import Spared
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.stores.client import RedisStore
from tests.core.purchases import purchase
from tests.service.purchase_site import IP, KEYS, Make, Site, site

__all__ = ["site"]  # a fixture

ACCOUNT, OTHER, KEY = "quinn-4711", "robin", "A" * 26


def dump(client: Any) -> bytes:
    """All keys and values of the store in one."""
    found: list[bytes] = []
    for key in client.scan_iter(count=1_000):
        match client.type(key):
            case b"string":
                value: Any = client.get(key)
            case b"hash":
                value = client.hgetall(key)
            case b"zset":
                value = client.zrange(key, 0, -1, withscores=True)
            case b"stream":
                value = client.xrange(key)
            case b"list":
                value = client.lrange(key, 0, -1)
            case _:
                value = client.smembers(key)
        found.append(key + b"=" + b"".join(_flat(value)))
    return b"\n".join(found)


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _flat(pair)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from _flat(one)


def log(here: Site, kind: str, account: str = ACCOUNT) -> Any:
    names = EntityNames(KEYS).of(purchase(account=account), IP).names
    state = here.client.get(names[kind])
    return np.frombuffer(state[HEAD.size : HEAD.size + HEAD.unpack_from(state)[6] * ENTRY.itemsize], ENTRY) if state else None


@pytest.fixture
async def lived(site: Make, store: RedisStore) -> Site:
    """A store in which two accounts have bought with one card, and much is said of one of them."""
    here = site()
    await here.say("card", "throttle")
    await here.buy(id="p1", account=ACCOUNT)
    await here.buy(id="p2", account=OTHER)
    await here.put(Target("account", ACCOUNT), "block", id="o-1")
    await here.put(Target("account", OTHER), "block", id="o-2")
    await here.put(Target("api_key", KEY), "block", id="o-3")
    await Spared(here.standings, here.wall).spare([Target("account", ACCOUNT)], "eve")
    queue = WebhookQueue(store, here.wall)
    for number, account in enumerate((ACCOUNT, OTHER)):
        await queue.add(message_of("hold.changed", 0.0, {"account": account}, number))
    dead = message_of("hold.changed", 0.0, {"subject": f"account:{ACCOUNT}"}, "dead")
    await queue.add(dead)
    await queue.bury(dead)
    here.client.rpush(f"{RECORDS}:refused", b"\x92\xaa" + ACCOUNT.encode(), b"\x92\xa5robin")
    for number in range(1_100):
        await here.put(Target("account", f"{OTHER}-{number}"), "block", id=f"r-{number}")
    await here.put(Target("account", ACCOUNT), "allow", id="o-4")
    return here


async def test_nothing_speaks_of_it(lived: Site, store: RedisStore) -> None:
    """Words, holds, profiles, logs, the book, messages and streams: no name, no digest; what others have stays."""
    before = dump(lived.client)
    assert ACCOUNT.encode() in before
    assert KEY.encode() in before
    forgetting = Forgetting(store, KEYS, lived.standings)
    counts = await forgetting.forget(ACCOUNT, [KEY], ["p1", "p-unknown"])
    after = dump(lived.client)
    assert ACCOUNT.encode() not in after
    assert KEY.encode() not in after
    assert after.count(OTHER.encode()) >= 1_100
    assert lived.entry("p2").attempts
    assert lived.entry("p1").attempts == ()
    assert lived.standings.get("o-2") is not None
    assert lived.standings.unscored == set()
    assert lived.holds.account(ACCOUNT) is None
    assert lived.holds.account(OTHER) is not None
    assert (counts.words, counts.keys, counts.messages) == (5, 2, 3)
    assert (await WebhookQueue(store, lived.wall).size()) == (1, 0)
    again = await forgetting.forget(ACCOUNT, [KEY], ["p1"])
    assert (again.words, again.keys, again.links, again.entries, again.messages) == (0, 0, 0, 0, 0)


async def test_counts_stay(lived: Site, store: RedisStore) -> None:
    """The card was used by two accounts before and after; which one the first was is not known any more."""
    before = log(lived, "card")
    await Forgetting(store, KEYS, lived.standings).forget(ACCOUNT, [], ["p1"])
    after = log(lived, "card")
    assert len(before) == len(after) == 2
    assert len(set(after["account"].tolist())) == 2
    assert before["account"][0] != after["account"][0]
    assert before["account"][1] == after["account"][1]
    for name in ("at", "tag", "known_at", "amount", "card", "flags"):
        assert before[name].tolist() == after[name].tolist()
    assert log(lived, "account") is None
    assert log(lived, "account", OTHER) is not None


async def test_facts_of_its_purchases(lived: Site, store: RedisStore) -> None:
    """A fact that waits, or is dead, and names one of its purchases goes with it."""
    inbox = StripeInbox(store, lived.wall)
    for number, of in enumerate(("p1", "p2")):
        lived.client.hset("rl1:{stripe}:dead", f"evt_{number}", b'\x95\xa5evt_0\xb0{"purchase":"' + of.encode() + b'"}')
        lived.client.zadd("rl1:{stripe}:dead.at", {f"evt_{number}": 1.0})
    await Forgetting(store, KEYS, lived.standings).forget(ACCOUNT, [], ["p1"])
    assert (await inbox.state()).dead == 1
