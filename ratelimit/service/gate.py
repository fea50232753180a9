"""What stands at the entrance, before the limits: words that stand and the policy's lists. Without any of them it costs a request one look.

Beside the words of one caller it keeps the buckets that they bring along: one shelf for each word that was met, the oldest goes first. A
shelf that goes takes no lease with it, since leases are looked after wherever they came from.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from ratelimit.core.beside import counts_by, override_throttle, rule_twin_name
from ratelimit.core.identity import Caller
from ratelimit.core.listing import Listing
from ratelimit.core.passage import Passage, passage
from ratelimit.core.policy import Policy
from ratelimit.core.standing import Standing, StandingSource, Then
from ratelimit.core.standing_index import StandingIndex
from ratelimit.service.meter import Meter
from ratelimit.service.shelf import Setting, Shelf

_MOST_SHELVES: Final = 4_096


class WordShelf(Shelf):
    """The one bucket of a throttle, for all whom the word is about."""

    def __init__(self, word: Standing, setting: Setting, ipv6_prefix: int) -> None:
        super().__init__(override_throttle(word), setting, ipv6_prefix)
        self._about = str(word.target)
        self.subject_of = lambda _caller: self._about

    def subject(self, meter: Meter) -> str:  # noqa: ARG002  there is one
        """Whom the word is about."""
        return self._about


def _repriced(shelf: Shelf, word: Standing, setting: Setting) -> Shelf:
    return Shelf(replace(shelf.limit, bucket=word.bucket), setting, shelf.ipv6_prefix, shelf.counts)


class Gate:
    """Gives each request its passage, and the shelves that go with it."""

    def __init__(self, setting: Setting, wall: Callable[[], float] = time.time) -> None:
        self.index = StandingIndex()  # the words, once there is somebody who knows them
        self.lists = Listing()
        self.held: Shelf | None = None  # of accounts with holds
        self.hits: Final = Counter[tuple[StandingSource, Then]]()  # requests that met a word
        self._setting, self._wall = setting, wall
        self._shelves: OrderedDict[tuple[str, str], tuple[Standing, Shelf]] = OrderedDict()  # by word and limit
        self._ipv6_prefix = 64

    def adopt(self, policy: Policy) -> None:
        """Put the lists of a policy in force; what was counted of one with the same name goes on."""
        hits = {it.rule.name: it.hits for it in self.lists.all} if policy.lists is not self.lists else {}
        for it in policy.lists.all:
            it.hits += hits.get(it.rule.name, 0)
        self.lists, self._ipv6_prefix = policy.lists, policy.identity.ipv6_prefix
        self._shelves.clear()

    def passage(self, caller: Caller) -> Passage | None:
        """What stands for a request of this caller; None: nothing."""
        now_s = self._wall()
        found = self.index.found(caller, now_s) if self.index.requests else None
        on = self.lists.of_caller(caller, now_s) if self.lists.requests else []
        if found is None and not on:
            return None
        for it in on:
            it.hits += 1
        for word in found.words if found is not None else ():
            self.hits[word.source, word.then] += 1
        return passage(found, on)

    def shelves(self, found: Passage, limits: tuple[Shelf, ...], twins: dict[str, Shelf]) -> tuple[Shelf, ...]:
        """The shelves of a request with this passage, for whom the policy alone has `limits`; `twins` are all shelves by name."""
        shelves = [] if found.exempt else [self._repriced(found, shelf) for shelf in limits]
        if found.held and self.held is not None:
            shelves.append(self.held)
        for word in found.throttles:
            if word.source == "rule" and word.bucket is None:
                shelves += [twin for shelf in limits if (twin := twins.get(rule_twin_name(word.author, shelf.limit.name))) is not None]
            elif word.bucket is not None:
                shelves.append(self._of(word, "", lambda word: WordShelf(word, self._setting, self._ipv6_prefix)))
        return tuple(shelves)

    def _repriced(self, found: Passage, shelf: Shelf) -> Shelf:
        """A limit whose bucket a word has made another for its target: the same bucket in the store, on other terms."""
        limit = shelf.limit
        for word in found.buckets:
            if word.limit == limit.name and limit.bucket is not None and counts_by(limit.per, word.target.kind):
                return self._of(word, limit.name, lambda word: _repriced(shelf, word, self._setting))
        return shelf

    def _of(self, word: Standing, limit: str, make: Callable[[Standing], Shelf]) -> Shelf:
        known = self._shelves.get((word.id, limit))
        if known is not None and known[0] is word:
            self._shelves.move_to_end((word.id, limit))
            return known[1]
        while len(self._shelves) >= _MOST_SHELVES:
            self._shelves.popitem(last=False)
        shelf = make(word)
        self._shelves[word.id, limit] = word, shelf
        return shelf
