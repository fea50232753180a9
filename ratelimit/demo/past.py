"""Makes the past of a demonstration's site: its models are ranked on quiet days, then everything since is judged by them and by the policy.

Signals and velocities are made on the store that will serve, so that life goes on from there; the ledger is told by the chronicle.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final

from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.core.distinct import Distinct
from ratelimit.core.identity import ApiKeys
from ratelimit.core.message import Counted, Message
from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.demo.bank import Told
from ratelimit.demo.calibration import Seen, rank_purchases
from ratelimit.demo.chronicle import Chronicle
from ratelimit.demo.policy import MODELS, demo_policy
from ratelimit.demo.purchase_past import PurchasePast, events
from ratelimit.demo.rule_past import age_rules
from ratelimit.demo.shift import Clock, Shift
from ratelimit.demo.site import Site
from ratelimit.demo.usage_past import UsagePast
from ratelimit.desk import Desk
from ratelimit.history import MOST_SUBJECTS
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.actions import Actions
from ratelimit.review.doing import Doing
from ratelimit.review.effect import Effects
from ratelimit.service.address_book import NO_SOURCES, AddressBook
from ratelimit.service.candidates import Candidates
from ratelimit.service.flags import Flags
from ratelimit.service.history import History
from ratelimit.service.policy_source import read_policy
from ratelimit.service.purchase_history import PurchaseHistory
from ratelimit.service.purchase_judge import PurchaseJudge
from ratelimit.service.recorder import Recorder
from ratelimit.service.replay import Replay
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.usage import Usage
from ratelimit.service.velocity import Velocity
from ratelimit.sidecar import Terms, open_asked, open_standings
from ratelimit.stores.client import RedisStore
from ratelimit.stores.key_file import load_or_create_key

_DEADLINE_S: Final = 60.0  # nobody waits for a decision
_SAMPLE: Final = 0.05  # of what is allowed: the site is small
_TENTH: Final = 0.1
_TRIES: Final = 300
_AGAIN_S: Final = 0.2  # the ledger reads on meanwhile, which makes room in the stream

Say = Callable[[str], None]


class Past:
    """That of one demonstration in its folder; `say` is told how far it is."""

    def __init__(self, folder: Path, policy: Path, shipped: Mapping[str, Path], site: Site, say: Say) -> None:
        self._folder, self._policy_file, self._shipped, self._site, self._say = folder, policy, shipped, site, say
        self._calibrated: set[str] = set()
        self._now_s = site.now_ms / 1_000
        self._chronicle = Chronicle(self._now_s)
        self._counts: list[Message] = []
        self._told_share = 0.0

    async def tell(self, store_url: str, key: bytes, seed: int, stack: AsyncExitStack) -> list[Told]:
        """All of it; what the payment service is still to say of it."""
        terms = Terms(
            store_url=store_url, signals_url=None, store_key=key, gateway_token=None, deadline_ms=1_000, late_ms=10, sidecars=1,
            most_subjects=1_000,
        )  # fmt: skip
        store, keys = await open_asked(terms, stack, _DEADLINE_S), StoreKeys(key)
        ledger = Ledger(f"sqlite://{self._folder / 'ledger.db'}")
        stack.push_async_callback(ledger.close)
        flags = Flags(self._chronicle.put, keys)
        history = History(Usage(store, keys, Distinct(key), AddressBook(NO_SOURCES), MOST_SUBJECTS))
        velocity = Velocity(keys, AddressBook(NO_SOURCES))

        await self._quiet(history, ApiKeys(key))
        bought = self._site.purchases()
        judged = [one async for one in PurchaseHistory(store, velocity).rows(events(bought, self._now_s))]
        if "purchases" in self._shipped:
            quiet = [one for one in judged if one.at < self._site.abuse_from_s]
            days = await asyncio.to_thread(rank_purchases, self._shipped["purchases"], self._folder / MODELS / "purchases", quiet)
            self._ranked("purchases", days, "days of accounts")
        policy = self._put_in_force()
        await self._requests(history, ApiKeys(key), policy, flags, seed)
        past = PurchasePast(velocity, self._judge(policy, keys), self._chronicle.put, flags, self._now_s)
        past.tell(judged, bought)
        await past.write(store, keys)
        self._say(f"{len(judged):,} purchases of 60 days are judged")

        standings = await open_standings(terms, stack)
        desk = Desk(standings, store, store, key)
        clock, subjects = Clock(), Subjects((load_or_create_key(self._folder, "ledger"),))
        effects = Effects(desk.overrides(lambda: policy), desk.holds, desk.inbox, None, clock)
        names = ApiKeys(key)
        wrong = {**self._site.wrong, **{names.digest(name): verdict for name, verdict in self._site.wrong.items()}}
        shift = Shift(ledger, Actions(Doing(ledger, subjects, effects, clock)), clock, wrong, self._now_s, seed)
        shift.expect(past.refused)
        for purchase, decision in past.held:
            await desk.holds.open(purchase, decision.held, decision.lapses_at or self._now_s, decision.reason)
        await shift.hire()
        await self._chronicle.tell(ledger, subjects, policy, shift.work, self._so_far)
        await age_rules(ledger, self._site.began_s, past.met)
        await shift.block()
        await self._counted(store)
        return past.later

    async def _quiet(self, history: History, names: ApiKeys) -> None:
        """The days before the abuse, on which the model is ranked."""
        entries = await asyncio.to_thread(lambda: list(self._site.quiet()))
        self._say(f"{len(entries):,} requests of three quiet days go through the signals")
        with Seen.open() as seen:
            history.usage.scoring.observer = seen.see
            await history.run(Replay(read_policy(self._policy_file), names, observer=history), entries)
            history.usage.scoring.observer = None
            if "requests" in self._shipped:
                days = await seen.rank(self._shipped["requests"], self._folder / MODELS / "requests")
                self._ranked("requests", days, "days of keys, addresses and accounts")

    def _ranked(self, name: str, days: int, what: str) -> None:
        if days:
            self._calibrated.add(name)
            self._say(f"The model of {name} is calibrated on {days:,} of the site's own {what}")
        else:
            self._say(f"The site is too small for a model of {name}: a larger --scale has more days to rank it on")

    def _put_in_force(self) -> Policy:
        """The policy that names the models as they are now; who serves takes it over within a second."""
        self._policy_file.write_text(demo_policy(self._calibrated), encoding="utf-8")
        return read_policy(self._policy_file)

    async def _requests(self, history: History, names: ApiKeys, policy: Policy, flags: Flags, seed: int) -> None:
        entries = await asyncio.to_thread(lambda: list(self._site.requests()))
        scoring = history.usage.scoring
        if "requests" in self._calibrated:
            scoring.scorer = Model.read(self._folder / MODELS / "requests")
        scoring.rules = (Candidates(flags, scoring.reasons, policy, lambda: float(history.usage.tick)),)
        chance = Random(seed)  # noqa: S311  a lot, no secret
        told = UsagePast(history, self._put, policy=policy.digest, sample=_SAMPLE, chance=chance)
        await history.run(Replay(policy, names, observer=told), entries)
        told.finish()
        self._say(f"{len(entries):,} requests of yesterday and today are decided, attacks among them")

    def _judge(self, policy: Policy, keys: StoreKeys) -> PurchaseJudge:
        judge = PurchaseJudge(policy)
        judge.rulebook = Rulebook(policy, keys, AddressBook(NO_SOURCES))
        if "purchases" in self._calibrated:
            judge.scorer = PurchaseModel.read(self._folder / MODELS / "purchases")
        return judge

    async def _counted(self, store: RedisStore) -> None:
        """Counts go over the stream, since whoever serves draws its charts by what comes in."""
        recorder = Recorder(store, time.time, most=1_000_000)
        for message in self._counts:
            recorder.put(message)
        for _ in range(_TRIES):
            if await recorder.flush():
                return
            await asyncio.sleep(_AGAIN_S)

    def _put(self, message: Message) -> None:
        if isinstance(message, Counted):
            self._counts.append(message)
        else:
            self._chronicle.put(message)

    def _so_far(self, share: float) -> None:
        while share >= self._told_share + _TENTH and self._told_share < 1 - _TENTH:
            self._told_share += _TENTH
            if round(self._told_share * 10) % 3 == 0:
                self._say(f"{self._told_share:.0%} of it is in the ledger")
