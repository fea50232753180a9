"""Appeals: a reference opens the decision, somebody else decides, and what is overturned does not stand any more."""

from secrets import token_hex

import pytest
from sqlalchemy import insert

from ratelimit.core.override import OverrideAsked
from ratelimit.core.principal import Principal
from ratelimit.ledger import api_tokens
from ratelimit.ledger.api_tokens import TokenRow
from ratelimit.ledger.tables.record import RECORD
from ratelimit.review.appeal import AppealAsked, Appeals, AppealView, AppealWord
from ratelimit.review.case_error import ConflictError, ForbiddenError, NotFoundError
from ratelimit.review.deed_check import SCOPE, DeedError
from tests.review.case_site import HOUR, NOW, account, bought, subject
from tests.review.deed_site import DeedSite

OVERTURNED = AppealWord("overturned", "the customer is known")
UPHELD = AppealWord("upheld", "seen it all")


@pytest.fixture
def appeals(site: DeedSite) -> Appeals:
    return Appeals(site.actions)


async def refused(site: DeedSite, name: str | None, reason: str = "override_block") -> str:
    """The id that a caller was told when a request of a1 was refused."""
    id = token_hex(8)
    row = {
        "id": id, "at": NOW, "decision": "block", "reason": reason, "limit_name": name, "method": "GET", "path": "/", "cost": 1,
        "account": await subject(site.ledger, account("a1")),
    }  # fmt: skip
    async with site.ledger.write() as connection:
        await connection.execute(insert(RECORD).values(row))
    return id


async def appealed(site: DeedSite, appeals: Appeals) -> tuple[AppealView, int]:
    """An appeal against a block by mia, and the block."""
    done = await site.act(site.mia, await site.case())
    reference = await refused(site, f"override:{done.override}")
    return await appeals.make(site.tom, AppealAsked(reference, "I <b>did</b> nothing")), done.id


async def test_overturned(site: DeedSite, appeals: Appeals) -> None:
    """The block does not stand any more, the caller is labelled good by the appeal, the case is closed."""
    made, action = await appealed(site, appeals)
    assert (made.state, made.against, made.due_at, made.text) == ("open", "mia", NOW + 48 * HOUR, "I <b>did</b> nothing")
    case = await site.of_case(made.case)
    assert (case.opened_by, case.barred, case.due_at) == ("appeal", site.mia.id, NOW + 48 * HOUR)
    decided = await appeals.decide(site.tom, made.id, OVERTURNED)
    assert (decided.state, decided.decided_by, site.words()) == ("overturned", "tom", [])
    assert (await site.row(action)).state == "undone"
    (label,) = await site.labels(source="appeal")
    assert (label.verdict, label.by, label.superseded_by) == ("good", "tom", None)
    assert (await site.of_case(made.case)).state == "closed"
    found = await appeals.figures(NOW - HOUR)
    assert (found.made, found.overturned, found.overturned_share) == (1, 1, 1.0)


async def test_upheld(site: DeedSite, appeals: Appeals) -> None:
    """The block stands, and the caller is labelled as what they are."""
    made, _ = await appealed(site, appeals)
    assert (await appeals.decide(site.tom, made.id, UPHELD)).state == "upheld"
    assert (site.thens(), [label.verdict for label in await site.labels(standing=True)]) == (["block"], ["abuse"])
    with pytest.raises(ConflictError, match="upheld before, by tom"):
        await appeals.decide(site.ada, made.id, OVERTURNED)


async def test_who_decided_first(site: DeedSite, appeals: Appeals) -> None:
    """Whoever decided first may neither decide the appeal nor act on its case; nor may it be closed in another way."""
    made, _ = await appealed(site, appeals)
    with pytest.raises(ForbiddenError, match="decision of yours"):
        await appeals.decide(site.mia, made.id, OVERTURNED)
    with pytest.raises(ForbiddenError, match="decision of yours"):
        await site.act(site.mia, made.case, "allow")
    with pytest.raises(ConflictError, match="upheld, or overturned"):
        await site.act(site.tom, made.case, "label", verdict="good", close=True)
    with pytest.raises(ForbiddenError):
        await appeals.decide(site.vic, made.id, OVERTURNED)
    with pytest.raises(DeedError, match="not for overturned"):
        await appeals.decide(site.tom, made.id, AppealWord("overturned", "w", "fraud"))


