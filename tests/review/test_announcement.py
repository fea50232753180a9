"""The site is told of cases."""

import json

from sqlalchemy import update

from ratelimit.core.message import Entity
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CASE
from ratelimit.review.announcement import Announcer
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.stores.client import RedisStore
from tests.review.case_site import HOUR, NOW, account, flagged, rule, warning


async def test_each_time_once(ledger: Ledger, own_store: RedisStore) -> None:
    """Of each case that opens, and opens again, there is one message, which says ids alone."""
    queue = WebhookQueue(own_store, lambda: NOW)
    announcer = Announcer(ledger, queue)
    flag = warning(account("a1"), purchase="p1")
    await flagged(ledger, flag, rule(anchor=Entity("ip", "203.0.113.9")))
    assert [await announcer.look(), await announcer.look()] == [2, 0]
    first, second = (json.loads(message.body) for message in await queue.take(9))
    assert first["type"] == "case.opened"
    assert first["data"] == {
        "case": "C-1", "opened_by": "early_fraud_warning", "priority": 2, "due_at": NOW + 24 * HOUR, "reopened": 0,
        "anchor": {"kind": "account", "id": "a1"}, "references": [flag.id], "purchases": ["p1"],
    }  # fmt: skip
    assert second["data"]["anchor"] == {"kind": "ip", "id": None}
    assert "203.0.113" not in json.dumps(second)
    async with ledger.write() as connection:
        await connection.execute(update(CASE).where(CASE.c.number == 1).values(state="closed", closed_at=NOW))
    await flagged(ledger, warning(account("a1"), source="issfr_2"))
    assert await announcer.look() == 1
    assert (await queue.size()).due == 3


async def test_nobody_to_tell(ledger: Ledger) -> None:
    """Then there is nothing to wait for."""
    await flagged(ledger, rule())
    announcer = Announcer(ledger, None)
    assert [await announcer.look(), await announcer.look()] == [1, 0]
