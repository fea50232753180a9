"""Batches of messages become rows, once each."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.decision import ShadowFinding
from ratelimit.core.message import Counted, Decided, Lived, Message, Replied, Tally
from ratelimit.ledger import links, purchases, records
from ratelimit.ledger.intake import Batch, Intake, Written
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.reply_intake import ReplyIntake
from ratelimit.ledger.subjects import Subject, Subjects, named
from ratelimit.ledger.tables.record import RECORD, TRAFFIC
from tests.review.ledger_stream import KEPT, KEYS, NOW, bought, concluded, decided, intake_of

DAY_S = 86_400.0


async def write(ledger: Ledger, *messages: Message, batch: str = "b1", now: float = NOW, keep: frozenset[str] = KEPT) -> Written:
    return await intake_of(ledger, keep).write([Batch(batch, messages)], now)


async def subject(ledger: Ledger, kind: str, value: str) -> Subject:
    async with ledger.read() as connection:
        id = await Subjects(KEYS).find(connection, kind, value)
        assert id is not None
        return (await named(connection, [id]))[id]


async def count(ledger: Ledger, table: Any) -> int:
    async with ledger.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_record(ledger: Ledger) -> None:
    """A decision is found by the id that its caller was told, with all that was said of it; callers are subjects."""
    told = decided(1, signals=b"\0\0\x80\x3f")
    await write(ledger, told)
    async with ledger.read() as connection:
        row = await records.find(connection, "r-1")
        assert row is not None
        ids = [row.account, row.api_key, row.address, row.subject]
        callers = await named(connection, [id for id in ids if id is not None])
    assert [(callers[id].kind, callers[id].shown) for id in ids if id is not None] == [
        ("account", "anna"),
        ("api_key", "key_KEYDIG"),
        ("ip", "192.0.2.7"),
        ("api_key", "key_KEYDIG"),
    ]
    assert (row.at, row.decision, row.reason, row.limit_name, row.path) == (NOW, "throttle", "rate_exceeded", "key", "/v1/images")
    assert (row.user_agent, row.referrer, row.plan, row.retry_after, row.values) == ("curl/8", "example.com", "free", 1.5, (1.0,))


async def test_once(ledger: Ledger) -> None:
    """A batch that comes again, or twice at once, changes nothing: no row, no count."""
    messages = (
        decided(1),
        decided(2, decision="allow", reason="ok", weight=1_000.0),
        bought("pi_1"),
        Lived("e1", NOW, "login", "anna", None, "192.0.2.7"),
    )
    assert await write(ledger, *messages) == Written(new=4)
    intake = intake_of(ledger)
    assert await intake.write([Batch("b1", messages), Batch("b1", messages)], NOW) == Written(known=8)
    assert await intake.write_apart([Batch("b1", messages)], NOW) == Written(known=4)
    assert await count(ledger, RECORD) == 2
    anna = await subject(ledger, "account", "anna")
    async with ledger.read() as connection:
        found = {(link.kind, link.how): link.count for link in await links.linked(connection, anna.id)}
    assert found == {
        ("api_key", "owns"): 1_001,
        ("ip", "requested"): 1_001,
        ("ip", "logged_in"): 1,
        ("ip", "paid"): 1,
        ("card", "paid"): 1,
        ("network", "paid"): 1,
        ("email", "paid"): 1,
        ("email_domain", "paid"): 1,
    }


async def test_hostile(ledger: Ledger) -> None:
    """What a client can send and no database takes is written as what it is; what is too long is cut."""
    await write(ledger, decided(1, path="/\0x", user_agent="a\0" + "u" * 5_000, account="a\0b"))
    async with ledger.read() as connection:
        row = await records.find(connection, "r-1")
    assert row is not None
    assert row.path == "/\\x00x"
    assert row.user_agent is not None
    assert (len(row.user_agent), row.user_agent[:6]) == (512, "a\\x00u")


async def test_several_subjects(ledger: Ledger) -> None:
    """A decision by several at once, such as a key and its address, is by no one subject."""
    told = (
        decided(1, subject="api_key:KEYDIGEST+ip:192.0.2.7"),
        decided(2, account="a+b", subject="account:a+b"),
        decided(3, subject="subnet:192.0.2.0/24"),
    )
    await write(ledger, *told)
    async with ledger.read() as connection:
        rows = [await records.find(connection, f"r-{number}") for number in (1, 2, 3)]
    assert [row is not None and row.subject is not None for row in rows] == [False, True, False]


async def test_optional(ledger: Ledger) -> None:
    """What the owner's policy does not cover is not kept, until it is turned on."""
    await write(ledger, bought("pi_1"), keep=frozenset())
    async with ledger.read() as connection:
        assert await Subjects(KEYS).find(connection, "card", "CARDPSEUDONYM") is None
    await write(ledger, bought("pi_2"), batch="b2", keep=frozenset({"card", "device", "brand"}))
    async with ledger.read() as connection:
        (before,), (after,) = await purchases.find(connection, "pi_1"), await purchases.find(connection, "pi_2")
    assert (before.card, before.device, before.brand, before.funding, before.card_country) == (None, None, None, None, None)
    assert (before.last4, before.exp_year) == ("4242", 2030)
    assert after.card is not None
    assert after.device is not None
    assert (after.brand, after.funding, after.card_country, after.currency) == ("visa", None, None, "EUR")


