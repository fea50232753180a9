"""Previews on a real ledger: who would be hit, with what interval, and what is milder."""

from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import insert

from ratelimit.core.message import Entity
from ratelimit.core.override import BucketAsked
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review.deed_check import DeedError
from ratelimit.review.preview import Previews, together
from tests.review.case_site import DAY, HOUR, NOW, account, bought, subject
from tests.review.deed_site import DeedSite, deed

KEY = Entity("api_key", "abcdefghijklmnopqrstuvwxyz")
USUAL = Entity("ip", "198.51.100.7")
OTHER = Entity("ip", "203.0.113.9")


class Traffic:
    """Writes what was asked, and who shares what."""

    def __init__(self, site: DeedSite) -> None:
        self.site = site

    async def of(self, entity: Entity) -> int:
        return await subject(self.site.ledger, entity)

    async def asked(
        self, count: int, *, key: Entity | None = KEY, address: Entity = OTHER, decision: str = "allow", weight: float = 1.0, **more: Any
    ) -> None:
        ids = {name: await self.of(one) for name, one in (("api_key", key), ("address", address)) if one is not None}
        ids["account"] = await self.of(more.pop("account", account("a1")))
        row = {
            "decision": decision, "reason": "ok" if decision == "allow" else "risk_throttled", "method": "GET", "path": "/", "cost": 1,
            "weight": weight, **ids, **more,
        }  # fmt: skip
        rows = [{**row, "id": token_hex(8), "at": NOW - HOUR - number * 60} for number in range(count)]
        async with self.site.ledger.write() as connection:
            await connection.execute(insert(RECORD), rows)

    async def linked(self, one: Entity, entity: Entity, *, days: float = 1.0, how: str = "owns", good: int = 0) -> None:
        ids = await self.of(one), await self.of(entity)
        row = {"subject": ids[0], "entity": ids[1], "how": how, "first_at": NOW - days * DAY, "last_at": NOW - HOUR, "count": 1}
        async with self.site.ledger.write() as connection:
            await connection.execute(insert(LINK).values(row))
            if good:
                await connection.execute(SUBJECT.update().where(SUBJECT.c.id == ids[0]).values(good=good))


@pytest.fixture
def traffic(site: DeedSite) -> Traffic:
    return Traffic(site)


@pytest.fixture
def previews(site: DeedSite) -> Previews:
    return Previews(site.actions.doing, 0.001)


async def test_block_a_key(site: DeedSite, traffic: Traffic, previews: Previews) -> None:
    """Refusals are counted, what was allowed is estimated; some came from a usual address, so a new key would be milder."""
    await traffic.linked(account("a1"), KEY)
    await traffic.linked(KEY, USUAL, days=30, how="requested")
    await traffic.asked(12, decision="throttle")
    await traffic.asked(4, weight=1_000.0)
    await traffic.asked(6, address=USUAL, decision="throttle")
    await bought(site.ledger, await traffic.of(account("a1")), amount_minor=5_000, tokens=10_000, at=NOW - 2 * HOUR)
    case = await site.case(anchor=KEY)
    found = await previews.preview(site.mia, case, deed("block"))
    assert (found.requests.value, found.already_throttled, found.from_usual.value) == (4_018, 18, 6)
    assert 1_000 < found.requests.low < 4_018 < found.requests.high < 11_000
    assert (found.other_accounts, found.good, found.told) == ((), 0, "override_block")
    assert (found.tokens_left, found.left_minor, found.currency) == (6_000, 3_000, "EUR")  # 4 rows of 1,000 were spent
    assert found.softer is not None
    assert (found.softer.then, found.softer.keeps) == ("rotate_key", 6)


async def test_block_an_address(site: DeedSite, traffic: Traffic, previews: Previews) -> None:
    """Other accounts that use it are named, good ones first, and throttling is milder."""
    for number in range(7):
        await traffic.linked(account(f"b{number}"), OTHER, how="requested", good=number % 2)
    await traffic.asked(10, key=None, account=account("b1"))
    found = await previews.preview(site.mia, None, deed("block", target="203.0.113.9"))
    assert {hit.shown for hit in found.other_accounts[:3]} == {"b1", "b3", "b5"}
    assert {hit.requests for hit in found.other_accounts if hit.shown == "b1"} == {10}
    assert (len(found.other_accounts), found.good, found.requests.value, found.requests.high > 10) == (7, 3, 10, True)
    assert found.softer is not None
    assert found.softer.then == "throttle"


async def test_throttle(site: DeedSite, traffic: Traffic, previews: Previews) -> None:
    """What a bucket could not have held would have been refused; a large one refuses nothing."""
    await traffic.asked(100, decision="throttle")  # one a minute, 10 in each step of ten minutes
    small = await previews.preview(site.mia, None, deed("throttle", target="account:a1", bucket=BucketAsked(10, "0.5/min")))
    assert 30 < small.requests.value < 50
    large = await previews.preview(site.mia, None, deed("throttle", target="account:a1", bucket=BucketAsked(100, "100/min")))
    assert large.requests.value == 0
    with pytest.raises(DeedError, match="refill"):
        await previews.preview(site.mia, None, deed("throttle", target="account:a1", bucket=BucketAsked(1, "x")))


async def test_one_of_several_keys(site: DeedSite, traffic: Traffic, previews: Previews) -> None:
    """Of an account whose requests nearly all come by one key only that one need be blocked."""
    other = Entity("api_key", "zyxwvutsrqponmlkjihgfedcba")
    await traffic.asked(95, decision="throttle")
    await traffic.asked(5, key=other, decision="throttle")
    found = await previews.preview(site.mia, await site.case(), deed("block", span="7d"))
    assert found.softer is not None
    assert (found.softer.then, found.softer.target, found.needs_second) == ("block", str(await traffic.of(KEY)), True)


async def test_many(site: DeedSite, traffic: Traffic, previews: Previews) -> None:
    """Of many cases sums are shown; an account that is one of theirs is not hit beside them, and others are named once."""
    for name in ("a1", "b1", "c1"):
        await traffic.linked(account(name), OTHER, how="requested", good=1)
        await traffic.linked(account(name), USUAL, how="requested", good=1)
    await traffic.asked(10, key=None, decision="throttle")
    cases = [await site.case(anchor=one) for one in (account("a1"), OTHER, USUAL)]
    found = await previews.previews(site.mia, cases, deed("block"))
    assert (found.bulk, found.requests.value, found.already_throttled) == (3, 20, 20)
    assert sorted(hit.shown or "" for hit in found.other_accounts) == ["b1", "c1"]
    with pytest.raises(DeedError, match="empty"):
        await previews.previews(site.mia, [], deed("block"))
    assert together([found], set()).bulk == 1


async def test_replaces(site: DeedSite, previews: Previews) -> None:
    """What would not stand any more is said."""
    case = await site.case()
    await site.act(site.mia, case, "throttle")
    assert (await previews.preview(site.tom, case, deed("allow"))).replaces == ("Throttled by mia",)
    assert (await previews.preview(site.tom, case, deed("label"))).replaces == ()


async def test_busy(site: DeedSite, traffic: Traffic, previews: Previews, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a very busy one the newest requests stand for all: no number is exact any more, and each is about right."""
    monkeypatch.setattr("ratelimit.ledger.impact.MOST_RECORDS", 20)
    await traffic.asked(100, decision="throttle")
    found = await previews.preview(site.mia, await site.case(), deed("block"))
    assert found.requests.value == pytest.approx(100)
    assert found.already_throttled == 100
    assert found.requests.low < 100 < found.requests.high
