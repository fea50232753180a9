"""The way to one node: what is wanted goes out as one pipeline, one at a time, and a breaker stands before it.

Whoever wants something is put on a list; when the connection is free the whole list is composed and written at once. So a busy node makes
larger pipelines, never a longer queue. To wait for the pipeline before and for one's own takes no longer than the deadline. When that
passes, and while the connection is being made again, the lane is *away*: nobody waits, every limit answers by its `on_store_failure`, and a
probe in the background finds out when the node is back. No request pays for finding out.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from random import random
from typing import Any, Final

import structlog
from redis.exceptions import RedisError, ResponseError

from ratelimit.core.protocols import Asking, Clock
from ratelimit.stores.frame import KEYS_PER_CALL, Entry, Frame, code, command, frames_of, read
from ratelimit.stores.link import Facts, Link

HANG_S: Final = 1.0  # after which a pipeline without an answer is given up, and its connection with it; never before the deadline
REDIRECTS: Final = frozenset({"MOVED", "ASK"})  # each proves that the call was not executed here
NOT_NOW: Final = frozenset({"LOADING", "READONLY", "MASTERDOWN", "BUSY", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "NOAUTH", "NOPERM"})
_GATHER_S: Final = 0.004  # a lone bucket costs us and the node several times what it costs among others; a renewal has tens of ms
_SHARE: Final = 2 / 3  # of the deadline a pipeline may take; who waited for the one before keeps at least a third
_GRACE_US: Final = 1_000  # for reading on, turn by turn, before the node is blamed
_LAG_US: Final = 1_000  # a turn longer than this says that we were busy ourselves
_PROBE_S: Final = (0.02, 1.0)  # first and longest wait between attempts to get a node back

_PROBE_KEY: Final = "rl1:probe"
_PROBE_MS: Final = 1_000
_SAY_EVERY_US: Final = 1_000_000  # the same complaint is logged so often at most

_log = structlog.get_logger()

Reroute = Callable[[ResponseError, Frame], Coroutine[Any, Any, None]]


class Counts:
    """What a lane did, for metrics."""

    def __init__(self) -> None:
        self.calls = 0  # script calls
        self.buckets = 0  # buckets and quotas asked
        self.pipelines = 0
        self.seconds = 0.0  # in pipelines, from composing to the last answer
        self.overdue = 0  # pipelines that took longer than a decision may
        self.lost = 0  # buckets and quotas asked with unknown effect
        self.refused = 0  # asked for while away
        self.failures = 0  # times that the node was found to be away


class Lane:
    """One node. `want` puts someone on the list; a task of its own writes and reads."""

    def __init__(self, name: str, link: Link, clock: Clock, deadline_s: float, reroute: Reroute | None = None) -> None:
        self.name = name  # host and port, never the URL: it may hold a password
        self.counts = Counts()
        self.away = True  # until opened
        self._link, self._clock, self._deadline_s, self._reroute = link, clock, deadline_s, reroute
        self._keys_per_call = KEYS_PER_CALL if reroute is None else 1  # the keys of a cluster lie in different slots
        self._wanted: dict[Asking, None] = {}
        self._since = 0  # when the first of the wanted came, if it had to wait for a pipeline under way
        self._again: list[tuple[Entry, bool]] = []
        self._under_way: object = None
        self._complained = -_SAY_EVERY_US
        self._timer: asyncio.TimerHandle | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._pumping = self._slow = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> Facts:
        """Connect for the first time; raises RedisError or OSError."""
        facts = await self._link.open()
        self.away = False
        return facts

    def reopen(self) -> None:
        """Keep trying in the background."""
        self._spawn(self._probe())

    async def close(self) -> None:
        """Let what is wanted and under way come to its end, then drop the connection, and tell those who still wait."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathered()
        if self._pumping and not self.away:
            await asyncio.wait(list(self._tasks), timeout=HANG_S)
        self.away = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._drop_wanted()
        await self._link.close()

    def want(self, asking: Asking, *, urgent: bool = True) -> bool:
        """Ask with the next pipeline; False while the node is away. What is not urgent waits for others, but not for long."""
        if self.away or self._slow:
            self.counts.refused += 1
            return False
        if not self._wanted:
            self._since = self._clock() if self._under_way else 0
        self._wanted[asking] = None
        if urgent:
            self._start()
        elif self._gathering is None and not self._pumping:
            self._gathering = asyncio.get_running_loop().call_later(_GATHER_S, self._gathered)
        return True

    def send(self, frame: Frame, *, asking: bool) -> None:
        """Send composed calls as they are, since another node proved that it did not execute them; `asking` as ASK wants it."""
        if self.away or self._slow:
            _tell(frame, self._clock())
            return
        self._again.extend((entry, asking) for entry in frame)
        self._start()

    def _gathered(self) -> None:
        self._gathering = None
        if self._wanted:
            self._start()

    def _start(self) -> None:
        if not self._pumping:
            self._pumping = True
            self._spawn(self._pump())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self) -> None:
        try:
            while (self._wanted or self._again) and not self.away:
                await self._pipeline()
        finally:
            self._pumping = False

    async def _pipeline(self) -> None:
        sent = self._clock()  # before anything is composed: a lease's life counts from here
        again, self._again = self._again, []
        wanted, self._wanted = self._wanted, {}
        fresh = [entry for asking in wanted if (entry := _composed(asking, sent)) is not None]
        frames = [((entry,), asking) for entry, asking in again] + [(frame, False) for frame in frames_of(fresh, self._keys_per_call)]
        if not frames:
            return
        self._under_way = frames
        self._timer = asyncio.get_running_loop().call_later(self._patience_s(sent), self._watch, frames)
        try:
            async with asyncio.timeout(max(HANG_S, self._deadline_s)):
                replies = await self._exchange(frames)
        except asyncio.CancelledError:  # closed
            self._lose(frames)
            raise
        except Exception as error:  # RedisError, OSError, TimeoutError; or a bug of ours, and even then nobody may be left waiting
            self._fail(error)
            self._lose(frames)
        else:
            self._slow = False  # whoever takes in an answer may want to say more, such as a refund
            self._count(sent, len(frames), len(fresh) + len(again))
            self._hand_out([frame for frame, _ in frames], replies, sent)
        finally:
            self._slow, self._under_way = False, None
            if self._timer is not None:
                self._timer.cancel()

    def _lose(self, frames: list[tuple[Frame, bool]]) -> None:
        for frame, _ in frames:
            self.counts.lost += len(frame)
            _tell(frame, self._clock())

    def _patience_s(self, sent: int) -> float:
        waited = (sent - self._since) / 1e6 if self._since else 0.0
        return max(self._deadline_s * (1 - _SHARE), min(self._deadline_s * _SHARE, self._deadline_s - waited))

    async def _exchange(self, frames: list[tuple[Frame, bool]]) -> list[Any]:
        replies = await self._link.exchange([command(frame) for frame, _ in frames], [asking for _, asking in frames])
        unknown = [i for i, reply in enumerate(replies) if code(reply) == "NOSCRIPT"]
        if unknown:  # not executed, so the same bytes may go again
            await self._link.load()
            again = await self._link.exchange([command(frames[i][0]) for i in unknown], [frames[i][1] for i in unknown])
            for i, reply in zip(unknown, again, strict=True):
                replies[i] = reply
        return replies

    def _hand_out(self, frames: list[Frame], replies: list[Any], sent: int) -> None:
        now = self._clock()
        for frame, reply in zip(frames, replies, strict=True):
            if isinstance(reply, list):
                for entry, answer in zip(frame, reply, strict=True):
                    _answer(entry, answer, sent, now)
            elif code(reply) in REDIRECTS and self._reroute is not None:
                self._spawn(self._reroute(reply, frame))  # which may have to connect first
            else:
                self._complain(reply, now)
                if code(reply) in NOT_NOW:
                    self._fail(reply)
                _tell(frame, now)

    def _complain(self, reply: ResponseError, now: int) -> None:
        if now - self._complained >= _SAY_EVERY_US:
            self._complained = now
            _log.error("the store refused a call", node=self.name, answer=str(reply)[:200])

    def _count(self, sent: int, calls: int, buckets: int) -> None:
        counts = self.counts
        counts.pipelines += 1
        counts.calls += calls
        counts.buckets += buckets
        counts.seconds += (self._clock() - sent) / 1e6

    def _watch(self, frames: list[tuple[Frame, bool]]) -> None:
        """The deadline has passed, but perhaps it was we who were busy and the answer lies in the socket: read on for a moment first."""
        self._overdue(frames, self._clock() + _GRACE_US)

    def _overdue(self, frames: list[tuple[Frame, bool]], due: int) -> None:
        """Too slow for a decision: whoever waits is told so, and until the answer comes nobody else is made to wait."""
        now = self._clock()
        if self._under_way is not frames:
            return
        if now > due + _LAG_US:  # busy again
            due = now + _GRACE_US
        if now < due:
            asyncio.get_running_loop().call_soon(self._overdue, frames, due)
            return
        self._slow = True
        self.counts.overdue += 1
        for frame, _ in frames:
            for entry in frame:
                entry.asking.overdue()
        self._drop_wanted()

    def _fail(self, error: Exception) -> None:
        """The node is away: tell everybody, and find out in the background when it is back."""
        self.counts.failures += 1
        if not self.away:
            self.away = True
            _log.warning("the store is away", node=self.name, error=f"{type(error).__name__}: {error}"[:200])
            self.reopen()
        self._drop_wanted()

    def _drop_wanted(self) -> None:
        wanted, self._wanted = self._wanted, {}
        again, self._again = self._again, []
        now = self._clock()
        for asking in wanted:
            asking.unanswered(None, now)
        _tell([entry for entry, _ in again], now)

    async def _probe(self) -> None:
        wait, longest = _PROBE_S
        while not await self._is_back():
            await asyncio.sleep(wait * (0.5 + random()))  # noqa: S311  spreads sidecars, hides nothing
            wait = min(longest, wait * 2)
        self.away = False
        _log.warning("the store is back", node=self.name)

    async def _is_back(self) -> bool:
        """Whether the node is a primary that takes writes: one that is full or may not write answers everything else."""
        try:
            facts = await self._link.open()
            (written,) = await self._link.ask(("SET", _PROBE_KEY, "1", "PX", _PROBE_MS))
        except (RedisError, OSError, TimeoutError):
            return False
        takes_writes = not isinstance(written, ResponseError) or code(written) in REDIRECTS  # another node of the cluster has that key
        return takes_writes and facts.role == "master" and not facts.loading


def _composed(asking: Asking, now: int) -> Entry | None:
    try:
        call = asking.compose(now)
    except Exception:  # a bug with one bucket must not keep the others of its pipeline waiting
        _log.exception("a call could not be composed", key=asking.key)
        asking.unanswered(None, now)
        return None
    return None if call is None else Entry(asking, call)


def _answer(entry: Entry, answer: Any, sent: int, now: int) -> None:
    try:
        entry.asking.answered(entry.call, read(entry, answer), sent, now)
    except Exception:  # a bug with one bucket must not keep the others of its pipeline waiting
        _log.exception("an answer of the store could not be taken in", key=entry.asking.key)
        entry.asking.unanswered(entry.call, now)


def _tell(frame: Iterable[Entry], now: int) -> None:
    for entry in frame:
        entry.asking.unanswered(entry.call, now)
