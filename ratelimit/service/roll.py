"""Who came, and what was counted of each, in memory that has a bound.

A roll remembers everyone while they are few. Where they are too many, the half that matters least is dropped, and of these it is only
known how many there were. Who was dropped and comes again is counted from there on.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, Generic, TypeVar

from ratelimit.service.sketch import Sketch, digest

MOST: Final = 100_000  # subjects remembered; by default a sidecar remembers as many of a limit

Who = TypeVar("Who", bound=Hashable)
Counts = TypeVar("Counts")


class Roll(Generic[Who, Counts]):
    """Counts by subject. `weight` says how much a subject matters; `groups` are those whose number can be asked for, by name."""

    def __init__(
        self,
        fresh: Callable[[], Counts],
        weight: Callable[[Counts], tuple[int, ...]],
        groups: Mapping[str, Callable[[Counts], bool]],
        most: int = MOST,
    ) -> None:
        self.kept: dict[Who, Counts] = {}
        self.groups = groups
        self.dropped: dict[str, Sketch] = {}  # by group; empty as long as nobody was dropped
        self._fresh = fresh
        self._weight = weight
        self._most = most

    def of(self, subject: Who) -> Counts:
        """What is counted of `subject`, to be added to."""
        counts = self.kept.get(subject)
        if counts is None:
            if len(self.kept) >= self._most:
                self._drop_half()
            counts = self.kept[subject] = self._fresh()
        return counts

    @property
    def approx(self) -> bool:
        """Whether some were dropped: then the number of subjects is an estimate, and what is counted of one can be too little."""
        return bool(self.dropped)

    def members(self, group: str) -> Iterable[Who]:
        """Those of a group who are remembered."""
        belongs = self.groups[group]
        return (subject for subject, counts in self.kept.items() if belongs(counts))

    def _drop_half(self) -> None:
        heaviest_first = sorted(self.kept.items(), key=lambda item: self._weight(item[1]), reverse=True)
        half = len(heaviest_first) // 2
        light = [(digest(subject), counts) for subject, counts in heaviest_first[half:]]
        self.kept = dict(heaviest_first[:half])
        for group, belongs in self.groups.items():
            self.dropped.setdefault(group, Sketch()).add(hashed for hashed, counts in light if belongs(counts))


def number_of(rolls: Iterable[Roll[Who, Counts]], group: str) -> int:
    """How many different subjects of a group are in any of the rolls."""
    rolls = list(rolls)
    remembered = set[Who]().union(*(roll.members(group) for roll in rolls))
    if not any(roll.approx for roll in rolls):
        return len(remembered)
    union = Sketch()
    union.add(map(digest, remembered))
    for roll in rolls:
        if roll.approx:
            union.add(roll.dropped[group].smallest)
    return union.number
