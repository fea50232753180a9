"""What a sidecar under test writes down while it runs, one line an event, written through at once so that SIGKILL loses nothing.

Instants are microseconds of CLOCK_REALTIME, which is what a store's TIME reads on the same machine; a sidecar's own clock is mapped onto it
by an offset that is measured at the start and again at the end. Costs are tokens.
"""

import os
import time
from pathlib import Path
from typing import Final, NamedTuple, Self

_SIDECAR_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Admission(NamedTuple):
    """One limit of an admitted request; `by` is "store" or "lease"."""

    limit: str
    bucket: str
    at: int
    cost: int
    by: str


class Request(NamedTuple):
    """One request as it came, whatever became of it."""

    load: str
    at: int
    cost: int


def clock_us() -> int:
    """The sidecar's clock."""
    return time.clock_gettime_ns(_SIDECAR_CLOCK) // 1_000


def offset_us() -> int:
    """What is to be added to the sidecar's clock: the tightest of many readings, each between two of the other clock."""
    tightest, offset = 1 << 62, 0
    for _ in range(200):
        before = time.clock_gettime_ns(_SIDECAR_CLOCK)
        real = time.clock_gettime_ns(time.CLOCK_REALTIME)
        after = time.clock_gettime_ns(_SIDECAR_CLOCK)
        if after - before < tightest:
            tightest, offset = after - before, real - (before + after) // 2
    return round(offset / 1_000)


class Call(NamedTuple):
    """A call on one bucket, as it was composed: slots of lease `id` that are settled, how many of them come back, and what is refunded."""

    bucket: str
    id: int
    settled: int
    back: int
    refunded: int


class Granted(NamedTuple):
    """Its answer, if one came."""

    bucket: str
    id: int
    leased: int
    charged: int


Line = Admission | Request | Call | Granted


class Diary:
    """Appends to a file, a system call for each line: what the kernel has, a killed process cannot take along."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: Line) -> None:
        os.write(self._file, " ".join((type(line).__name__, *map(str, line))).encode() + b"\n")


class Pages(NamedTuple):
    """A diary read back."""

    admissions: list[Admission]
    requests: list[Request]
    calls: list[Call]
    grants: list[Granted]

    @classmethod
    def read(cls, path: Path) -> Self:
        pages = cls([], [], [], [])
        for kind, *fields in map(str.split, path.read_text().splitlines()):
            match kind:
                case "Admission":
                    limit, bucket, at, cost, by = fields
                    pages.admissions.append(Admission(limit, bucket, int(at), int(cost), by))
                case "Request":
                    pages.requests.append(Request(fields[0], *map(int, fields[1:])))
                case "Call":
                    pages.calls.append(Call(fields[0], *map(int, fields[1:])))
                case _:
                    pages.grants.append(Granted(fields[0], *map(int, fields[1:])))
        return pages
