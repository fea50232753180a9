"""What people do to a case beside deciding it."""

from typing import Any

import pytest

from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import QueueFilter, Tab
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.case_error import CaseError, ConflictError, LockedError
from ratelimit.review.cases import Cases
from ratelimit.review.work import MOST_SNOOZE_S
from tests.review.case_site import HOUR, NOW, flagged, person, rule


async def begun(ledger: Ledger) -> tuple[Cases, Principal, Principal]:
    """One case, and two people."""
    await flagged(ledger, rule())
    return Cases(ledger, lambda: NOW), await person(ledger, "mira"), await person(ledger, "toma")


async def tabs(cases: Cases, someone: Principal) -> dict[Tab, int]:
    found = (await cases.queue(QueueFilter(), someone)).totals.tabs
    return {tab: count for tab, count in found.items() if count}


async def test_assigned(ledger: Ledger) -> None:
    """It is in the tab of whom it was given to, and of nobody again."""
    cases, mira, toma = await begun(ledger)
    assert await cases.assign(1, mira, "toma", version=1) == 2
    assert await tabs(cases, toma) == {"mine": 1}
    assert await tabs(cases, mira) == {"others": 1}
    with pytest.raises(CaseError, match="nobody who may work on cases has the login 'x'"):
        await cases.assign(1, mira, "x")
    await person(ledger, "guest", "viewer")
    with pytest.raises(CaseError, match="guest"):
        await cases.assign(1, mira, "guest")
    await cases.assign(1, toma, None)
    assert await tabs(cases, toma) == {"unassigned": 1}


async def test_put_off(ledger: Ledger) -> None:
    """It comes back by itself, or at once; not for ever, and not into the past."""
    cases, mira, _ = await begun(ledger)
    await cases.take(1, mira)
    await cases.snooze(1, mira, NOW + HOUR)
    found = await cases.get(1)
    assert (found.row.snoozed_until, found.row.locked_by, found.row.woke_at) == (NOW + HOUR, None, None)
    assert await tabs(cases, mira) == {"snoozed": 1}
    late = Cases(ledger, lambda: NOW + HOUR)
    assert await tabs(late, mira) == {"unassigned": 1}
    assert (await late.get(1)).row.woke_at == NOW + HOUR
    await cases.wake(1, mira)
    assert await tabs(cases, mira) == {"unassigned": 1}
    with pytest.raises(ConflictError):
        await cases.wake(1, mira)
    for until in (NOW, NOW - 1, NOW + MOST_SNOOZE_S + 1, float("nan"), float("inf")):
        with pytest.raises(CaseError, match="within the next 14 days"):
            await cases.snooze(1, mira, until)


async def test_passed_on(ledger: Ledger) -> None:
    """It is an admin's then, until it is given back; once is enough."""
    cases, mira, _ = await begun(ledger)
    await cases.escalate(1, mira, "a large customer")
    assert await tabs(cases, mira) == {"escalated": 1}
    with pytest.raises(ConflictError):
        await cases.escalate(1, mira, "again")
    await cases.escalate(1, mira, "decide yourself", back=True)
    assert await tabs(cases, mira) == {"unassigned": 1}
    assert [one.content for one in await cases.history(1)][:2] == [{"why": "decide yourself"}, {"why": "a large customer"}]


async def test_somebody_was_faster(ledger: Ledger) -> None:
    """A change of a case that has changed meanwhile is refused, and nothing of it is done."""
    cases, mira, toma = await begun(ledger)
    await cases.assign(1, mira, "mira", version=1)
    calls: list[Any] = [
        cases.assign(1, toma, "toma", 1),
        cases.snooze(1, toma, NOW + 9, 1),
        cases.escalate(1, toma, "", 1),
        cases.wake(1, toma, 1),
    ]
    for call in calls:
        with pytest.raises(ConflictError, match="has changed since you saw it"):
            await call
    assert (await cases.get(1)).row.version == 2
    assert len(await cases.history(1)) == 2


async def test_notes(ledger: Ledger) -> None:
    """Whoever is named has the case among their own until they have opened it; nobody else, and no mail address, is named."""
    cases, mira, toma = await begun(ledger)
    await cases.take(1, mira)
    await cases.note(1, toma, "@mira look: a@toma.test, @nobody, @mira")
    (note,) = await cases.notes(1)
    assert (note.by, note.text, note.mentions) == ("toma", "@mira look: a@toma.test, @nobody, @mira", ("mira",))
    assert await tabs(cases, mira) == {"unassigned": 1, "mine": 1}
    assert await tabs(cases, toma) == {"unassigned": 1}
    with pytest.raises(LockedError):
        await cases.take(1, toma)
    await cases.take(1, mira)
    assert await tabs(cases, mira) == {"unassigned": 1}
