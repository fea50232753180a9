"""Logs of purchases through the velocity engine, once, into a trail on disk: what train, calibrate and evaluate work on, for purchases."""

import heapq
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import click
import numpy as np

from ratelimit.anomaly.label import Label
from ratelimit.anomaly.purchase_label import PurchaseLabels
from ratelimit.anomaly.signal_table import PURCHASE
from ratelimit.anomaly.spool import Spool
from ratelimit.cli.log_file import LogFile
from ratelimit.cli.merged_log import byte_bar, ticking
from ratelimit.cli.past import Asked, Past
from ratelimit.core.errors import ConfigError
from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.purchase_event import Bought, Confirmed, PurchaseEvent
from ratelimit.core.purchase_log import events_of
from ratelimit.history import SAME_EACH_TIME, open_purchase_history
from ratelimit.loop import run
from ratelimit.service.address_book import Sources
from ratelimit.service.purchase_history import Judged

_MOST_SAID: Final = 3  # broken lines named
_SPOOLED: Final = 1_024  # rows written at a time

Told = list[PurchaseEvent]  # by one line, the attempt first


@contextmanager
def purchase_past_of(asked: Asked) -> Iterator[Past]:
    """The past that was asked for, as long as the context lasts. Raises ConfigError for logs and labels that cannot be read."""
    said, labels = PurchaseLabels(asked.labels), list[Label]()
    with tempfile.TemporaryDirectory(prefix="rl-past-") as folder, Spool(Path(folder), [PURCHASE]) as spool, ExitStack() as stack:
        files = [stack.enter_context(closing(LogFile(name))) for name in asked.logs]
        tick = byte_bar(stack, asked.verb, files) if sys.stderr.isatty() and not asked.quiet else None
        reader = _Reader(files, tick)
        run(_live_through(in_order(_labelled(reader.lines(), said, labels)), asked.sources, spool))
        reader.refuse_unreadable()
        yield Past({PURCHASE: spool.trail(PURCHASE)}, labels)


class _Reader:
    """Reads the lines of all logs by time, as far as each is in order by itself, and remembers what could not be read."""

    def __init__(self, files: list[LogFile], tick: Callable[[], None] | None) -> None:
        self._files, self._tick = files, tick
        self._read = 0
        self._problems: list[str] = []

    def lines(self) -> Iterator[Told]:
        """What each line tells."""
        yield from heapq.merge(*map(self._told, self._files), key=lambda told: told[0].at)

    def _told(self, file: LogFile) -> Iterator[Told]:
        lines = ticking(file.lines(), self._tick) if self._tick else file.lines()
        for number, line in enumerate(lines, 1):
            try:
                told = list(events_of(line))
            except BrokenLineError as error:
                self._problems.append(f"{file.name}:{number}: {error}")
                continue
            self._read += 1
            yield told
        if file.problem:
            self._problems.append(f"{file.name}: ends early: {file.problem}")

    def refuse_unreadable(self) -> None:
        """Say what was passed over; raise ConfigError if there was nothing else."""
        more = [f"and {len(self._problems) - _MOST_SAID} more"] if len(self._problems) > _MOST_SAID else []
        said = self._problems[:_MOST_SAID] + more
        if not self._read:
            raise ConfigError(said or ["the log is empty; expected purchases, a JSON object a line"])
        for problem in said:
            click.echo(f"ratelimit: passed over: {problem}", err=True)


def _labelled(lines: Iterable[Told], said: PurchaseLabels, labels: list[Label]) -> Iterator[Told]:
    """The same lines, with what labels confirm of them; all labels of the purchases go into `labels`."""
    for told in lines:
        bought = told[0]
        if isinstance(bought, Bought):
            warned = next((event.at for event in told if isinstance(event, Confirmed)), None)
            labels += said.of(bought.at, bought.purchase, warned)
            yield told + list(said.confirmed(bought.at, bought.purchase))


def in_order(lines: Iterable[Told]) -> Iterator[PurchaseEvent]:
    """What lines tell, each when it became known; what became known after the last attempt is left out, as nobody could know it."""
    later: list[tuple[float, int, PurchaseEvent]] = []
    numbers = count()
    for bought, *told in lines:
        while later and later[0][0] <= bought.at:
            yield heapq.heappop(later)[2]
        yield bought
        for event in told:
            heapq.heappush(later, (event.at, next(numbers), event))


async def _live_through(events: Iterable[PurchaseEvent], sources: Sources, spool: Spool) -> None:
    async with open_purchase_history(SAME_EACH_TIME, sources=sources) as history:
        async for some in _batches(history.rows(events)):
            accounts, kinds = [one.purchase.account for one in some], [one.purchase.kind for one in some]
            spool.add(PURCHASE, accounts, kinds, [int(one.at) for one in some], np.array([one.row for one in some]))


async def _batches(rows: AsyncIterator[Judged]) -> AsyncIterator[list[Judged]]:
    some: list[Judged] = []
    async for judged in rows:
        some.append(judged)
        if len(some) == _SPOOLED:
            yield some
            some = []
    if some:
        yield some
