"""What stands about a subject, what it is linked with, and cases like it."""

from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select, update

from ratelimit.core.limit import BucketRule
from ratelimit.core.message import Entity
from ratelimit.core.standing import Standing, StandingSource, Target, Then
from ratelimit.core.units import Refill
from ratelimit.ledger.alike import alike
from ratelimit.ledger.case_query import subjects_of
from ratelimit.ledger.evidence import Refused
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier_force import in_force
from ratelimit.review.dossier_links import links_of
from tests.review.case_site import NOW, account, flagged, model, rule, subject


def view(then: str, state: str = "in_force", until: float | None = NOW + 60, **more: Any) -> ActionView:
    fields: dict[str, Any] = {
        "id": 1,
        "case": None,
        "target": "1",
        "target_kind": "account",
        "shown": None,
        "by": "mia",
        "at": NOW - 60,
        "wanted_until": None,
        "reason": "",
        "detail": {},
        "needs_second": False,
        "second_by": None,
        "undone_at": None,
        "undone_why": None,
        "label": None,
        "override": "o1",
        "bulk": None,
    }
    return ActionView(then=then, state=state, until=until, **{**fields, **more})  # type: ignore[arg-type]  # by name


def word(then: Then, source: StandingSource = "rule", id: str = "w1") -> Standing:
    about = Target("account", "a")
    return Standing(
        id=id, target=about, then=then, source=source, reason="", author="card-testing", made_at=NOW - 5, until=NOW + 5, version=1
    )


def refused(reason: str, last: float, decision: str = "throttle") -> Refused:
    return Refused(decision, reason, "key", 3, NOW - 600, NOW - last)


@pytest.mark.parametrize(
    ("views", "words", "refusals", "decision", "by"),
    [
        ([], [], [], "allow", ""),
        ([view("block")], [], [], "block", "mia"),
        ([view("throttle"), view("block")], [], [], "block", "mia"),
        ([view("throttle"), view("allow")], [], [], "allow", "mia"),
        ([view("block", state="undone")], [], [], "allow", ""),
        ([view("block", until=NOW - 1)], [], [], "allow", ""),
        ([view("block", until=None)], [], [], "block", "mia"),
        ([view("label")], [], [], "allow", ""),
        ([], [word("block")], [], "block", "rule card-testing"),
        ([], [word("block", "override")], [], "block", "card-testing"),
        ([view("throttle")], [word("block")], [], "block", "rule card-testing"),
        ([], [], [refused("risk_throttled", 10)], "throttle", "risk 0.9994"),
        ([], [], [refused("rule_matched", 10, "block")], "block", "rule key"),
        ([], [], [refused("risk_throttled", 1_000)], "allow", ""),
        ([], [], [refused("rate_exceeded", 10)], "allow", ""),
        ([view("block")], [], [refused("risk_throttled", 10)], "block", "mia"),
    ],
)
def test_in_force(views: list[ActionView], words: list[Standing], refusals: list[Refused], decision: str, by: str) -> None:
    """A person's word before a rule's, a block before all, and what refuses now where nobody has said anything."""
    found = in_force(views, words, refusals, 0.9994, NOW, lambda _: True)
    assert (found.decision, found.by) == (decision, by)


def test_a_throttle_says_to_what() -> None:
    """Of a throttle it is told how much is left."""
    bucket = BucketRule(10, Refill.parse("10/min"))
    found = in_force([view("throttle")], [replace(word("throttle", "override", "o1"), bucket=bucket)], [], None, NOW, lambda _: True)
    assert (found.words, found.by) == ("10 tokens a minute", "mia")


async def _link(ledger: Ledger, *pairs: tuple[int, int, str], count: int = 1) -> None:
    rows = [{"subject": a, "entity": b, "how": how, "first_at": NOW, "last_at": NOW, "count": count} for a, b, how in pairs]
    async with ledger.write() as connection:
        await connection.execute(insert(LINK), rows)


async def test_links(ledger: Ledger) -> None:
    """Of many of a kind the most telling stand by themselves and the others as one; a key has the links of its account as well."""
    key, owner = await subject(ledger, Entity("api_key", "k" * 26)), await subject(ledger, account("a1"))
    card, other = await subject(ledger, Entity("card", "c1")), await subject(ledger, account("a2"))
    addresses = [await subject(ledger, Entity("ip", f"192.0.2.{number}")) for number in range(9)]
    await _link(ledger, (owner, key, "owns"), (owner, card, "paid"), (other, card, "paid"), *((key, one, "requested") for one in addresses))
    async with ledger.write() as connection:
        await connection.execute(update(SUBJECT).where(SUBJECT.c.id == addresses[8]).values(fraud=2))
        await connection.execute(update(SUBJECT).where(SUBJECT.c.id == card).values(good=2))
    async with ledger.read() as connection:
        me = (await subjects_of(connection, [key]))[key]
        once, twice = await links_of(connection, me), await links_of(connection, me, 2)
    assert [(one.kind, one.many) for one in once] == [("account", 1), ("card", 1), ("ip", 1), ("ip", 1), ("ip", 1), ("ip", 6)]
    assert once[2].subject == addresses[8]
    assert key not in {one.subject for one in once}
    assert [one.subject for one in twice[1].further] == [other]
    assert once[1].further == ()


async def test_a_hop_stops_where_many_share(ledger: Ledger) -> None:
    """Through what many good accounts share nobody is looked for."""
    me, card, other = (
        await subject(ledger, account("a1")),
        await subject(ledger, Entity("card", "c1")),
        await subject(ledger, account("a2")),
    )
    await _link(ledger, (me, card, "paid"), (other, card, "paid"))
    async with ledger.write() as connection:
        await connection.execute(update(SUBJECT).where(SUBJECT.c.id == card).values(good=6))
    async with ledger.read() as connection:
        (found,) = await links_of(connection, (await subjects_of(connection, [me]))[me], 2)
    assert found.shared
    assert found.further == ()


async def test_alike(ledger: Ledger) -> None:
    """Cases are alike by what their subjects share, then by their reasons; what many share says nothing."""
    ids = [await subject(ledger, account(name)) for name in ("a1", "a2", "a3", "a4")]
    card, mail = await subject(ledger, Entity("card", "c1")), await subject(ledger, Entity("email_domain", "mail.test"))
    await flagged(ledger, rule(anchor=account("a1")), rule(anchor=account("a2"), name="other"), rule(anchor=account("a3")))
    await flagged(ledger, model(anchor=account("a4")))
    await _link(ledger, (ids[0], card, "paid"), (ids[1], card, "paid"), (ids[0], mail, "paid"), (ids[3], mail, "paid"))
    async with ledger.read() as connection:
        number = (await connection.execute(select(CASE.c.number).where(CASE.c.anchor == ids[0]))).scalar_one()
        found = await alike(connection, number, [ids[0]])
    assert [(row.anchor, row.by) for row in found] == [(ids[1], card), (ids[2], None)]