@pytest.mark.parametrize("before", [True, False])
async def test_outcome(ledger: Ledger, before: bool) -> None:
    """What became of a purchase stands at it, whichever of the two came first."""
    told: Sequence[Message] = [bought("pi_1", at=NOW - 5), concluded("pi_1", "failed", "succeeded", "refunded", "disputed")]
    for number, message in enumerate(told if before else reversed(told)):
        await write(ledger, message, batch=f"b{number}")
    await write(ledger, concluded("pi_1", "failed"), batch="again")
    async with ledger.read() as connection:
        (row,) = await purchases.find(connection, "pi_1")
        assert [one.kind for one in await purchases.outcomes(connection, "pi_1")] == ["failed", "succeeded", "refunded", "disputed"]
    assert (row.outcome, row.outcome_at, row.refunded, row.disputed, row.warned, row.label) == ("succeeded", NOW, True, True, False, "")


async def test_decided_twice(ledger: Ledger) -> None:
    """Of an attempt that was decided twice, since the store was away in between, the later decision stands."""
    later = bought("pi_1", record="second", action="hold", decision="throttle")
    await write(ledger, later)
    await write(ledger, bought("pi_1", record="first", at=NOW - 1), batch="b2")
    async with ledger.read() as connection:
        (row,) = await purchases.find(connection, "pi_1")
        assert await purchases.by_record(connection, "second") == row
    assert row.action == "hold"


async def test_counts(ledger: Ledger) -> None:
    """Counts of the same ten seconds of a sidecar are the same counts."""
    told = Counted(NOW, "s1", (Tally("allow", "ok", 70), Tally("block", "deny_listed", 2)))
    await write(ledger, told)
    await write(ledger, told, batch="b2")
    async with ledger.read() as connection:
        rows = (await connection.execute(select(TRAFFIC.c.decision, TRAFFIC.c.count).order_by(TRAFFIC.c.decision))).all()
    assert [tuple(row) for row in rows] == [("allow", 70), ("block", 2)]


@pytest.mark.parametrize("order", ["with", "after", "before"])
async def test_status(ledger: Ledger, order: str) -> None:
    """The status of an answer stands at its record, also where it was told first; of two the first, and of no record none."""
    told, replied = decided(1), Replied((("r-1", 404), ("r-9", 200), ("r-1", 500)))
    intake = intake_of(ledger)
    batches: dict[str, list[list[Message]]] = {"with": [[replied, told]], "after": [[told], [replied]], "before": [[replied], [told]]}
    for number, messages in enumerate(batches[order]):
        await intake.write([Batch(f"b{number}", messages)], NOW)
    await intake.write([Batch("later", [Replied((("r-1", 200),))])], NOW)
    async with ledger.read() as connection:
        row = await records.find(connection, "r-1")
    assert row is not None
    assert row.status == 404


async def test_early_statuses(ledger: Ledger) -> None:
    """Of those without a record the latest are remembered, each as it was told first."""
    replies = ReplyIntake(most=2)
    async with ledger.write() as connection:
        await replies.take_replied(connection, [Replied(tuple((f"r-{number}", 200) for number in range(5)))], NOW)
        await replies.take_replied(connection, [Replied((("r-7", 404),))], NOW)
        await replies.take_replied(connection, [Replied((("r-7", 500),))], NOW)
    assert len(replies._early) == 2
    assert replies._early["r-7"] == 404


async def test_broken(ledger: Ledger) -> None:
    """A message that cannot be written is set aside, with why, and spoils no other."""
    bad = Lived("e2", NOW, None, "anna")  # type: ignore[arg-type]
    written = await write(ledger, decided(1), bad, decided(2))
    assert (written.new, len(written.broken)) == (2, 1)
    assert "IntegrityError" in written.broken[0].why or "NotNull" in written.broken[0].why
    assert await count(ledger, RECORD) == 2


async def test_handlers(ledger: Ledger) -> None:
    """A type may have several handlers, which come in their order; what nobody handles is let go."""
    seen: list[str] = []

    def handler(name: str) -> Any:
        async def take(_connection: AsyncConnection, messages: Sequence[Any], _now: float) -> None:
            seen.append(f"{name} {len(messages)}")

        return take

    intake = Intake(ledger, [(Decided, handler("first"))])
    intake.add(Decided, handler("second"))
    assert await intake.write([Batch("b", [decided(1), decided(2), Lived("e", NOW, "login")])], NOW) == Written(new=3)
    assert seen == ["first 2", "second 2"]


async def test_shadow(ledger: Ledger) -> None:
    """What stood in shadow is read as it was told."""
    await write(
        ledger, replace(decided(1), shadow=(ShadowFinding("month", "quota_exhausted"), ShadowFinding("risk", "risk_throttled", 0.05)))
    )
    async with ledger.read() as connection:
        row = await records.find(connection, "r-1")
    assert row is not None
    assert row.shadow == (ShadowFinding("month", "quota_exhausted"), ShadowFinding("risk", "risk_throttled", 0.05))
