"""What deeds do beyond the ledger: holds, webhooks, facts about purchases; and what is left by a crash is finished, once."""

from typing import Any

import msgspec
import pytest

from ratelimit.core.hold import withheld
from ratelimit.core.message import Entity
from ratelimit.core.standing import Target
from ratelimit.ledger import actions
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.case_error import ConflictError
from ratelimit.service.ask import StoreAwayError
from ratelimit.stores.client import RedisStore
from tests.review.case_site import HOUR, NOW, account, bought, flagged, rule, subject
from tests.review.deed_site import DeedSite, deed_site
from tests.stores.conftest import Node

KEY = Entity("api_key", "abcdefghijklmnopqrstuvwxyz")


async def told(site: DeedSite, kind: str) -> list[dict[str, Any]]:
    """What the site is told of that kind."""
    return [msgspec.json.decode(message.body)["data"] for message in await site.told() if message.type == kind]


async def buys(site: DeedSite, *, id: str = "p1", tokens: int = 1_000, at: float = NOW - HOUR, **more: Any) -> None:
    await bought(site.ledger, await subject(site.ledger, account("a1")), id=id, tokens=tokens, at=at, **more)


def held(site: DeedSite) -> dict[str, int]:
    """Tokens that may not be spent, by purchase."""
    found = site.holds.account("a1")
    return {hold.purchase: withheld(hold, site.wall()) for hold in found.holds} if found is not None else {}


async def spendable(site: DeedSite) -> int | None:
    found = site.holds.account("a1")
    assert found is not None
    return (await site.holds.spending(found)).spendable


async def test_hold(site: DeedSite) -> None:
    """Half of what is left of each purchase is held, the rest may be spent; undone, all of it may."""
    await buys(site)
    await buys(site, id="p2", tokens=500, at=NOW - HOUR / 2)
    case = await site.case()
    done = await site.act(site.mia, case, "hold", share=0.5)
    assert (done.state, held(site), await spendable(site)) == ("in_force", {"p1": 500, "p2": 250}, 750)
    await site.actions.undo(site.mia, done.id)
    assert (held(site), await spendable(site)) == ({"p1": 0, "p2": 0}, 1_500)


async def test_hold_one(site: DeedSite) -> None:
    """Of one purchase that is named; it lapses by itself."""
    await buys(site)
    await buys(site, id="p2", tokens=500)
    await site.act(site.mia, None, "hold", target="account:a1", purchase="p2", span="1h")
    assert held(site) == {"p2": 500}
    site.wall.now += HOUR
    assert held(site) == {"p2": 0}


async def test_hold_of_a_key(site: DeedSite) -> None:
    """In a case about a key the tokens of the account that it is of are held; where none is known that is said."""
    with pytest.raises(ConflictError, match="no tokens are left"):
        await site.act(site.mia, await site.case(), "hold")
    case = await site.case(anchor=KEY)
    with pytest.raises(Exception, match="hold is not for an api_key"):
        await site.act(site.mia, case, "hold")


async def test_release_and_revoke(site: DeedSite) -> None:
    """A hold is released, and held again by an undo as it was; revoked, and held again; what is not held says so."""
    await buys(site)
    first = await site.act(site.mia, await site.case(), "hold", share=0.4)
    released = await site.act(site.mia, None, "release", purchase="p1", reason="")
    assert (released.state, released.case, held(site)) == ("done", None, {"p1": 0})
    with pytest.raises(ConflictError, match="released already, by mia"):
        await site.act(site.mia, None, "revoke", purchase="p1")
    await site.actions.undo(site.mia, released.id)
    account_ = site.holds.account("a1")
    assert account_ is not None
    assert (held(site), account_.holds[0].lapses_at) == ({"p1": 400}, first.until)
    revoked = await site.act(site.mia, None, "revoke", purchase="p1")
    assert (site.holds.account("a1") or account_).holds[0].state == "revoked"
    await site.actions.undo(site.mia, revoked.id)
    assert ((site.holds.account("a1") or account_).holds[0].state, held(site)) == ("held", {"p1": 400})


async def test_new_key(site: DeedSite) -> None:
    """The site is told once to make a new key, and the old one is blocked; undone, it is not blocked any more."""
    case = await site.case(anchor=KEY)
    done = await site.act(site.mia, case, "rotate_key", pick="leaked_key")
    about = Target("api_key", KEY.value)
    assert (site.thens(about), done.told) == (["block"], ("site.example",))
    (said,) = await told(site, "key.rotate")
    assert said == {"reason": "leaked key: seen it", "by": "mia", "case": f"C-{case}", "api_key": KEY.value}
    await site.actions.undo(site.mia, done.id)
    assert site.thens(about) == []


async def test_refund(site: DeedSite) -> None:
    """The site is told what to refund and report, once, and nobody takes it back."""
    await buys(site, amount_minor=2_500)
    for then, kind in (("refund", "purchase.refund"), ("report_fraud", "fraud.report")):
        done = await site.act(site.mia, None, then, purchase="p1", pick="stolen_card")
        assert done.state == "done"
        await site.actions.reconcile.turn()
        (said,) = await told(site, kind)
        assert said == {
            "reason": "stolen card: seen it", "by": "mia", "case": None, "account": "a1", "purchase": "p1", "attempt": 1, "amount": 2_500,
            "currency": "EUR",
        }  # fmt: skip
        with pytest.raises(ConflictError, match="the site was told"):
            await site.actions.undo(site.ada, done.id)


