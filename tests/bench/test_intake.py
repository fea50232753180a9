"""The bench of the intake measures what a worker does."""

from pathlib import Path

from bench.intake import made, one_round
from ratelimit.service.recorder import AT_ONCE
from tests.ledger.database import sqlite_url


async def test_round(tmp_path: Path) -> None:
    """A round writes all that it says, after a part that warms up; the next one writes beside it."""
    url = sqlite_url(tmp_path)
    await made(url)
    for number in (1, 2):
        found = await one_round("SQLite", url, 6 * AT_ONCE, 50, number)
        assert (found.records, found.server_s) == (2 * AT_ONCE, 0.0)
        assert found.clock_s > 0
