"""The past is written as it happened: each thing as of its own time, with people at work between."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ratelimit.core.message import Entity, Flagged
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.demo.chronicle import Chronicle
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.audit import AuditFilter, entries
from ratelimit.review.cases import Cases

NOW = 1_790_000_000.0
HOUR = 3_600.0
LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/s"}}


def flagged(account: str, at: float) -> Flagged:
    return Flagged(
        id=f"r-{account}", anchor=Entity("account", account), kind="rule", source=f"rule:{account}", reasons=("odd: odd",), at=at
    )


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    made = Ledger(f"sqlite://{tmp_path / 'ledger.db'}")
    await migrate(made)
    yield made
    await made.close()


async def test_told_in_order(ledger: Ledger) -> None:
    """Whatever order it is told in; what is not yet is left out; and who works between sees only what there was."""
    chronicle, seen = Chronicle(NOW), list[tuple[float, int]]()
    for account, at in (("late", NOW - HOUR), ("first", NOW - 50 * HOUR), ("to-come", NOW + HOUR)):
        chronicle.put(flagged(account, at))
    cases = Cases(ledger, lambda: NOW)

    async def meanwhile(until: float) -> None:
        async with ledger.read() as connection:
            seen.append((until, len(await entries(connection, AuditFilter(), 10))))

    policy = Policy(parse_policy({"version": 1, "limits": [LIMIT]}, "test"), "test")
    await chronicle.tell(ledger, Subjects((b"k" * 32,)), policy, meanwhile, lambda _share: None)
    assert [(await cases.get(number)).row.opened_at for number in (1, 2)] == [NOW - 50 * HOUR, NOW - HOUR]
    counts = [count for _, count in seen]
    assert (counts[0], counts[-1], counts == sorted(counts)) == (0, 2, True)
    assert [until for until, _ in seen] == sorted(until for until, _ in seen)
    async with ledger.read() as connection:
        times = [one.at for one in await entries(connection, AuditFilter(), 10)]
    assert times == sorted(times, reverse=True)
    assert max(times) <= NOW
