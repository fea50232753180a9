"""Sessions in a real store: found by their secret alone, and over when they should be."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from ratelimit.core.store_key import SESSIONS, StoreKeys
from ratelimit.service.sessions import IDLE_S, LONGEST_S, MOST, Session, Sessions
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from tests.stores.asker import clock

NOW = 1_790_000_000.25


class Site:
    """A store, sessions on it, and a clock that is set."""

    def __init__(self, store: RedisStore) -> None:
        self.now = NOW
        self.store = store
        self.sessions = Sessions(store, lambda: self.now)

    async def open(self, person: int = 1) -> tuple[str, Session]:
        return await self.sessions.open(person, "203.0.113.0/24", "Firefox")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    embedded = await EmbeddedStore.start(tmp_path / "data")
    store = RedisStore(Options(embedded.url, clock, 5.0, StoreKeys(bytes(32)).check_value))
    await store.open()
    yield Site(store)
    await store.close()
    await embedded.stop()


async def test_found_by_its_secret(site: Site) -> None:
    """It says whose it is; another secret, one too long and one that is no text find nothing."""
    secret, made = await site.open()
    site.now += 10.5
    found = await site.sessions.find(secret)
    assert found is not None
    assert (found.id, found.person, found.seen_at, found.facts) == (made.id, 1, NOW + 10.5, made.facts)
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for wrong in ("", other, secret + "x", made.id, "ä" * 43, "x" * 1_000_000):
        assert await site.sessions.find(wrong) is None


async def test_the_store_has_no_secret(site: Site) -> None:
    """Whoever reads the store cannot take a session over."""
    secret, made = await site.open()
    assert secret not in made.id
    assert await site.sessions.find(made.id[:43]) is None


async def test_over_when_idle(site: Site) -> None:
    """Being seen puts the end off, but not beyond the longest; the store itself forgets it at the same moment."""
    secret, _ = await site.open()
    for _ in range(int(LONGEST_S / IDLE_S * 1.2)):
        site.now += IDLE_S * 0.9
        if site.now >= NOW + LONGEST_S:
            break
        assert await site.sessions.find(secret) is not None
    assert await site.sessions.find(secret) is None
    assert await site.sessions.of(1) == []


async def test_not_seen(site: Site) -> None:
    """What a page asks by itself finds the session and puts no end off."""
    secret, _ = await site.open()
    for _ in range(11):
        site.now += IDLE_S / 12
        found = await site.sessions.find(secret, seen=False)
        assert found is not None
        assert found.seen_at == NOW
    assert (await site.sessions.of(1))[0].seen_at == NOW
    assert max((await _ttls(site.store)).values()) <= LONGEST_S * 1_000
    assert min((await _ttls(site.store)).values()) <= IDLE_S * 1_000


async def test_of_a_person(site: Site) -> None:
    """Those of one person, seen last first; each can end theirs, none another's."""
    (first, one), (second, two) = await site.open(), await site.open()
    third, other = await site.open(2)
    site.now += 5
    await site.sessions.find(first)
    assert [session.id for session in await site.sessions.of(1)] == [one.id, two.id]
    assert not await site.sessions.end(1, other.id)
    assert await site.sessions.find(third) is not None
    assert await site.sessions.end(1, two.id)
    assert not await site.sessions.end(1, two.id)
    assert await site.sessions.find(second) is None
    assert await site.sessions.find(first) is not None


async def test_all_but_one(site: Site) -> None:
    """All others end, or all."""
    (first, one), (second, _), (third, _) = await site.open(), await site.open(), await site.open(2)
    assert await site.sessions.end_all(1, one.id) == 1
    assert [await site.sessions.find(secret) is not None for secret in (first, second, third)] == [True, False, True]
    assert await site.sessions.end_all(1) == 1
    assert [await site.sessions.find(secret) is not None for secret in (first, third)] == [False, True]


async def test_of_many_the_latest(site: Site) -> None:
    """A person has so many; a further one ends the one that was seen longest ago."""
    secrets = []
    for _ in range(MOST + 2):
        site.now += 1
        secrets.append((await site.open())[0])
    assert len(await site.sessions.of(1)) == MOST
    assert [await site.sessions.find(secret) is not None for secret in secrets[:3]] == [False, False, True]


async def test_the_store_forgets(site: Site) -> None:
    """Each key of a session has its end."""
    await site.open()
    link = site.store
    found: Any = await _ttls(link)
    assert len(found) == 2
    assert all(0 < ttl <= LONGEST_S * 1_000 for ttl in found.values())


async def _ttls(store: RedisStore) -> dict[bytes, int]:
    client: Any = Redis(unix_socket_path=store.lanes[0].name.removeprefix("unix:"))
    try:
        return {key: await client.pttl(key) for key in await client.keys(f"{SESSIONS[:-1]}*")}
    finally:
        await client.aclose()