async def test_who_said_it_by_other_means(site: DeedSite, appeals: Appeals) -> None:
    """A word that somebody said without a case is theirs, and what a token decides is its maker's."""
    word = await site.overrides.add(OverrideAsked(target="account:a1", then="block", reason="old", author="mia", for_="2h"))
    made = await appeals.make(site.tom, AppealAsked(await refused(site, f"override:{word.id}"), "no"))
    row = TokenRow(id=0, name="ops", role="analyst", scopes=(), made_at=0.0, made_by=site.mia.id, until=None, used_at=None, revoked_at=None)
    async with site.ledger.write() as connection:
        number = await api_tokens.add(connection, row, bytes(32))
    token = Principal(id=-number, login="token:ops", name="ops", role="analyst", via="token", scopes=frozenset({SCOPE}))
    for who in (site.mia, token):
        with pytest.raises(ForbiddenError, match="decision of yours"):
            await appeals.decide(who, made.id, OVERTURNED)


async def test_twice(site: DeedSite, appeals: Appeals) -> None:
    """A decision has one open appeal; once that is decided there may be another."""
    made, _ = await appealed(site, appeals)
    again = await appeals.make(site.mia, AppealAsked(made.reference, "once more"))
    assert (again.id, len(await appeals.list("open"))) == (made.id, 1)
    await appeals.decide(site.tom, made.id, UPHELD)
    assert (await appeals.make(site.mia, AppealAsked(made.reference, "once more"))).id != made.id


async def test_against_whom(site: DeedSite, appeals: Appeals) -> None:
    """A rule, the model, a limit or a word that no deed made: each is named, and such a word is taken away."""
    word = await site.overrides.add(OverrideAsked(target="account:a1", then="block", reason="old", author="eve", for_="2h"))
    names = {f"override:{word.id}": "override", "rule:card-testing": "card-testing", "list:bad": "bad", "key": "key"}
    made = [await appeals.make(site.tom, AppealAsked(await refused(site, name), "no")) for name in names]
    assert [one.against for one in made] == list(names.values())
    model = await appeals.make(site.tom, AppealAsked(await refused(site, None, "risk_throttled"), "no"))
    assert model.against == "model"
    assert (await appeals.decide(site.mia, made[0].id, OVERTURNED)).state == "overturned"
    assert site.words() == []


async def test_a_purchase(site: DeedSite, appeals: Appeals) -> None:
    """A purchase's decision is found by its id, and labelled."""
    buyer = await subject(site.ledger, account("a1"))
    await bought(site.ledger, buyer, id="p1", record="told-1", decision="block", rule="rule:stolen")
    made = await appeals.make(site.tom, AppealAsked("told-1", "my own card"))
    assert (made.against, made.decision.purchase if made.decision else None) == ("stolen", "p1")
    await appeals.decide(site.mia, made.id, OVERTURNED)
    assert {(label.target_kind, label.verdict) for label in await site.labels()} == {("account", "good"), ("purchase", "good")}
    for _ in range(2):  # the second time is known
        await appeals.turn()
        assert (await site.inbox.state()).inbox == 1
    (told,) = [message for message in await site.told() if message.type == "case.decided"]
    assert '"purchases":["p1"]' in told.body


async def test_unknown(site: DeedSite, appeals: Appeals) -> None:
    """What nobody remembers cannot be appealed against."""
    for reference in ("nobody", "9", "\0", "é"):
        with pytest.raises(NotFoundError):
            await appeals.make(site.tom, AppealAsked(reference, "no"))
    with pytest.raises(NotFoundError):
        await appeals.decide(site.tom, 9, UPHELD)
