"""Attempts to log in, in a real store: few in vain, and many at once are no more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ratelimit.core.store_key import StoreKeys
from ratelimit.service.attempts import LOCK_S, MOST_OF_ADDRESS, MOST_OF_LOGIN, Attempts
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from tests.stores.asker import clock

NOW = 1_790_000_000.5


class Site:
    """A store, attempts on it, and a clock that is set."""

    def __init__(self, store: RedisStore) -> None:
        self.now = NOW
        self.attempts = Attempts(store, StoreKeys(bytes(32)), lambda: self.now)

    async def fail(self, count: int, login: str = "mira", address: str = "192.0.2.1") -> list[bool]:
        return [(await self.attempts.begin(login, address)).allowed for _ in range(count)]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    embedded = await EmbeddedStore.start(tmp_path / "data")
    store = RedisStore(Options(embedded.url, clock, 5.0, StoreKeys(bytes(32)).check_value))
    await store.open()
    yield Site(store)
    await store.close()
    await embedded.stop()


async def test_a_login_is_locked(site: Site) -> None:
    """From wherever it is tried; each lock lasts twice as long as the one before, and the attempt that locks says until when."""
    for lock_s in (LOCK_S, 2 * LOCK_S, 4 * LOCK_S):
        began = site.now
        assert await site.fail(MOST_OF_LOGIN - 1, address=str(lock_s)) == [True] * (MOST_OF_LOGIN - 1)
        allowed, until = await site.attempts.begin("mira", str(lock_s))
        assert allowed
        assert until == pytest.approx(began + lock_s, abs=1)
        assert await site.attempts.begin("mira", "elsewhere") == (False, until)
        assert await site.attempts.begin("else", "elsewhere") == (True, None)
        site.now += lock_s - 0.5
        assert await site.fail(1, address="elsewhere") == [False]
        site.now += 1


async def test_many_at_once(site: Site) -> None:
    """A hundred at the same moment are as many as one after the other."""
    told = await asyncio.gather(*(site.attempts.begin("mira", str(number)) for number in range(100)))
    assert sum(begun.allowed for begun in told) == MOST_OF_LOGIN


async def test_an_address_is_locked(site: Site) -> None:
    """Whatever logins it tries; others are not."""
    for number in range(MOST_OF_ADDRESS):
        assert await site.fail(1, f"login-{number}") == [True]
    assert await site.fail(1, "another") == [False]
    assert await site.fail(1, "another", "192.0.2.2") == [True]


async def test_a_login_that_looks_like_an_address(site: Site) -> None:
    """It locks the login, and nobody at that address."""
    await site.fail(MOST_OF_LOGIN, "192.0.2.1", "elsewhere")
    assert await site.fail(1, "192.0.2.1", "elsewhere") == [False]
    assert await site.fail(1, "mira", "192.0.2.1") == [True]


async def test_success_clears_the_login(site: Site) -> None:
    """Failures before it are forgotten, also where the good one was the last that was free."""
    for _ in range(3):
        await site.fail(MOST_OF_LOGIN, address="a")
        await site.attempts.succeed("mira", "a")
        site.now += 1
    assert await site.fail(1, address="b") == [True]


async def test_success_does_not_clear_the_address(site: Site) -> None:
    """Somebody with a login of their own cannot try others without end: each success takes itself back, and nothing else."""
    tried = 0
    for number in range(200):
        if await site.fail(1, f"victim-{number}") == [False]:
            break
        tried += 1
        if await site.fail(1, "own") == [False]:
            break
        await site.attempts.succeed("own", "192.0.2.1")
    assert tried == MOST_OF_ADDRESS


async def test_an_admin_forgives(site: Site) -> None:
    """The login is free again."""
    await site.fail(MOST_OF_LOGIN)
    await site.attempts.forgive("mira")
    assert await site.fail(1) == [True]
