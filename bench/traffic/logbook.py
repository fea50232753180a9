"""What the callers of a load test write down: one line of JSON for each request, with the instants around it. Read again by who judges.

Instants are microseconds of the monotonic clock of the machine that asks.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct


class Entry(Struct, frozen=True, array_like=True):
    """A request and what came of it. `flaw` says what was wrong with the answer; without a usable one `decision` and `reason` are None."""

    kind: str
    page: str
    api_key: str
    ip: str
    method: str
    path: str
    cost: int
    sent: int
    received: int
    decision: str | None
    reason: str | None
    flaw: str | None


class Logbook:
    """Appends entries to a file; without a file they are dropped, as where a person looks on and nobody judges."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("wb") if path is not None else None
        self._encode = msgspec.json.Encoder().encode

    def write(self, entry: Entry) -> None:
        """Add one line."""
        if self._file is not None:
            self._file.write(self._encode(entry) + b"\n")

    def close(self) -> None:
        """What was written is on disk afterwards."""
        if self._file is not None:
            self._file.close()


def read(path: Path) -> Iterator[Entry]:
    """Every entry, in the order in which the answers came."""
    decode = msgspec.json.Decoder(Entry).decode
    with path.open("rb") as file:
        yield from map(decode, file)


def now_us() -> int:
    """The clock of the entries."""
    return time.monotonic_ns() // 1_000
