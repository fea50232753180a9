"""How many records a desk writes in a second: `python -m bench.intake`, into SQLite and PostgreSQL, from batches as the stream has them.

What is measured is the worker's own work on a batch: to unpack it and to write it, with subjects, links and counts. The clock says what a
machine gave, the CPU time what it took: of this process (with SQLite, which is in it), and of PostgreSQL. Rounds are interleaved, and the
median counts. Each round writes into a ledger that has the same callers already. Exit codes: 0 measured, 2 usage.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from ratelimit.core.message import Decided, packed, packed_one, unpacked
from ratelimit.ledger.intake import Batch
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.intake import AT_ONCE, intake_of
from ratelimit.service.recorder import AT_ONCE as IN_BATCH
from tests.ledger.postgres import postgres

_SIGNALS: Final = bytes(4 * 21)
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_NOW: Final = 1_790_000_000.0


class Round(NamedTuple):
    """What one round took, of so many records. Seconds."""

    database: str
    records: int
    clock_s: float
    own_s: float
    server_s: float


def batches(records: int, callers: int, seed: int, start: int) -> list[bytes]:
    """Packed batches of refusals of so many callers, busy ones more often."""
    random = np.random.default_rng(seed)
    busy = 1.0 / (np.arange(callers) + 10.0)
    who = random.choice(callers, records, p=busy / busy.sum()).tolist()
    told = [packed_one(_decided(start + number, one)) for number, one in enumerate(who)]
    return [packed(told[at : at + IN_BATCH]) for at in range(0, records, IN_BATCH)]


def _decided(number: int, one: int) -> Decided:
    key, scored = f"{one:043d}", number % 10 < 3
    return Decided(
        f"01K{number:023d}", _NOW + number / 1_000, "throttle", "rate_exceeded", "key", f"api_key:{key}", key, f"acct_{one:06d}",
        f"10.{one >> 16 & 255}.{one >> 8 & 255}.{one & 255}", "POST", "/v1/images", "python-requests/2.32", "shop.example", "free", 1, 1.0,
        0, 1.5, "0123456789ab", *((0.7, f"api_key:{key}", "0123456789ab", 1, _SIGNALS) if scored else ()),
    )  # fmt: skip


async def write(ledger: Ledger, told: list[bytes], start: int) -> None:
    """Unpack and write all of it, as a worker does."""
    intake = intake_of(ledger, Subjects([b"k" * 32]), frozenset)
    for at in range(0, len(told), AT_ONCE):
        some = [Batch(f"{start}-{at + i}", unpacked(one)[0]) for i, one in enumerate(told[at : at + AT_ONCE])]
        written = await intake.write(some, _NOW + start)
        if written.broken or written.known:
            raise SystemExit(f"not written: {written}")


async def one_round(database: str, url: str, records: int, callers: int, number: int) -> Round:
    """One measurement."""
    ledger, start = Ledger(url), number * 10_000_000
    told = batches(records, callers, number, start)
    pid = await _server_pid(url, ledger)
    try:
        await write(ledger, told[:4], start - 1_000_000)
        began, own, server = time.perf_counter(), time.process_time(), _cpu_s(pid)
        await write(ledger, told[4:], start)
        return Round(database, records - 4 * IN_BATCH, time.perf_counter() - began, time.process_time() - own, _cpu_s(pid) - server)
    finally:
        await ledger.close()


async def _server_pid(url: str, ledger: Ledger) -> int | None:
    """The process of PostgreSQL that serves the ledger's one connection."""
    if url.startswith("sqlite"):
        return None
    async with ledger.read() as connection:
        return int((await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())


def _cpu_s(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def made(url: str) -> None:
    """Make the tables."""
    ledger = Ledger(url)
    await migrate(ledger)
    await ledger.close()


def rounds(records: int, callers: int, count: int) -> Iterator[Round]:
    """All of them; each database once in each."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        urls = {"SQLite": f"sqlite://{folder}/ledger.db"}
        if (socket := stack.enter_context(postgres())) is not None:
            urls["PostgreSQL"] = f"postgresql://ratelimit@/postgres?host={socket}"
        for url in urls.values():
            asyncio.run(made(url))
        for number in range(1, count + 1):
            for database, url in urls.items():
                yield asyncio.run(one_round(database, url, records, callers, number))


@click.command()
@click.option("--records", default=20_000, show_default=True, help="Of a round.")
@click.option("--callers", default=5_000, show_default=True)
@click.option("--rounds", "count", default=5, show_default=True)
def main(records: int, callers: int, count: int) -> None:
    """Measure it."""
    found = list(rounds(records, callers, count))
    table = Table("database", "records/s", "lowest", "highest", "own CPU µs a record", "server's")
    for database in dict.fromkeys(one.database for one in found):
        mine = [one for one in found if one.database == database]
        rates = sorted(one.records / one.clock_s for one in mine)
        own, server = (median(getattr(one, name) / one.records * 1e6 for one in mine) for name in ("own_s", "server_s"))
        table.add_row(database, *(f"{rate:,.0f}" for rate in (median(rates), rates[0], rates[-1])), f"{own:.0f}", f"{server:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