async def test_nobody_to_tell(ledger: Ledger, own_store: RedisStore, own_node: Node) -> None:
    """Where the site is told nothing, what it alone could do is refused."""
    async with deed_site(ledger, own_store, own_node.url, tells=False) as site:
        with pytest.raises(ConflictError, match="no RATELIMIT_WEBHOOK_URL"):
            await site.act(site.mia, await site.case(anchor=KEY), "rotate_key", pick="leaked_key")
        await site.act(site.mia, await site.case())
        assert await site.told() == []


async def test_decided(site: DeedSite) -> None:
    """A case that is closed is told, and its verdict is a fact about each of its purchases; so is that it was undone."""
    await buys(site)
    await flagged(site.ledger, rule(anchor=account("a1"), purchase="p1", attempt=1))
    case = await site.case()
    done = await site.act(site.mia, case, verdict="fraud", close=True)
    (said,) = await told(site, "case.decided")
    assert (said["case"], said["verdict"], said["then"], said["purchases"]) == (f"C-{case}", "fraud", "block", ["p1"])
    assert (await site.inbox.state()).inbox == 1
    assert {(one.target_kind, one.purchase) for one in await site.labels()} == {("account", None), ("purchase", "p1")}
    await site.actions.undo(site.mia, done.id)
    assert (await site.inbox.state()).inbox == 2
    assert await site.labels(standing=True) == []


class Away:
    """In place of what tells the store: it is away until it is `there`."""

    def __init__(self, say: Any) -> None:
        self.there, self._say = False, say

    async def __call__(self, *args: Any) -> None:
        if not self.there:
            raise StoreAwayError
        await self._say(*args)


@pytest.fixture
def away(site: DeedSite, monkeypatch: pytest.MonkeyPatch) -> Away:
    """The words of a store that is away."""
    found = Away(site.overrides.say)
    monkeypatch.setattr(site.overrides, "say", found)
    return found


async def test_store_away(site: DeedSite, away: Away) -> None:
    """What the store cannot be told is written down, and is done when it is there, until when it was to last."""
    case = await site.case()
    done = await site.act(site.mia, case)
    assert (done.state, site.words()) == ("intended", [])
    assert [view.state for view in await site.actions.in_force(site.mia, case)] == ["intended"]
    assert await site.actions.reconcile.turn() == 0  # too young: it may be under way
    site.wall.now += 60
    assert await site.actions.reconcile.turn() == 0
    away.there = True
    assert await site.actions.reconcile.turn() == 1
    assert ((await site.row(done.id)).state, site.words()[0].until) == ("in_force", done.until)
    assert await site.actions.reconcile.turn() == 0


async def test_replaced_before_it_was_in_force(site: DeedSite, away: Away) -> None:
    """Of two that waited for the store the later one is in force."""
    case = await site.case()
    first = await site.act(site.mia, case)
    second = await site.act(site.tom, case, "allow")
    site.wall.now += 60
    away.there = True
    await site.actions.reconcile.turn()
    assert ([(await site.row(one.id)).state for one in (first, second)], site.thens()) == (["replaced", "in_force"], ["allow"])


async def test_crash_before_it_is_confirmed(site: DeedSite) -> None:
    """A process that ends after the store was told leaves a row that another finishes; the site hears of it once."""
    done = await site.act(site.mia, await site.case())
    (word,) = site.words()
    async with site.ledger.write() as connection:
        await actions.change(connection, done.id, "in_force", state="intended")
    site.wall.now += 60
    assert await site.actions.reconcile.turn() == 1
    assert ((await site.row(done.id)).state, site.words()) == ("in_force", [word])
    assert len(await told(site, "override.set")) == 1


async def test_crash_in_an_undo(site: DeedSite) -> None:
    """So does an undo."""
    case = await site.case()
    throttle = await site.act(site.mia, case, "throttle")
    block = await site.act(site.mia, case)
    async with site.ledger.write() as connection:
        await actions.change(connection, block.id, "in_force", state="undoing", undone_at=NOW, undone_by="mia")
    site.wall.now += 60
    assert await site.actions.reconcile.turn() == 1
    assert (site.thens(), (await site.row(throttle.id)).state) == (["throttle"], "in_force")


async def test_replaced_in_the_very_moment(site: DeedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deed whose place another takes while the store is being told of it leaves no word behind."""
    case, say = await site.case(), site.overrides.say
    later: list[Any] = []

    async def told_meanwhile(*args: Any) -> None:
        if not later:
            later.append(None)
            later.append(await site.act(site.tom, case, "throttle"))
        await say(*args)

    monkeypatch.setattr(site.overrides, "say", told_meanwhile)
    first = await site.act(site.mia, case)
    assert (first.state, later[1].state, site.thens()) == ("replaced", "in_force", ["throttle"])


async def test_finished_by_two_at_once(site: DeedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two finish at the same time stands; what is undone meanwhile does not."""
    case, say = await site.case(), site.overrides.say
    meanwhile: list[str] = []

    async def told_meanwhile(*args: Any) -> None:
        await say(*args)
        if not meanwhile:
            meanwhile.append("once")
            site.wall.now += 60
            assert await site.actions.reconcile.turn() == 1

    monkeypatch.setattr(site.overrides, "say", told_meanwhile)
    done = await site.act(site.mia, case)
    assert (done.state, site.thens()) == ("in_force", ["block"])

    async def undone_meanwhile(*args: Any) -> None:
        await say(*args)
        if len(meanwhile) == 1:
            meanwhile.append("twice")
            async with site.ledger.read() as connection:
                (row,) = await actions.in_state(connection, ["intended"], site.wall() + 1, 1)
            await site.actions.undo(site.mia, row.id)

    monkeypatch.setattr(site.overrides, "say", undone_meanwhile)
    undone = await site.act(site.mia, case, "allow")
    assert (undone.state, site.thens()) == ("undone", ["block"])
