"""One sidecar: a connection to the store, a limiter on it, and the gateway lane that asks the limiter. No rule lives here.

A process is one, or has workers of which each is one: to the store, and to the promises, they are as many sidecars.
"""

import time
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Final, NamedTuple

from msgspec import Struct

from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.core.distinct import Distinct
from ratelimit.core.identity import ApiKeys
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import PurchaseScorer, RiskModel
from ratelimit.core.reach import RULES_REACH
from ratelimit.core.store_key import StoreKeys
from ratelimit.loop import keep_running
from ratelimit.service.address_book import NO_SOURCES, AddressBook, Sources
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.candidates import Candidates
from ratelimit.service.exploration import Exploration
from ratelimit.service.flags import Flags
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.holds import Holds
from ratelimit.service.limiter import Limiter
from ratelimit.service.model_section import PURCHASES as PURCHASE_MODELS
from ratelimit.service.model_watch import Models, ModelWatch
from ratelimit.service.overlay_watch import OverlayWatch
from ratelimit.service.purchase_exploration import PurchaseExploration
from ratelimit.service.purchases import Purchases
from ratelimit.service.reach import ReachTeller
from ratelimit.service.recorder import Recorder
from ratelimit.service.recording import record
from ratelimit.service.request_rules import RequestRules
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.signal_loop import SignalLoop
from ratelimit.service.standings import Standings
from ratelimit.service.usage import Usage
from ratelimit.setting_value import Secret
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.standing_feed import StandingFeed
from ratelimit.web.counts import Counts
from ratelimit.web.gateway import POST, READ, Endpoint, GatewayLane
from ratelimit.web.health import Health
from ratelimit.web.holds import HOLDS, HoldCalls
from ratelimit.web.listen import Listener, listen_at
from ratelimit.web.one_sidecar import OneSidecar
from ratelimit.web.place import Place
from ratelimit.web.purchases import PURCHASES, PurchaseCall
from ratelimit.web.shortcut import ShortcutServer

GATEWAY: Final = "RATELIMIT_GATEWAY"
SIGNALS_DEADLINE_S: Final = 1.0  # nobody waits for them
RECORD_DEADLINE_S: Final = 2.0  # nor for records
ASK_DEADLINE_S: Final = 0.1  # for what people, purchases and rules ask of the store, over a connection that no limit waits for
WRONG_KEY: Final = "RATELIMIT_STORE_KEY is not the one this store was first used with"

# CLOCK_MONOTONIC stands still while the machine sleeps, and a lease would outlive what the store counts; only Linux has the other one
_CLOCK_ID = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def clock_us() -> int:
    """The sidecar's clock: microseconds, never going back."""
    return time.clock_gettime_ns(_CLOCK_ID) // 1000


class Terms(Struct, frozen=True, kw_only=True):
    """What a sidecar works with, beside the policy. It holds secrets, and is shown nowhere."""

    store_url: str
    signals_url: str | None  # where profiles are; None: there are no signals
    store_key: bytes
    gateway_token: str | None
    deadline_ms: int
    late_ms: int
    sidecars: int  # among how many a limit is divided while the store is away
    most_subjects: int
    most_profiles: int = 1_000_000  # in the store
    allow_sample: float = 0.0  # share of allowed requests that are recorded
    sources: Sources = NO_SOURCES  # of what is known of addresses

    def __repr__(self) -> str:
        return "Terms(…)"


async def open_asked(terms: Terms, stack: AsyncExitStack, deadline_s: float = ASK_DEADLINE_S) -> RedisStore:
    """The store on a connection that no limit waits for."""
    store = RedisStore(Options(terms.store_url, clock_us, deadline_s, StoreKeys(terms.store_key).check_value))
    stack.push_async_callback(store.close)
    await store.open()
    return store


async def open_recorder(terms: Terms, stack: AsyncExitStack) -> Recorder:
    """What tells the ledger, on a connection of its own; in the end it sends what is left."""
    recorder = Recorder(await open_asked(terms, stack, RECORD_DEADLINE_S), time.time)
    stack.push_async_callback(recorder.finish)
    keep_running(recorder.run, stack)
    return recorder


async def open_standings(terms: Terms, stack: AsyncExitStack) -> Standings:
    """The words that stand, read and followed, on connections of their own."""
    store = await open_asked(terms, stack)
    standings, feed = Standings(store, time.time), StandingFeed(terms.store_url)
    keep_running(partial(feed.run, standings), stack)
    await standings.first()
    return standings


