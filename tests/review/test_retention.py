"""What is older than it may be goes, and nothing else does."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import func, insert, select

from ratelimit.core.message import Counted, Lived, Message, Tally
from ratelimit.core.retention import Retention
from ratelimit.ledger import links, retention
from ratelimit.ledger.intake import Batch
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects, named
from ratelimit.ledger.tables.privacy import RETENTION_MARK, RETENTION_RUN
from ratelimit.ledger.tables.purchase import LIFE, LINK, OUTCOME, PURCHASE
from ratelimit.ledger.tables.record import RECORD, TRAFFIC
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review import audit
from ratelimit.review.audit_check import verify
from ratelimit.review.retention import RetentionJob
from tests.review.ledger_stream import KEYS, NOW, bought, concluded, decided, intake_of

DAY_S = 86_400.0
_NUMBERS = count()


async def write(ledger: Ledger, *messages: Message, days_ago: float = 0.0) -> None:
    await intake_of(ledger).write([Batch(f"b{next(_NUMBERS)}", messages)], NOW - days_ago * DAY_S)


async def removed(ledger: Ledger, settings: Retention | None = None, now: float = NOW) -> dict[str, int]:
    job = RetentionJob(ledger, lambda: settings or Retention(), lambda: now)
    return (await job.once()).removed


async def rows(ledger: Ledger, query: Any) -> list[Any]:
    async with ledger.read() as connection:
        return list(await connection.execute(query))


async def size(ledger: Ledger, table: Any) -> int:
    return int((await rows(ledger, select(func.count()).select_from(table)))[0][0])


async def shown(ledger: Ledger, column: Any, order: Any) -> list[str | None]:
    """Subjects of a column as people see them."""
    ids = [row[0] for row in await rows(ledger, select(column).order_by(order))]
    async with ledger.read() as connection:
        found = await named(connection, ids)
    return [found[id].shown for id in ids]


async def test_records(ledger: Ledger) -> None:
    """Records go after a season, counts after a year, and a run says how many; nothing that is younger goes."""
    for number, days in enumerate((1, 89, 91, 400)):
        await write(
            ledger, decided(number, at=NOW - days * DAY_S), Counted(NOW - days * DAY_S, "s", (Tally("allow", "ok", 1),)), days_ago=days
        )
    found = await removed(ledger)
    assert (found["records"], found.get("traffic")) == (2, None)
    assert await size(ledger, RECORD) == 2
    assert (await removed(ledger, now=NOW + DAY_S))["traffic"] == 1
    assert await size(ledger, TRAFFIC) == 3
    runs = await rows(ledger, select(RETENTION_RUN).order_by(RETENTION_RUN.c.at))
    assert [row.removed.get("records") for row in runs] == [2, None]


async def test_settings(ledger: Ledger) -> None:
    """The policy says how long."""
    await write(ledger, decided(1, at=NOW - 5 * DAY_S), days_ago=5)
    assert "records" not in await removed(ledger)
    short = Retention(records=type(Retention().records).parse("4d"), addresses=type(Retention().records).parse("2d"))
    assert (await removed(ledger, short))["records"] == 1


async def test_addresses(ledger: Ledger) -> None:
    """After thirty days a record names a network; that two of one month were the same address is still seen, of two months it is not."""
    moments = [(1, 2.0), (2, 2.0), (31, 2.0), (32, 2.0), (33, 3.0), (75, 2.0)]
    for number, (days, host) in enumerate(moments):
        await write(
            ledger,
            decided(number, at=NOW - days * DAY_S, address=f"192.0.2.{host:.0f}", key=None, account=None, subject=f"ip:192.0.2.{host:.0f}"),
            days_ago=days,
        )
    assert (await removed(ledger))["addresses_of_usage"] == 4
    assert await shown(ledger, RECORD.c.address, RECORD.c.id) == ["192.0.2.2", "192.0.2.2", *["192.0.2.0/24"] * 4]
    ids = [row[0] for row in await rows(ledger, select(RECORD.c.address).order_by(RECORD.c.id))]
    assert (ids[0] == ids[1], ids[2] == ids[3], ids[2] == ids[4], ids[2] == ids[5]) == (True, True, False, False)
    assert [row.subject for row in await rows(ledger, select(RECORD.c.subject).order_by(RECORD.c.id))] == ids
    assert await removed(ledger) == {}


async def test_six_bytes(ledger: Ledger) -> None:
    """Of an IPv6 address the first 48 bits stay."""
    await write(ledger, decided(1, at=NOW - 31 * DAY_S, address="2001:db8:1:2::/64"), days_ago=31)
    await removed(ledger)
    assert await shown(ledger, RECORD.c.address, RECORD.c.id) == ["2001:db8:1::/48"]


async def test_key_is_destroyed(ledger: Ledger) -> None:
    """The key of a month goes with its last row, so that nobody can tell any more what stands for an address."""
    await write(ledger, decided(1, at=NOW - 31 * DAY_S), days_ago=31)
    await removed(ledger)
    months = select(RETENTION_MARK.c.name).where(RETENTION_MARK.c.secret.is_not(None))
    assert len(await rows(ledger, months)) == 1
    await removed(ledger, now=NOW + 40 * DAY_S)
    assert await rows(ledger, months) == []


async def test_lives(ledger: Ledger) -> None:
    """The address of a login fades as that of a request, and the link to it goes; that of a purchase stays with it."""
    for days in (32, 91):
        await write(ledger, Lived(f"e{days}", NOW - days * DAY_S, "login", "anna", None, "192.0.2.9"), days_ago=days)
    await write(ledger, bought("pi_1", at=NOW - 31 * DAY_S, address="192.0.2.7"), days_ago=31)
    found = await removed(ledger)
    assert {name: found[name] for name in ("lives", "addresses_of_usage", "address_links", "addresses")} == {
        "lives": 1,
        "addresses_of_usage": 1,
        "address_links": 1,
        "addresses": 1,
    }
    assert await shown(ledger, LIFE.c.address, LIFE.c.at) == ["192.0.2.0/24"]
    assert await shown(ledger, PURCHASE.c.address, PURCHASE.c.at) == ["192.0.2.7"]
    async with ledger.read() as connection:
        anna = await Subjects(KEYS).find(connection, "account", "anna")
        assert anna is not None
        kinds = {link.kind for link in await links.linked(connection, anna)}
    assert kinds == {"card", "ip", "network", "email", "email_domain"}


async def test_purchases(ledger: Ledger) -> None:
    """Purchases go with what became of them and what they shared, and whom nothing names any more goes too."""
    await write(ledger, bought("pi_old", account="old", card="OLD", at=NOW - 541 * DAY_S), days_ago=542)
    await write(ledger, concluded("pi_old", "succeeded", account="old", known_at=NOW - 541 * DAY_S), days_ago=542)
    await write(ledger, bought("pi_new", at=NOW - 539 * DAY_S), days_ago=539)
    found = await removed(ledger)
    assert (found["purchases"], found["outcomes"], found["links"]) == (1, 1, 5)
    assert (await size(ledger, PURCHASE), await size(ledger, OUTCOME)) == (1, 0)
    names = [row.value for row in await rows(ledger, select(SUBJECT.c.value).where(SUBJECT.c.kind.in_(("account", "card"))))]
    assert sorted(names) == ["CARDPSEUDONYM", "anna"]


async def test_pieces(ledger: Ledger) -> None:
    """More than fits into one transaction is removed in several, all of it."""
    ids = [
        {"id": f"r{number}", "at": 1.0, "decision": "throttle", "reason": "x", "method": "GET", "path": "/", "cost": 1}
        for number in range(6_100)
    ]
    async with ledger.write() as connection:
        await connection.execute(insert(RECORD), ids)
    assert (await removed(ledger))["records"] == 6_100
    assert await size(ledger, RECORD) == 0


async def test_used_meanwhile(ledger: Ledger) -> None:
    """What was found and is used before it is removed stays."""
    await write(ledger, bought("pi_1", at=NOW - 541 * DAY_S), days_ago=541)
    rule = next(rule for rule in retention.rules(Retention(), NOW) if rule.name == "links")
    async with ledger.read() as connection:
        keys: Sequence[Any] = await retention.find(connection, rule, 100)
    await write(ledger, bought("pi_2"))
    async with ledger.write() as connection:
        await retention.remove(connection, rule, keys)
    assert await size(ledger, LINK) == len(keys) == 5


async def test_audit(ledger: Ledger) -> None:
    """What the audit says of somebody is forgotten after its time, and its chain still verifies; what is about nobody stays."""
    async with ledger.write() as connection:
        for days, about in ((541, 7), (541, None), (1, 7)):
            await audit.append(connection, "anna", "noted", {"note": "x"}, at=NOW - days * DAY_S, subject=about)
    assert await removed(ledger) == {"audit_contents": 1}
    async with ledger.read() as connection:
        found = await audit.entries(connection, audit.AuditFilter(kind="noted"), 10)
        verified = await verify(connection)
    assert [one.content for one in found] == [{"note": "x"}, {"note": "x"}, None]
    assert (verified.what, verified.forgotten, await removed(ledger)) == (None, 1, {})


async def test_rolled_up(ledger: Ledger) -> None:
    """Counts of more than a week ago are by the hour, of all processes together; younger ones stay as they are."""
    hour = NOW // 3_600 * 3_600
    for at in (hour - 8 * DAY_S, hour - 8 * DAY_S + 10, hour - 8 * DAY_S + 3_600, hour - DAY_S, hour - DAY_S + 10):
        for sidecar in ("a", "b"):
            await write(ledger, Counted(at, sidecar, (Tally("allow", "ok", 5), Tally("block", "deny_listed", 1)), 90.0))
    assert await removed(ledger) == {"traffic_rolled_up": 12}
    found = await rows(ledger, select(TRAFFIC).where(TRAFFIC.c.decision == "allow").order_by(TRAFFIC.c.at, TRAFFIC.c.sidecar))
    assert [(row.at - hour + 8 * DAY_S, row.sidecar, row[4], row.latency_us) for row in found[:2]] == [
        (0.0, "", 20, 90.0),
        (3_600.0, "", 10, 90.0),
    ]
    assert [row.sidecar for row in found[2:]] == ["a", "b", "a", "b"]
    assert await removed(ledger) == {}
