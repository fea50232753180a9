"""Fills the ledger of a demonstration with its site's past, and then lives on: a process beside the one that serves.

What it needs to know comes in the environment as JSON: where the store is and its key, where the gateway lane listens.
"""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from msgspec import Struct

from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.message import Message
from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.demo.live import Live
from ratelimit.demo.purchase_past import PurchasePast
from ratelimit.demo.site import Site
from ratelimit.demo.usage_past import UsagePast
from ratelimit.history import SAME_EACH_TIME, open_history, open_purchase_history
from ratelimit.loop import run
from ratelimit.replay_model import OwnDays, RankedModel
from ratelimit.service.address_book import NO_SOURCES, AddressBook
from ratelimit.service.candidates import Candidates
from ratelimit.service.flags import Flags
from ratelimit.service.policy_source import read_policy
from ratelimit.service.purchase_judge import PurchaseJudge
from ratelimit.service.recorder import Recorder
from ratelimit.service.replay import Replay
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.velocity import Velocity
from ratelimit.sidecar import clock_us
from ratelimit.stores.client import Options, RedisStore

ENVIRONMENT: Final = "DEMO_FILL"  # not RATELIMIT_: it is no setting
_DEADLINE_S: Final = 5.0
_SAMPLE: Final = 0.05  # of what is allowed: the site is small
_TRIES: Final = 300
_AGAIN_S: Final = 0.2  # the ledger reads on meanwhile, which makes room in the stream


class Fill(Struct, frozen=True, kw_only=True):
    """What is to be filled, and with what. `models` are the folders of the models that ship, None where there are none."""

    store_url: str
    store_key: str  # in hexadecimal digits
    gateway: str
    policy: str
    requests: str | None
    purchases: str | None
    now_s: float
    scale: float
    seed: int
    past: bool  # False: the ledger is full already
    filled: str  # a file that is there once it is


def main() -> None:
    """Run as a process."""
    wanted = msgspec.json.decode(os.environ[ENVIRONMENT], type=Fill)
    run(_fill(wanted))


async def _fill(wanted: Fill) -> None:
    site = Site(wanted.now_s, scale=wanted.scale, seed=wanted.seed)
    if wanted.past:
        async with AsyncExitStack() as stack:
            keys = StoreKeys(bytes.fromhex(wanted.store_key))
            store = RedisStore(Options(wanted.store_url, clock_us, _DEADLINE_S, keys.check_value))
            stack.push_async_callback(store.close)
            await store.open()
            await Past(wanted, site, store, keys).tell()
        await asyncio.to_thread(Path(wanted.filled).touch)
    await Live(site, wanted.gateway).run()


class Past:
    """Tells the ledger, over the stream, what was until now."""

    def __init__(self, wanted: Fill, site: Site, store: RedisStore, keys: StoreKeys) -> None:
        self._wanted, self._site, self._keys = wanted, site, keys
        self._policy: Policy = read_policy(Path(wanted.policy))
        self._recorder = Recorder(store, time.time, most=1_000_000)
        self._api_keys = ApiKeys(bytes.fromhex(wanted.store_key))

    async def tell(self) -> None:
        """All of it: purchases first, since what is at stake is known by them."""
        await self._purchases()
        await self._sent()
        await self._requests()
        await self._sent()

    def _put(self, message: Message) -> None:
        self._recorder.put(message)

    async def _sent(self) -> None:
        for _ in range(_TRIES):
            if await self._recorder.flush():
                return
            await asyncio.sleep(_AGAIN_S)

    async def _purchases(self) -> None:
        secret = bytes.fromhex(self._wanted.store_key)
        judge = PurchaseJudge(self._policy)
        judge.rulebook = Rulebook(self._policy, self._keys, AddressBook(NO_SOURCES))
        if self._wanted.purchases is not None:
            judge.scorer = PurchaseModel.read(Path(self._wanted.purchases))
        flags = Flags(self._put, self._keys)
        async with open_purchase_history(secret) as history:
            velocity = Velocity(self._keys, AddressBook(NO_SOURCES))
            await PurchasePast(history, velocity, judge, self._put, flags, self._wanted.now_s).tell(self._site.purchases())

    async def _requests(self) -> None:
        entries = await asyncio.to_thread(lambda: list(self._site.requests()))
        scorer = await self._ranked(entries) if self._wanted.requests is not None else None
        async with open_history(SAME_EACH_TIME) as history:
            scoring = history.usage.scoring
            scoring.scorer = scorer
            now = lambda: float(history.usage.tick)  # noqa: E731  the site's own time
            candidates = Candidates(Flags(self._put, self._keys), scoring.reasons, self._policy, now)
            scoring.rules = (candidates,)
            told = UsagePast(history, self._put, policy=self._policy.digest, sample=_SAMPLE, chance=Random(self._wanted.seed))  # noqa: S311  a lot, no secret
            await history.run(Replay(self._policy, self._api_keys, observer=told), entries)
            told.finish()

    async def _ranked(self, entries: list[Entry]) -> RankedModel:
        """The model, ranked among these very days, since it knows no others."""
        assert self._wanted.requests is not None  # noqa: S101
        days = OwnDays(Model.read(Path(self._wanted.requests)))
        async with open_history(SAME_EACH_TIME) as history:
            history.usage.scoring.observer = days.see
            await history.run(Replay(self._policy, self._api_keys, observer=history), entries)
        return days.ranked()[0]


if __name__ == "__main__":
    main()
