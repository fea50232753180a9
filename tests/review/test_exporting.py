"""An export holds all that is kept of a person: what the inventory lists, and every column that is theirs."""

import json

import numpy as np
from sqlalchemy import insert, update

from ratelimit.core import velocity
from ratelimit.core.inventory import INVENTORY
from ratelimit.core.purchase_signals import NAMES
from ratelimit.core.store_key import VELOCITY
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.every import SCHEMA
from ratelimit.ledger.tables.privacy import BAN
from ratelimit.ledger.tables.purchase import OUTCOME, PURCHASE
from ratelimit.review import audit
from ratelimit.service.ask import ask
from ratelimit.stores.client import RedisStore
from tests.review.test_erasing import LEDGER_KEY, fill
from tests.review.test_privacy import MIRA, NOW, Room, lived, own_node, room, site, store
from tests.service.purchase_site import KEYS
from tests.service.test_forgetting import ACCOUNT

__all__ = ["lived", "own_node", "room", "site", "store"]  # fixtures

HEAD = {"version", "account", "made_at", "what_is_kept", "how_decisions_are_made", "who_is_told", "your_rights", "complete"}

# columns that no export has: keys of rows, who of the operator did it, and what the work of the console needs
INTERNAL = {
    "record": {"subject", "account", "risk_subject", "signal_version", "signals"},
    "purchase": {"account", "email_domain", "signal_version", "signals"},
    "outcome": {"id", "source"},
    "life": {"id", "source", "account"},
    "label": {"id", "target", "by", "supersedes", "superseded_by", "told"},
    "action": {
        "id", "key", "target", "by", "by_login", "override", "before", "detail", "bulk", "needs_second", "wanted_until", "second_by",
        "second_at", "undone_by", "label",
    },
    "case_": {
        "anchor", "priority", "rank", "expected_loss_minor", "at_risk_minor", "currency", "blast_radius", "beside", "plan", "money",
        "reasons_key", "more", "due_at", "assignee", "locked_by", "locked_until", "snoozed_until", "snoozed_by", "snoozes", "escalated",
        "blind", "second_of", "barred", "reopened", "acted", "acted_by", "acted_at", "acted_until", "closed_by", "work_s", "worked_at",
        "announced", "drawn", "version",
    },
    "opening": {"source"},
    "appeal": {"id", "case_number", "decided_first_by", "decided_by", "by_login", "decision"},
    "known_normal": {"id", "subject", "by"},
    "candidate": {"anchor", "chance", "flag"},
}  # fmt: skip
SECTIONS = {
    "record": "requests", "purchase": "purchases", "outcome": "payments", "life": "life", "label": "labels", "action": "actions",
    "case_": "cases", "opening": "flags", "appeal": "appeals", "known_normal": "known_normal", "candidate": "candidates",
}  # fmt: skip


async def test_an_export_is_complete(room: Room) -> None:
    """Whatever the inventory says is kept is in a part of the export that is there and filled, or it says why not; every column is too."""
    await fill(room.ledger)
    async with room.ledger.write() as connection:
        subjects = Subjects([LEDGER_KEY])
        account = await subjects.find(connection, "account", ACCOUNT)
        banned = {"id": 1, "kind": "card", "digest": subjects.ban_digests("card", "C" * 22)[0], "confirmed_at": NOW}
        await connection.execute(insert(BAN), [banned])
        bare = dict.fromkeys(column.name for column in OUTCOME.c)
        told = {"id": 1, "source": "s", "purchase": "p1", "attempt": 1, "kind": "succeeded", "at": NOW, "known_at": NOW}
        await connection.execute(insert(OUTCOME), [{**bare, **told}])
        signals = {"signals": np.zeros(len(NAMES)).tobytes(), "signal_version": 1}
        await connection.execute(update(PURCHASE).where(PURCHASE.c.account == account).values(**signals))
        await audit.append(connection, "eve", "case.noted", {"text": "rang him up", "mentions": ["eve"]}, at=NOW, case=1042)
        said = {"override": "o-9", "then": "allow", "reason": "an old friend", "until": None, "subject": account}
        await audit.append(connection, "eve", "override_ended", said, at=NOW, subject=account)
    found = await room.privacy.export((await room.ask("export")).id, MIRA)
    given = {part for kept in INVENTORY for part in kept.given}
    assert given - {"account"} == found.keys() - HEAD
    assert [kept.what for kept in INVENTORY if bool(kept.given) == bool(kept.withheld)] == []
    empty = {part for part in given if not found[part]}
    assert empty == {"profiles"}  # which have a test of their own
    assert found["confirmed_fraud_had_used"] == [{"kind": "card", "confirmed_at": "2027-01-15T08:00:00.000+00:00"}]
    for table, section in SECTIONS.items():
        assert set(SCHEMA.tables[table].c.keys()) - INTERNAL[table] == found[section][0].keys() - {"meaning"}, table
    assert found["notes"][0] == {"case_number": 1042, "at": "2027-01-15T08:00:00.000+00:00", "text": "rang him up"}
    ended = {"kind": "override_ended", "case_number": None, "at": "2027-01-15T08:00:00.000+00:00", "reason": "an old friend"}
    assert ended in found["history"]  # of what stands no more, too
    assert found["weighed"][0]["signals"]["attempts_1h"] == 0.0
    assert "540 days" in json.dumps(found["what_is_kept"])


async def test_what_was_bought_of_late_is_in_it(room: Room, store: RedisStore) -> None:
    """The store's own log of the account comes out as attempts with how they ended."""
    name = KEYS.namer_of(VELOCITY, "account")(ACCOUNT)
    await ask(store, [velocity.attending(name, velocity.Attempted(NOW, b"x" * 8, 900.0, 1, 2, 0), 9)])
    await ask(store, [velocity.ending(name, b"x" * 8, velocity.FAILED, NOW + 1)])
    found = await room.privacy.export((await room.ask("export")).id, MIRA)
    assert found["bought_of_late"][-1] == {"at": "2027-01-15T08:00:00.000+00:00", "amount_minor": 900.0, "ended": "failed"}
