"""Two lanes that are equal in everything but this: one has the shortcut. What each does in a conversation is written down to compare.

The store is made of real buckets and answers only when nothing else can happen: a lane that is faster is not answered earlier.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from enum import Enum, auto
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import pytest
import structlog
from aiohttp.http import RawRequestMessage

from ratelimit.core.bucket import Acquire, Bucket, Grant
from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.protocols import Asking
from ratelimit.core.store_key import StoreKeys
from ratelimit.service import answer, limiter, recent, shelf
from ratelimit.service.limiter import Limiter
from ratelimit.setting_value import Secret
from ratelimit.web import fault, reply
from ratelimit.web.counts import Counts
from ratelimit.web.gateway import GatewayLane
from ratelimit.web.health import Health
from ratelimit.web.server import LaneServer
from ratelimit.web.shortcut import ShortcutServer
from tests.web.stepped import SteppedLoop, Wire

SECRET: Final = bytes(range(32))
START_S: Final = 1_800_000_000
LONG_US: Final = 3_600_000_000
HOT_SLOTS: Final = 5_000  # in hand of the key "hot"
FEW_SLOTS: Final = 3  # and of the key "few"
_LIMITS: Final[list[dict[str, Any]]] = [
    {"name": "key", "per": ["api_key"], "bucket": {"capacity": 100_000, "refill": "1/h"}},
    {"name": "tight", "per": ["account"], "bucket": {"capacity": 2, "refill": "1/h"}},
    {"name": "watched", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/h"}, "mode": "shadow"},
    {"name": "members", "per": ["account"], "match": {"path": ["/members"]}, "missing": "deny", "bucket": {"capacity": 9, "refill": "1/h"}},
]
POLICY: Final = Policy(parse_policy({"version": 1, "limits": _LIMITS}, "p"))


class Do(Enum):
    """What happens in a conversation beside bytes."""

    QUIET = auto()  # all that can happen without anybody's doing has happened
    DEAF = auto()  # the client takes nothing that it is sent
    HEAR = auto()  # and does again
    END = auto()  # the client sends no more
    GONE = auto()  # the connection is lost
    CLOSING = auto()  # the lane takes nothing more
    CLOSE = auto()  # and is closed


Step = bytes | int | float | Do  # bytes arrive at once; so many turns of the loop; so many seconds


class Seen(NamedTuple):
    """A lane's counts and its limiter's state."""

    counts: dict[str, Any]
    decided: Any
    refused: list[Any]
    shelves: list[Any]
    calls: list[tuple[str, Acquire]]


class PatientStore:
    """Real buckets behind the protocol of a store. It answers when it is told to, or, if `prompt`, in the next turn of the loop."""

    def __init__(self, clock: Callable[[], int], *, prompt: bool) -> None:
        self.calls: list[tuple[str, Acquire]] = []
        self.away = False
        self._prompt = prompt
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._wanted: dict[Any, None] = {}  # those who ask for buckets; nobody here has a quota

    def want(self, asking: Asking, *, urgent: bool = True) -> bool:  # noqa: ARG002  all of it waits
        if self.away:
            return False
        if self._prompt and not self._wanted:
            asyncio.get_running_loop().call_soon(self.answer)
        self._wanted[asking] = None
        return True

    def answer(self) -> bool:
        """Answer all that is wanted; False if nothing is."""
        wanted, self._wanted = self._wanted, {}
        now = self._clock()
        for asking in wanted:
            call = asking.compose(now)
            if call is not None:
                self.calls.append((asking.key, call))
                bucket = self._buckets.setdefault(asking.key, Bucket(asking.terms.num, asking.terms.per, now))
                asking.answered(call, bucket.acquire(now, asking.terms, call), now, now)
        return bool(wanted)


class Twin:
    """One of the two, which is the lane of its server. `taken` counts what its shortcut answered; without a shortcut that stays 0."""

    def __init__(self, *, shortcut: bool, token: str | None = None, prompt: bool = False) -> None:
        self.taken = 0
        self.store = PatientStore(_clock_us, prompt=prompt)
        self.limiter = Limiter(POLICY, self.store, StoreKeys(SECRET), _clock_us)
        self.counts = Counts()
        health = Health(lambda: False)
        health.state = "serving"
        self.lane = GatewayLane(self.limiter, ApiKeys(SECRET), health, self.counts, Secret(token) if token else None)
        self.server = ShortcutServer(self.lane, self.counts, self) if shortcut else LaneServer(self.lane, self.counts)
        for name, slots in (("hot", HOT_SLOTS), ("few", FEW_SLOTS)):
            self._put_in_hand(name, slots)

    def seen(self) -> Seen:
        """What became of it all, within."""
        answers = self.limiter.answers
        return Seen(
            vars(self.counts),
            (answers.decided, answers.shadowed, answers._count),
            list(answers.recent.records()),
            [
                (
                    it.limit.name,
                    it.counts.lacking,
                    it.counts.refused,
                    it.counts.without_store,
                    [(m.subject, m.busy(), _state(m)) for m in it.meters()],
                )
                for it in self.limiter.shelves
            ],
            self.store.calls,
        )

    def accepts(self, message: RawRequestMessage) -> bool:
        return self.lane.accepts(message)

    def answer(self, body: bytes) -> bytes | Awaitable[bytes] | None:
        found = self.lane.answer(body)
        self.taken += found is not None
        return found

    def _put_in_hand(self, name: str, slots: int) -> None:
        """A lease of a bucket that has nothing else, so that nobody asks for the next one before it is spent."""
        now = _clock_us()
        found = next(iter(self.limiter.shelves)).meter(Caller(api_key=ApiKeys(SECRET).digest(name)), now)
        assert found is not None
        found.share.answered(Acquire(), Grant(slots, -LONG_US * slots, 1, now, 0, []), now, now)


class Course(NamedTuple):
    """How a conversation went: what the client was sent and when, when the server ended it, what became of it, and what was logged."""

    sent: dict[float, bytes]
    closed: float | None
    seen: Seen
    logs: list[Any]
    taken: int

    @property
    def outcome(self) -> "Course":
        """All but how it was done."""
        return self._replace(taken=0)


def hold(steps: Sequence[Step], *, shortcut: bool, token: str | None = None, change: Callable[[Twin], None] | None = None) -> Course:
    """Hold a conversation with one of the two, up to two minutes after the last step; `change` is done to it before."""
    with closing(SteppedLoop()) as loop, structlog.testing.capture_logs() as logs, _logged(logs):

        async def converse() -> Course:
            twin = Twin(shortcut=shortcut, token=token)
            if change is not None:
                change(twin)
            loop.idle.append(twin.store.answer)
            wire = Wire(twin.server(), loop)
            await asyncio.sleep(0)
            for step in (*steps, 120.0):
                await _do(step, wire, twin, loop)
            for log in logs:
                if isinstance(log, dict):
                    log.pop("at", None)  # where a bug was met
            course = Course(wire.heard, wire.closed, twin.seen(), [*logs, *loop.unhandled], twin.taken)
            wire.lose()
            await _quiet(loop)
            return course

        return loop.run_until_complete(converse())


@contextmanager
def _logged(logs: list[Any]) -> Iterator[None]:
    """What aiohttp and asyncio say goes to the others."""
    handler = logging.Handler()
    handler.emit = lambda record: logs.append((record.name, record.msg, record.exc_info and record.exc_info[0]))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


async def _do(step: Step, wire: Wire, twin: Twin, loop: SteppedLoop) -> None:
    match step:
        case bytes():
            wire.arrive(step)
        case int():
            for _ in range(step):
                await asyncio.sleep(0)
        case float():
            await asyncio.sleep(step)
        case Do.QUIET:
            await _quiet(loop)
        case Do.DEAF | Do.HEAR:
            wire.take(step is Do.HEAR)
        case Do.END:
            wire.end()
        case Do.GONE:
            wire.lose()
        case Do.CLOSING:
            twin.server.pre_shutdown()
        case Do.CLOSE:
            twin.server.pre_shutdown()
            closing: Awaitable[None] = twin.server.shutdown(1.0)
            await closing


async def _quiet(loop: SteppedLoop) -> None:
    quiet = loop.create_future()

    def now() -> bool:
        quiet.set_result(None)
        loop.idle.remove(now)
        return True

    loop.idle.append(now)
    await quiet


def _clock_us() -> int:
    return int(_now_s() * 1_000_000)


def _now_s() -> float:
    """Stands still where the loop's time does not: then nothing is to depend on it."""
    loop = asyncio.get_running_loop()
    return START_S + (loop.time() if isinstance(loop, SteppedLoop) else 0.0)


@contextmanager
def equal_surroundings() -> Iterator[None]:
    """What two lanes would else not have in common: ids, dates, chance. Leases outlive every conversation."""
    clock = SimpleNamespace(time=_now_s, time_ns=lambda: int(_now_s() * 1e9), monotonic_ns=time.monotonic_ns)
    with pytest.MonkeyPatch.context() as patch:
        for module in (reply, recent, shelf):
            patch.setattr(module, "time", clock)
        for module in (answer, fault):
            patch.setattr(module, "token_hex", lambda size: "ab" * size)
        patch.setattr(limiter, "random", lambda: 0.5)
        patch.setattr(shelf, "LIFE_US", LONG_US)
        yield


def _state(thing: Any) -> Any:
    """What an object holds, at any depth, as values that can be compared."""
    slots = [
        name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ()) if name not in {"_around", "_terms", "__weakref__"}
    ]
    if not slots or isinstance(thing, tuple):
        return thing
    return {name: _state(getattr(thing, name)) for name in slots if hasattr(thing, name)}
