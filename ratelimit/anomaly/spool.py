"""Rows of signals on their way from a log to training: written to disk as they come, read back without taking memory for them.

A *trail* is everything that was scored of the subjects of one kind, by time; of purchases the subject is the account, and what
they are (a purchase, a setup, a grant) stands where others have a plan. Subjects are numbered by their names, and rows of one tick
stand in the order of these numbers: so the same log gives the same trail, whatever order a busy store answered in. Times are ticks, whole
seconds since the epoch. The folder is the caller's, who removes it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.signal_table import ModelKind, table_of
from ratelimit.core.profile import TICKS_PER_DAY
from ratelimit.core.signals import KINDS

CHUNK: Final = 16_384  # rows that are in memory at a time

_FIELDS: Final = (("tick", "<i8"), ("subject", "<i4"), ("plan", "<i4"))  # of a row, before its signals
_HEAD: Final = Struct("<qii")
_BUFFER_BYTES: Final = 1_048_576

Subject = str | bytes
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trail:
    """Row i is of `subjects[subject[i]]`, who then had `plans[plan[i]]`; what it says is row `place[i]` of `signals`, which is on disk."""

    kind: ModelKind
    subjects: tuple[Subject, ...]
    plans: tuple[str | None, ...]
    subject: NDArray[np.int32]
    plan: NDArray[np.int32]
    tick: NDArray[np.int64]
    place: Indices
    signals: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.tick)

    @property
    def day(self) -> NDArray[np.int64]:
        """The day (UTC) of each row, counted since the epoch."""
        return self.tick // TICKS_PER_DAY

    def rows(self, chosen: Indices | slice) -> Floats:
        """The signals of these rows, in memory."""
        return self.signals[self.place[chosen]].astype(np.float64)

    def chunks(self) -> Iterator[tuple[slice, Floats]]:
        """All rows, so many at a time: which, and their signals."""
        for start in range(0, len(self), CHUNK):
            part = slice(start, min(start + CHUNK, len(self)))
            yield part, self.rows(part)


class Spool:
    """Rows of some kinds in a folder; a context manager that closes its files and leaves them there."""

    def __init__(self, folder: Path, kinds: Sequence[ModelKind] = KINDS) -> None:
        self._paths = {kind: folder / f"{kind}.rows" for kind in kinds}
        self._files: dict[ModelKind, BinaryIO] = {kind: path.open("wb", _BUFFER_BYTES) for kind, path in self._paths.items()}
        self._subjects: dict[ModelKind, dict[Subject, int]] = {kind: {} for kind in kinds}
        self._plans: dict[str | None, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._files.values():
            file.close()

    def add(
        self, kind: ModelKind, subjects: Iterable[Subject], plans: Iterable[str | None], ticks: Sequence[int], rows: NDArray[Any]
    ) -> None:
        """What was scored together: of whom each row (n, signals) is, their plans, and as of which ticks."""
        known, written = self._subjects[kind], self._files[kind].write
        for subject, plan, tick, row in zip(subjects, plans, ticks, rows.astype("<f4"), strict=True):
            head = _HEAD.pack(tick, known.setdefault(subject, len(known)), self._plans.setdefault(plan, len(self._plans)))
            written(head + row.tobytes())

    def trail(self, kind: ModelKind) -> Trail:
        """What was written of a kind until now."""
        self._files[kind].flush()
        row = np.dtype([*_FIELDS, ("signals", "<f4", (len(table_of(kind).names),))])
        path, known = self._paths[kind], tuple(self._subjects[kind])
        rows = np.memmap(path, row, "r") if path.stat().st_size else np.empty(0, row)
        names = sorted(range(len(known)), key=known.__getitem__)
        numbers = np.empty(len(known), np.int32)
        numbers[names] = np.arange(len(known))
        subject, plan, tick = numbers[rows["subject"]], np.array(rows["plan"]), np.array(rows["tick"])
        place = np.lexsort((subject, tick))
        in_order = tuple(known[number] for number in names)
        return Trail(kind, in_order, tuple(self._plans), subject[place], plan[place], tick[place], place, rows["signals"])


def thinned(trail: Trail, chosen: Indices, seed: int, most_a_day: int, most: int) -> Indices:
    """Of the chosen rows at most so many of a subject's day, and of a subject, by lot; in their order."""
    order = np.random.default_rng(seed).permutation(len(chosen))  # who comes first in it is kept
    subject, day = trail.subject[chosen], trail.day[chosen]
    kept = order[_first(most_a_day, subject[order], day[order])]
    kept = kept[_first(most, subject[kept])]
    return chosen[np.sort(kept)]


def _first(most: int, *groups: NDArray[Any]) -> NDArray[np.intp]:
    """Which items are among the first `most` of those that are alike in all `groups`."""
    order = np.lexsort(groups[::-1])  # a stable sort
    begins = np.ones(len(order), bool)
    begins[1:] = np.any([np.diff(group[order]) != 0 for group in groups], axis=0)
    starts = np.flatnonzero(begins)
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return np.sort(order[place < most])
