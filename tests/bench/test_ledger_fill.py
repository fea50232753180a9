"""A filled ledger is one that the product reads."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, inspect, select

from bench.fill.crowd import KEYS
from bench.ledger_fill import Size, fill
from ratelimit.ledger import links, purchases, records
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects, named
from ratelimit.ledger.tables.case import CASE
from ratelimit.review.audit_check import verify
from tests.ledger.database import new_database, sqlite_url

NOW = 1_790_000_000.0
SMALL = Size(records=400, purchases=100, cases=20, accounts=50, traffic_days=0.01)


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, int]]:
    """The URL of a filled ledger, and how much is in it."""
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = asyncio.run(new_database(request.getfixturevalue("postgres_socket")))
    return url, fill(url, SMALL, now=NOW)


async def _look(url: str) -> dict[str, Any]:
    ledger = Ledger(url)
    try:
        async with ledger.read() as connection:
            account = await Subjects(KEYS).find(connection, "account", "acct_000007")
            assert account is not None
            anna = (await named(connection, [account]))[account]
            shared = await links.linked(connection, account)
            latest = await records.latest_of_all(connection, most=5)
            bought = await purchases.find(connection, "pi_0000001")
            verified = await verify(connection)
            highest = (await connection.execute(select(func.max(CASE.c.number)))).scalar_one()
            indexes = await connection.run_sync(lambda sync: {index["name"] for index in inspect(sync).get_indexes("record")})
        return {"anna": anna, "shared": shared, "latest": latest, "bought": bought, "verified": verified, "highest": highest, "ix": indexes}
    finally:
        await ledger.close()


def test_fill(filled: tuple[str, dict[str, int]]) -> None:
    """All of it is there: who shares what, what was decided, and an audit that verifies; the indexes, too."""
    url, counts = filled
    found = asyncio.run(_look(url))
    assert (counts["record"], counts["purchase"], counts["case_"], found["highest"]) == (400, 100, 20, 20)
    assert (found["anna"].shown, found["anna"].kind) == ("acct_000007", "account")
    assert {link.kind for link in found["shared"]} == {"api_key", "ip", "card", "email", "email_domain", "network"}
    assert len(found["latest"]) == 5
    assert all(row.at <= NOW for row in found["latest"])
    assert found["bought"][0].outcome in {"succeeded", "failed"}
    assert (found["verified"].what, found["verified"].entries) == (None, counts["audit"])
    assert "ix_record_account_at_decision_weight_address" in found["ix"]
