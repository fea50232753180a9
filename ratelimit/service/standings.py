"""All words that stand, in memory, as the store has them: what the hot path looks into and what people and rules change.

The store is the truth. A change is written there if the word is still as it was read, and every sidecar, this one too, hears of it from the
stream of changes. Its own changes it knows a little earlier: such a word is `ahead`, and what the stream says of it from before is passed
over. Times are seconds since the epoch.
"""

import asyncio
import contextlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import structlog
from msgspec.structs import replace

from ratelimit.core.identity import Caller
from ratelimit.core.protocols import Store
from ratelimit.core.standing import MOST_STANDING, Scope, Standing, StandingSource, Target, TargetKind
from ratelimit.core.standing_change import NO_REVISION, NOTHING, Change, Known, change, known, unpacked, written
from ratelimit.core.standing_index import Found, StandingIndex
from ratelimit.service.ask import StoreAwayError, ask

_TRIES: Final = 16  # of a change that others make at the same time
_FIRST_S: Final = 2.0  # how long the start waits for the words, as long as more of them come; a few come in some ms
_PIECE: Final = 5_000  # words looked at before the loop turns, some 2 ms

_log = structlog.get_logger()

Named = tuple[TargetKind, str]
Make = Callable[[Standing | None], Standing | None]
Listener = Callable[[Standing | None, Standing | None], None]


class FullError(Exception):
    """So many words stand that no new one may."""


