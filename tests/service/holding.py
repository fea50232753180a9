"""Accounts with holds for tests: a process' view of a real store, with a wall clock that the test moves."""

import time
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

from ratelimit.core.purchase import Purchase
from ratelimit.core.store_key import StoreKeys
from ratelimit.loop import keep_running
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.hold_sweep import HoldSweep
from ratelimit.service.holds import Holds
from ratelimit.service.standings import Standings
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.stores.client import RedisStore
from ratelimit.stores.standing_feed import StandingFeed
from tests.stores.asker import until

HOUR = 3_600.0
DAY = 24 * HOUR


class Wall:
    """A wall clock that a test moves. It begins at the true time, since receivers of webhooks refuse what is not of now."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Process(NamedTuple):
    """What one process knows of holds."""

    wall: Wall
    standings: Standings
    counter: HoldCounter
    holds: Holds
    queue: WebhookQueue

    def sweep(self, *, tells: bool = True) -> HoldSweep:
        """One that has heard of what was there before."""
        sweep = HoldSweep(self.standings, self.counter, self.queue if tells else None, self.wall)
        for word in self.standings.all():
            sweep.seen(None, word)
        return sweep

    async def knows(self, account: str, states: list[str]) -> None:
        """Wait until it knows of holds in these states, as every process does soon."""
        await until(lambda: [hold.state for hold in getattr(self.holds.account(account), "holds", ())] == states)


async def process(store: RedisStore, url: str, wall: Wall, stack: AsyncExitStack) -> Process:
    """A process that follows the words that stand; the stack ends it."""
    keys = StoreKeys(bytes(32))
    standings = Standings(store, wall)
    keep_running(partial(StandingFeed(url).run, standings), stack)
    await standings.first()
    counter = HoldCounter(store, keys, wall)
    return Process(wall, standings, counter, Holds(standings, counter, wall), WebhookQueue(store, wall))


def purchase(id: str = "p1", tokens: int = 100, account: str = "acme", **more: Any) -> Purchase:
    return Purchase(id=id, attempt=1, account=account, ip="203.0.113.7", tokens=tokens, **more)
