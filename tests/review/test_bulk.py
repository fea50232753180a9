"""Many at once: two people on the same cases, one deed on many, a campaign but its exceptions."""

import asyncio

import pytest
from sqlalchemy import insert, update

from ratelimit.core.standing import Target
from ratelimit.ledger.tables.case import CAMPAIGN, CASE
from ratelimit.review.bulk import Bulk, Bulks
from ratelimit.review.case_error import CaseError, ForbiddenError, NotFoundError
from ratelimit.review.deed import Done
from ratelimit.review.deed_check import DeedError
from ratelimit.review.preview import Previews
from tests.review.case_site import NOW, account
from tests.review.deed_site import DeedSite, deed


@pytest.fixture
def bulks(site: DeedSite) -> Bulks:
    return Bulks(site.actions, Previews(site.actions.doing, 0.001))


async def cases(site: DeedSite, count: int) -> list[int]:
    return [await site.case(anchor=account(f"b{number}")) for number in range(count)]


async def test_two_on_the_same_cases(site: DeedSite) -> None:
    """Of two who decide the same ten cases as they saw them, each case is decided by one of them, and the other is told."""
    numbers = await cases(site, 10)
    seen = {number: (await site.of_case(number)).version for number in numbers}

    async def act(who: str, number: int) -> Done | CaseError:
        try:
            return await site.act(site.mia if who == "mia" else site.tom, number, version=seen[number])
        except CaseError as error:
            return error

    found = await asyncio.gather(*(act(who, number) for number in numbers for who in ("mia", "tom")))
    assert sum(isinstance(one, Done) for one in found) == 10
    assert all("has changed since you saw it" in str(one) for one in found if isinstance(one, CaseError))
    assert [site.thens(Target("account", f"b{number}")) for number in range(10)] == [["block"]] * 10


async def test_campaign(site: DeedSite, bulks: Bulks) -> None:
    """A campaign is decided together but for its exceptions, closed with a label, and undone together."""
    numbers = await cases(site, 4)
    async with site.ledger.write() as connection:
        row = {"entity": 1, "state": "open", "opened_at": NOW}
        campaign = (await connection.execute(insert(CAMPAIGN).values(row).returning(CAMPAIGN.c.number))).scalar_one()
        await connection.execute(update(CASE).values(campaign=campaign))
    done = await bulks.act(site.mia, Bulk(deed=deed("block", verdict="fraud", close=True), campaign=campaign, without=(numbers[1],)))
    assert (done.done, done.failed, [one.case for one in done.outcomes]) == (3, 0, [numbers[0], *numbers[2:]])
    assert [(await site.of_case(number)).state for number in numbers] == ["closed", "open", "closed", "closed"]
    assert len(await site.labels(standing=True)) == 3
    undone = await bulks.undo(site.mia, done.bulk, "mistaken")
    assert (undone.done, await site.labels(standing=True)) == (3, [])
    assert [(await site.of_case(number)).state for number in numbers] == ["open"] * 4


async def test_partly(site: DeedSite, bulks: Bulks) -> None:
    """Cases that somebody has open, or that changed, are left, and say so; the rest is done."""
    numbers = await cases(site, 3)
    await site.change_case(numbers[0], locked_by=site.tom.id, locked_until=NOW + 60)
    asked = Bulk(deed=deed("throttle"), cases=tuple(numbers), versions=(1, 7, 1))
    found = await bulks.act(site.mia, asked)
    assert [one.kind for one in found.outcomes] == ["locked", "conflict", ""]
    assert (found.done, found.failed) == (1, 2)
    with pytest.raises(ForbiddenError):
        await bulks.act(site.vic, asked)
    with pytest.raises(NotFoundError):
        await bulks.undo(site.mia, "nobody")
    with pytest.raises(DeedError, match="is empty"):
        await bulks.act(site.mia, Bulk(deed=deed("throttle"), campaign=99))


async def test_others(site: DeedSite, bulks: Bulks) -> None:
    """What was done together is undone by whoever did it."""
    found = await bulks.act(site.mia, Bulk(deed=deed("throttle"), cases=tuple(await cases(site, 2))))
    assert (await bulks.undo(site.tom, found.bulk)).failed == 2
    assert (await bulks.undo(site.mia, found.bulk)).done == 2


async def test_undone_while_others_act(site: DeedSite) -> None:
    """Deeds and undoing on the same case, all at once: each is done or says why not, and one word stands at most."""
    (number,) = await cases(site, 1)
    first = await site.act(site.mia, number)

    async def attempt(turn: int) -> bool:
        try:
            if turn % 2:
                await site.act(site.tom, number, "throttle")
            else:
                await site.actions.undo(site.ada, first.id)
        except CaseError:
            return False
        return True

    found = await asyncio.gather(*(attempt(turn) for turn in range(12)))
    assert sum(found) >= 6
    site.wall.now += 60
    await site.actions.reconcile.turn()
    assert len(site.words(Target("account", "b0"))) == 1