class Standings:
    """The words. `listeners` are told of each change that is seen: what was, what is; None is nothing."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self.listeners: list[Listener] = []
        self.synced_at: float | None = None  # when all words were last read
        self._store, self._wall = store, wall
        self._known: dict[str, Known] = {}  # as the store has them, those too that have ended
        self._live: dict[str, Standing] = {}
        self.counts = Counter[StandingSource]()  # words that last, by source
        self.index = StandingIndex()
        self.unscored: set[Named] = set()  # whom no model may look at; the same object for ever
        self._ends: list[tuple[float, str]] = []  # a heap
        self._ahead: dict[str, bytes] = {}  # own changes that the stream is yet to tell of
        self._settled: set[str] = set()  # those of which reading of all tells, if the store has them
        self._position = self._begun = NO_REVISION  # how far the stream was read; how far it was when reading of all began
        self._met: set[str] = set()
        self._first = asyncio.Event()
        self.heard = self.made = NO_REVISION  # up to where all is known here; the latest change that was made here
        self.moved = asyncio.Event()  # `heard` has changed; whoever waits for it clears it
        self._reading = True  # not all is known yet, whatever the position

    def __len__(self) -> int:
        return len(self._live)

    @property
    def requests(self) -> int:
        """How many words a request can meet."""
        return self.index.requests

    def of(self, caller: Caller) -> Found | None:
        """What stands for a request; for the hot path."""
        return self.index.found(caller, self._wall()) if self.index.requests else None

    def words(self, targets: Iterable[Target], scope: Scope) -> list[Standing]:
        """The words about any of the targets that are in force for purchases, or for requests."""
        return self.index.words(targets, scope, self._wall())

    def get(self, id: str) -> Standing | None:
        """The word with that id, while it lasts."""
        return self._lasting(self._live.get(id))

    def all(self) -> list[Standing]:
        """Every word that lasts."""
        self.expire()
        return list(self._live.values())

    async def change(self, id: str, make: Make) -> Standing | None:
        """Make the word `id` what `make` makes of it, which is called again where somebody else was faster; None takes it away.

        Raises StoreAwayError, and FullError.
        """
        now = self._known.get(id, NOTHING)
        for _ in range(_TRIES):
            before = now.standing
            after = make(self._lasting(before))
            if after == before:
                return after
            if after is not None:
                after = replace(after, id=id, version=before.version + 1 if before is not None else 1)
            done, now, full = written(after, *await ask(self._store, [change(id, now.revision, after)]))
            if full:
                raise FullError(f"{MOST_STANDING} words stand already")
            if done:
                self.made = max(self.made, now.revision)
                if now.revision > self._position:  # else the stream has told of it already, and perhaps of what came after it
                    self._ahead[id] = now.revision
                    self._put(id, now)
                return after
        raise StoreAwayError

    async def first(self) -> None:
        """Wait until the words are known, or for as long as a start may take: a store that is away locks nobody out."""
        known = -1
        while len(self._known) > known and not self._first.is_set():  # it is under way: 100,000 take seconds
            known = len(self._known)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._first.wait(), _FIRST_S)
        if not self._first.is_set():
            _log.warning("the words that stand are not read yet; none is in force until they are")

    async def clean(self) -> None:
        """Take from the store what has ended. One of many sidecars is enough; raises StoreAwayError."""
        self.expire()
        for id in self._known.keys() - self._live.keys():
            await self.change(id, lambda word: word)

    def begin(self) -> None:
        """All words are about to be read. What we changed before, that will tell."""
        self._settled = set(self._ahead)
        self._met.clear()
        self._reading = True

    def begun(self, position: bytes) -> None:
        """The stream has come to `position`, and now they are read. Where it is behind ours, the store has lost what came later."""
        for id in self._settled:
            self._ahead.pop(id, None)
        self._begun, self._position = max(position, self._position), position

    def read(self, words: Mapping[bytes, bytes]) -> None:
        """Some of all words, by id, as they are after what was `changed` last."""
        for name, state in words.items():
            id = name.decode()
            self._met.add(id)
            if id not in self._ahead and self._known.get(id, NOTHING).revision != state[: len(NO_REVISION)]:
                self._put(id, known(state))

    def changed(self, changes: Iterable[Change]) -> None:
        """What the stream tells, in its order."""
        latest = {it.id: it for it in changes}  # what was said and taken back at once is not heard of
        for id, it in latest.items():
            self._position = max(self._position, it.revision)
            self._settled.discard(id)
            ahead = self._ahead.get(id, NO_REVISION)
            if it.revision >= ahead:
                self._ahead.pop(id, None)
            if it.revision > ahead:
                self._put(id, Known(it.revision, unpacked(it.word) if it.word else None))
        if latest:
            self._hear()

    def finish(self) -> Iterator[None]:
        """All words were read: whatever else is known is no more, unless it came later. Done in pieces, between which the loop may turn."""
        for number, id in enumerate(list(self._known)):
            if number % _PIECE == _PIECE - 1:
                yield
            if id not in self._met and id not in self._ahead:
                it = self._known.get(id, NOTHING)
                if id in self._settled or it.revision <= self._begun:
                    self._put(id, NOTHING)
        self._met.clear()
        self.synced_at = self._wall()
        self._first.set()
        self._reading = False
        self._hear()

    def expire(self) -> None:
        """Tell of words that have ended."""
        now_s = self._wall()
        while self._ends and self._ends[0][0] <= now_s:
            _, id = heapq.heappop(self._ends)
            word = self._live.get(id)
            if word is not None and self._lasting(word) is None:
                self._show(id, None)

    def _hear(self) -> None:
        if not self._reading and self.heard != self._position:
            self.heard = self._position
            self.moved.set()

    def _put(self, id: str, now: Known) -> None:
        if now.standing is None:
            self._known.pop(id, None)
        else:
            self._known[id] = now
        self._show(id, self._lasting(now.standing))

    def _show(self, id: str, after: Standing | None) -> None:
        before = self._live.pop(id, None)
        if before is not None:
            self._leave(before)
            self.counts[before.source] -= 1
        if after is not None:
            self._live[id] = after
            self._enter(after)
            self.counts[after.source] += 1
            if after.until is not None:
                heapq.heappush(self._ends, (after.until, id))
        if before != after:
            for listener in self.listeners:
                listener(before, after)

    def _enter(self, word: Standing) -> None:
        if word.then == "unscored":
            self.unscored.add((word.target.kind, word.target.value))
        else:
            self.index.put(word)

    def _leave(self, word: Standing) -> None:
        if word.then == "unscored":
            self.unscored.discard((word.target.kind, word.target.value))
        else:
            self.index.remove(word)

    def _lasting(self, word: Standing | None) -> Standing | None:
        return word if word is not None and (word.until is None or word.until > self._wall()) else None
