"""A process that on a line takes case after case, closes each, and says which: `python -m tests.review.taker URL PERSON`."""

import asyncio
import sys

from sqlalchemy import update

from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CASE
from ratelimit.review.cases import Cases
from tests.review.case_site import NOW


async def take_all(url: str, person: int) -> list[int]:
    """The numbers that this process had, in its order."""
    ledger = Ledger(url)
    someone = Principal(id=person, login=f"p{person}", name="", role="analyst", via="session")
    cases, taken = Cases(ledger, lambda: NOW), list[int]()
    while (found := await cases.take_next(someone)) is not None:
        taken.append(found.row.number)
        async with ledger.write() as connection:  # it is done, so that the next one is another
            done = update(CASE).where(CASE.c.number == found.row.number, CASE.c.locked_by == person)
            await connection.execute(done.values(state="closed", closed_at=NOW))
    await ledger.close()
    return taken


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(" ".join(map(str, asyncio.run(take_all(sys.argv[1], int(sys.argv[2]))))))