def _tell_reach(teller: ReachTeller, stack: AsyncExitStack) -> None:
    stack.push_async_callback(teller.finish)
    keep_running(teller.run, stack)


class Stores(NamedTuple):
    """Its connections: that of the limits, and that of signals, if there are any. Purchases have one that no figure is of."""

    limits: RedisStore
    signals: RedisStore | None


class BothModels(NamedTuple):
    """What scores: requests, if there are signals, and purchases."""

    requests: Models[RiskModel] | None
    purchases: Models[PurchaseScorer]

    def adopt(self, policy: Policy) -> None:
        """What a policy names follows within two seconds."""
        self.purchases.adopt(policy)
        if self.requests is not None:
            self.requests.adopt(policy)

    @property
    def watches(self) -> tuple[ModelWatch[Any], ...]:
        """Each of their folders."""
        found = (self.purchases,) if self.requests is None else (self.requests, self.purchases)
        return tuple(watch for models in found for watch in (models.champion, models.challenger))


class Sidecar:
    """Serves once `listen` was called. What is opened goes onto the `stack`, which closes it in the right order."""

    workers, worker_restarts = 1, 0

    def __init__(  # noqa: PLR0913  a composition root's parts, all by name
        self,
        limiter: Limiter,
        purchases: Purchases,
        *,
        holds: Holds,
        rulebook: Rulebook,
        book: AddressBook,
        stores: Stores,
        models: BothModels,
        recorder: Recorder,
        terms: Terms,
    ) -> None:
        self.recorder: Final = recorder
        self.overlay: OverlayWatch | None = None
        self.candidates: Candidates | None = None
        self._limiter, self._purchases, self._rulebook, self._book, self._models = limiter, purchases, rulebook, book, models
        store, signals = stores
        counts, token = Counts(), Secret(terms.gateway_token) if terms.gateway_token is not None else None
        self.health: Final = Health(lambda: store.away, lambda: None if store.key_matches else WRONG_KEY)
        signal_nodes = lambda: signals.lanes if signals is not None else ()  # noqa: E731  (read again each time)
        self.sidecars: Final = OneSidecar(
            limiter,
            counts,
            lambda: store.lanes,
            signal_nodes,
            watches=models.watches,
            purchases=purchases,
            rulebook=rulebook,
            recorder=recorder,
        )
        more = {
            PURCHASES: Endpoint(PurchaseCall(purchases, time.time, clock_us).take, POST),
            HOLDS: Endpoint(HoldCalls(holds).of_account, READ),
        }
        lane = GatewayLane(limiter, ApiKeys(terms.store_key), self.health, counts, token, more, recorder.put)
        self._server = ShortcutServer(lane, counts, lane)

    @classmethod
    async def open(
        cls, terms: Terms, policy: Policy, stack: AsyncExitStack, book: AddressBook | None = None, standings: Standings | None = None
    ) -> "Sidecar":
        """Reach the store, or begin to try, and make a limiter that asks it.

        `book` is one of the same sources, `standings` are those of the same store, if there are some already.
        """
        keys = StoreKeys(terms.store_key)
        store = RedisStore(Options(terms.store_url, clock_us, terms.deadline_ms / 1_000, keys.check_value))
        stack.push_async_callback(store.close)
        await store.open()
        limiter = Limiter(
            policy,
            store,
            keys,
            clock_us,
            late_us=terms.late_ms * 1_000,
            sidecars=terms.sidecars,
            most_subjects=terms.most_subjects,
        )
        standings = standings or await open_standings(terms, stack)
        limiter.gate.index = standings.index
        book = book or AddressBook(terms.sources)
        book.adopt(policy)
        keep_running(book.run, stack)
        rulebook = Rulebook(policy, keys, book)
        asked = await open_asked(terms, stack)
        _tell_reach(ReachTeller(asked, standings), stack)
        recorder = await open_recorder(terms, stack)
        flags = Flags(recorder.put, keys)
        signals = models = candidates = None
        if terms.signals_url is not None:
            signals = RedisStore(Options(terms.signals_url, clock_us, SIGNALS_DEADLINE_S, keys.check_value))
            usage = await cls._open_signals(terms, signals, keys, book, stack)
            usage.scoring.spared = standings.unscored
            request_rules = RequestRules(rulebook, RuleWords(standings), time.time)
            request_rules.flags, request_rules.reasons = flags, usage.scoring.reasons
            candidates = Candidates(flags, usage.scoring.reasons, policy, time.time)
            usage.scoring.rules = (request_rules, candidates)
            keep_running(request_rules.run, stack)
            limiter.risks = limiter.usage = usage
            limiter.explores = Exploration(terms.store_key, time.time)
            models = await cls._open_models(usage, policy, stack)
        stack.callback(limiter.give_back)  # before the store closes, which sends it
        keep_running(limiter.run, stack)
        holds = Holds(standings, HoldCounter(asked, keys, time.time), time.time)
        limiter.heed_holds(holds.account, time.time)
        purchases = Purchases(asked, keys, policy, time.time, book)
        purchases.holds, purchases.flags = holds, flags
        purchases.judge.standings, purchases.judge.rulebook = standings, rulebook
        purchases.words = RuleWords(standings)
        purchases.explores = PurchaseExploration(terms.store_key, asked, time.time)
        both = BothModels(models, await cls._open_purchase_models(purchases, policy, stack))
        stores = Stores(store, signals)
        traffic = record(recorder, limiter, purchases, book, terms.allow_sample)
        stack.callback(traffic.count)
        keep_running(traffic.run, stack)
        sidecar = cls(
            limiter, purchases, holds=holds, rulebook=rulebook, book=book, stores=stores, models=both, recorder=recorder, terms=terms
        )
        sidecar.candidates = candidates
        await sidecar.follow(asked, policy, stack)
        return sidecar

    @staticmethod
    async def _open_signals(terms: Terms, store: RedisStore, keys: StoreKeys, book: AddressBook, stack: AsyncExitStack) -> Usage:
        """Signals go over a connection of their own, which no decision waits for."""
        stack.push_async_callback(store.close)
        await store.open()
        usage = Usage(store, keys, Distinct(terms.store_key), book, terms.most_subjects)
        usage.census.most = terms.most_profiles
        signals = SignalLoop(usage, time.time)
        stack.callback(signals.finish)
        keep_running(signals.run, stack)
        return usage

    @staticmethod
    async def _open_models(usage: Usage, policy: Policy, stack: AsyncExitStack) -> Models[RiskModel]:
        """What scores those signals, if the policy names a model; one that it names later is found as well."""

        def put(model: RiskModel | None) -> None:
            usage.scoring.scorer = model

        def put_challenger(model: RiskModel | None) -> None:
            usage.scoring.challenge.model = model

        usage.scoring.challenge.adopt(policy)
        models: Models[RiskModel] = Models(Model.read, put, put_challenger)
        models.adopt(policy)
        await models.look(settled=True)
        keep_running(models.run, stack)
        return models

    @staticmethod
    async def _open_purchase_models(purchases: Purchases, policy: Policy, stack: AsyncExitStack) -> Models[PurchaseScorer]:
        """The same for purchases."""

        def put(model: PurchaseScorer | None) -> None:
            purchases.judge.scorer = model

        def put_challenger(model: PurchaseScorer | None) -> None:
            purchases.judge.challenge.model = model

        models: Models[PurchaseScorer] = Models(PurchaseModel.read, put, put_challenger, PURCHASE_MODELS)
        models.adopt(policy)
        await models.look(settled=True)
        keep_running(models.run, stack)
        return models

    async def follow(self, store: RedisStore, policy: Policy, stack: AsyncExitStack) -> None:
        """Put in force what people have laid on the policy's rules, now and from now on."""
        self.overlay = OverlayWatch(store, policy, self._put)
        self.sidecars.overlay = self.overlay
        with suppress(StoreAwayError):
            await self.overlay.look()
        keep_running(self.overlay.run, stack)
        _tell_reach(ReachTeller(store, self.overlay, RULES_REACH), stack)

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force, with what lies on its rules; a model that it names anew follows within two seconds."""
        if self.overlay is not None:
            self.overlay.adopt(policy)
        else:
            self._put(policy)

    def _put(self, policy: Policy) -> None:
        self._limiter.adopt(policy)
        self._purchases.adopt(policy)
        self._rulebook.adopt(policy)
        self._book.adopt(policy)
        if self._limiter.usage is not None:
            self._limiter.usage.scoring.challenge.adopt(policy)
        if self.candidates is not None:
            self.candidates.adopt(policy)
        self._models.adopt(policy)

    async def listen(self, place: Place, stack: AsyncExitStack) -> None:
        """Answer the gateway at this place; raises ConfigError."""
        listener: Listener = await listen_at(self._server, place, GATEWAY)
        stack.push_async_callback(listener.close)
        self.health.state = "serving"
