"""Undo: who may, what stands afterwards, and what is left of the label, the case and the history."""

from typing import Any

import pytest
from msgspec.structs import replace

from ratelimit.core.principal import OPERATOR, Principal
from ratelimit.ledger.actions import ActionRow
from ratelimit.review.cases import CaseError, ConflictError, ForbiddenError
from ratelimit.review.undoing import why_not
from tests.review.case_site import NOW, account, flagged, rule
from tests.review.deed_site import DeedSite

HOUR = 3_600.0
MIA = Principal(id=1, login="mia", name="Mia", role="analyst", via="session")
TOM = Principal(id=2, login="tom", name="Tom", role="analyst", via="session")
ADA = Principal(id=3, login="ada", name="Ada", role="admin", via="session")
VIC = Principal(id=4, login="vic", name="Vic", role="viewer", via="session")
WAS_MIA = replace(MIA, role="viewer")
TOKEN = Principal(id=-1, login="token:site", name="Site", role="analyst", via="token", scopes=frozenset({"actions:write"}))
READER = replace(TOKEN, scopes=frozenset({"cases:read"}))
BY_MIA = ActionRow(
    id=7, key="k", case_number=None, then="block", target_kind="account", target=1, by=1, by_login="mia", at=NOW, until=NOW + 48 * HOUR,
    reason="r", state="in_force", before={}, detail={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("who", "hours", "row", "appeal", "why"),
    [
        (MIA, 0, {}, False, ""),
        (MIA, 24, {}, False, ""),
        (MIA, 24.1, {}, False, "older than 24 h"),
        (TOM, 0, {}, False, "it is mia's"),
        (TOM, 0, {}, True, ""),
        (TOM, 40, {}, True, ""),
        (ADA, 0, {}, False, ""),
        (ADA, 40, {}, False, ""),
        (OPERATOR, 40, {}, False, ""),
        (VIC, 0, {}, False, "look and not act"),
        (WAS_MIA, 0, {}, False, "look and not act"),
        (TOKEN, 0, {}, False, "it is mia's"),
        (TOKEN, 0, {"by": -1, "by_login": "token:site"}, False, ""),
        (READER, 0, {"by": -1, "by_login": "token:site"}, False, "look and not act"),
        (ADA, 0, {"then": "refund", "state": "done", "until": None}, False, "the site was told"),
        (ADA, 0, {"then": "report_fraud", "state": "done", "until": None}, True, "the site was told"),
        (MIA, 0, {"then": "label", "state": "done", "until": None}, False, ""),
        (MIA, 0, {"then": "release", "state": "done", "until": None}, False, ""),
        (MIA, 0, {"then": "rotate_key"}, False, ""),
        (MIA, 0, {"state": "intended"}, False, ""),
        (MIA, 0, {"state": "proposed"}, False, ""),
        (ADA, 0, {"state": "undone"}, False, "undone before"),
        (ADA, 0, {"state": "undoing"}, False, "being undone"),
        (ADA, 0, {"state": "replaced"}, True, "later one"),
        (ADA, 0, {"state": "failed"}, False, "never in force"),
        (ADA, 48, {}, False, "ended by itself"),
    ],
)
def test_who_may(who: Principal, hours: float, row: dict[str, Any], appeal: bool, why: str) -> None:
    """The table of who may undo what, whose and when."""
    found = why_not(who, replace(BY_MIA, **row), NOW + hours * HOUR, appeal=appeal)
    assert (why in found) if why else not found


async def test_undo(site: DeedSite) -> None:
    """What was in force is not any more, within the same moment; both are in the audit, and the case says so."""
    case = await site.case()
    done = await site.act(site.mia, case)
    undone = await site.actions.undo(site.mia, done.id, "wrong one")
    assert (undone.state, site.words()) == ("undone", [])
    assert (await site.of_case(case)).acted == "undone"
    assert [(entry.kind, entry.actor) for entry in await site.audit(case=case)][:2] == [("undone", "mia"), ("acted", "mia")]
    assert sorted('"state":"set"' in message.body for message in await site.told()) == [False, True]
    with pytest.raises(ConflictError, match="undone before"):
        await site.actions.undo(site.mia, done.id)
    (view,) = await site.actions.of_case(site.tom, case)
    assert (view.undone_by, view.undone_why, view.may_undo) == ("mia", "wrong one", False)


async def test_others(site: DeedSite) -> None:
    """Another analyst may not, an admin may."""
    done = await site.act(site.mia, await site.case())
    with pytest.raises(ForbiddenError, match="it is mia's"):
        await site.actions.undo(site.tom, done.id)
    assert (await site.actions.undo(site.ada, done.id)).state == "undone"


async def test_redo(site: DeedSite) -> None:
    """An undo is undone by a new deed, which ends when the old one would have; not twice by the same key, and not once that has passed."""
    case = await site.case()
    done = await site.act(site.mia, case)
    site.wall.now += HOUR
    await site.actions.undo(site.mia, done.id)
    again = await site.actions.redo(site.mia, done.id, "redo-0001")
    assert (again.id != done.id, again.until, site.thens()) == (True, done.until, ["block"])
    assert (await site.actions.redo(site.mia, done.id, "redo-0001")).repeated
    await site.actions.undo(site.mia, again.id)
    site.wall.now += 24 * HOUR
    with pytest.raises(ConflictError, match="ended by now"):
        await site.actions.redo(site.mia, done.id, "redo-0002")


async def test_label_and_case(site: DeedSite) -> None:
    """A deed that closed the case with a label: undone, the label stands no more, the one before does, and the case is open again."""
    case = await site.case()
    first = await site.act(site.mia, case, "label", verdict="good")
    done = await site.act(site.mia, case, verdict="fraud", close=True)
    row = await site.of_case(case)
    assert (row.state, row.verdict, row.closed_by, done.closed) == ("closed", "fraud", site.mia.id, True)
    good, fraud = await site.labels()
    assert (good.id, good.superseded_by, fraud.supersedes, fraud.superseded_by) == (first.label, fraud.id, good.id, None)
    undone = await site.actions.undo(site.mia, done.id)
    row = await site.of_case(case)
    assert (row.state, row.verdict, row.version) == ("open", None, undone.version)
    assert [one.verdict for one in await site.labels(standing=True)] == ["good"]
    assert len(await site.labels()) == 2


async def test_another_case_meanwhile(site: DeedSite) -> None:
    """A closed case is not opened again beside a later one of the same anchor; all else is undone."""
    case = await site.case()
    done = await site.act(site.mia, case, verdict="fraud", close=True)
    await flagged(site.ledger, rule("other", account("a1")), now=NOW)
    await site.actions.undo(site.mia, done.id)
    assert ((await site.of_case(case)).state, site.words()) == ("closed", [])


async def test_known_normal(site: DeedSite) -> None:
    """What is known to be normal lasts for 90 days, or until it is undone."""
    case = await site.case()
    done = await site.act(site.mia, case, "known_normal", reason="")
    assert done.until == NOW + 90 * 24 * HOUR
    await site.act(site.mia, case, "label", verdict="good", close=True)
    await flagged(site.ledger, rule(), now=NOW + 8 * 24 * HOUR)
    assert (await site.of_case(case)).state == "closed"
    await site.actions.undo(site.mia, done.id)
    await flagged(site.ledger, rule(), now=NOW + 8 * 24 * HOUR)
    assert (await site.of_case(await site.case())).state == "open"


async def test_missing(site: DeedSite) -> None:
    """What was never done is not undone."""
    with pytest.raises(CaseError, match="no action 9"):
        await site.actions.undo(site.mia, 9)
