"""A backtest in a process of its own, so that no decision waits for it: run as `python -m ratelimit.review.backtest_worker`.

It reads its order as one line of JSON, since the database's address may hold a password, and writes lines: how far it is, and at the end
what it found or why there is nothing. It is left by ending the process.
"""

import asyncio
import os
import sys
from typing import Final

import msgspec
from msgspec import Struct

from ratelimit.core.errors import ConfigError
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.review.backtest import Job, backtest
from ratelimit.review.backtest_found import BacktestFound

_NICENESS: Final = 10
_STEP: Final = 0.01  # of the whole, between two words of how far it is


class Order(Struct, frozen=True):
    """What is to be done, on which ledger."""

    url: str
    job: Job


class Line(Struct, frozen=True, omit_defaults=True):
    """`done` is the share that is done; at the end there is `found`, or `error`."""

    done: float = 0.0
    found: BacktestFound | None = None
    error: str | None = None


async def work(order: Order) -> Line:
    """The last line."""
    ledger = Ledger(order.url)
    said = 0.0

    async def progress(done: float) -> None:
        nonlocal said
        if done - said >= _STEP:
            said = done
            _say(Line(done=done))

    try:
        return Line(done=1.0, found=await backtest(ledger, order.job, progress))
    except LedgerAwayError:
        return Line(error="the ledger's database is away")
    except ConfigError as error:
        return Line(error="; ".join(error.problems))
    finally:
        await ledger.close()


def _say(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Do what the line says."""
    os.nice(_NICENESS)
    _say(asyncio.run(work(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order))))


if __name__ == "__main__":
    main()
