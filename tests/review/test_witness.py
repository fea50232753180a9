"""What people do about what the store alone has, in the audit also where the ledger was away."""

from pathlib import Path

from structlog.testing import capture_logs

from ratelimit.core.principal import OPERATOR
from ratelimit.core.standing import Hold
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.audit import AuditFilter, entries
from ratelimit.review.witness import FACT_DROPPED, FACT_RETRIED, HOLD_ENDED, Witness
from tests.ledger.database import opened, sqlite_url

HOLD = Hold("p1", "anna", 100, 40, 0.0, 0.0, "revoked", reason="stolen card", by="mia")


async def test_away(tmp_path: Path) -> None:
    """It waits, in its order and with its times, and is written once when the ledger is back; the log says meanwhile that it waits."""
    folder, now = tmp_path / "later", [1_000.0]
    away = Ledger(sqlite_url(folder))
    witness = Witness(away, Subjects([bytes(32)]), lambda: now[0])
    with capture_logs() as logs:
        await witness.hold_ended(OPERATOR, HOLD)
        now[0] += 1
        await witness.note(OPERATOR, FACT_RETRIED, "evt_1")
        await witness.catch_up()
    assert [(log["kind"], log["about"]) for log in logs] == [(HOLD_ENDED, "p1"), (FACT_RETRIED, "evt_1")]
    folder.mkdir()
    async with opened(sqlite_url(folder)) as ledger:
        now[0] += 100
        await witness.catch_up()
        await witness.catch_up()
        await witness.note(OPERATOR, FACT_DROPPED, "evt_1")
        async with ledger.read() as connection:
            found = await entries(connection, AuditFilter(), 9)
    assert [(entry.kind, entry.at) for entry in reversed(found)] == [
        (HOLD_ENDED, 1_000.0),
        (FACT_RETRIED, 1_001.0),
        (FACT_DROPPED, 1_101.0),
    ]
    assert found[-1].content == {"purchase": "p1", "state": ["held", "revoked"], "held": 40, "reason": "stolen card", "by": "mia"}
    await away.close()
