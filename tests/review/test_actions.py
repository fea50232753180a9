"""Deeds on a real ledger and a real store: what is in force, what is written down, and what a second or a faster one finds."""

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ratelimit.core.identity import Caller
from ratelimit.core.message import Entity
from ratelimit.core.override import BucketAsked, OverrideAsked
from ratelimit.core.principal import OPERATOR, Principal
from ratelimit.core.standing import Target
from ratelimit.ledger import api_tokens
from ratelimit.ledger.api_tokens import TokenRow
from ratelimit.review import lock
from ratelimit.review.cases import ConflictError, ForbiddenError, LockedError, NotFoundError
from ratelimit.review.deed import Deed
from ratelimit.review.deed_check import SCOPE, DeedError
from tests.review.case_site import bought, subject
from tests.review.deed_site import DeedSite, deed

HOUR = 3_600.0
CALLER = Caller(account="a1")


async def test_block(site: DeedSite) -> None:
    """A block is in force at once and ends by itself; the case, the audit and the site say who did it."""
    case = await site.case()
    seen = await site.of_case(case)
    done = await site.act(site.mia, case, version=seen.version, pick="leaked_key")
    assert (done.state, done.until, done.version, done.case) == ("in_force", site.wall() + 24 * HOUR, seen.version + 1, case)
    assert site.blocked(CALLER)
    (word,) = site.words()
    assert (word.id, word.author, word.reason) == (done.override, "mia", "leaked key: seen it")
    row = await site.of_case(case)
    assert (row.acted, row.acted_by, row.acted_until, row.state) == ("block", "mia", done.until, "open")
    (entry,) = await site.audit(kind="acted")
    assert (entry.actor, entry.case, (entry.content or {})["reason"]) == ("mia", case, "leaked key: seen it")
    assert [(message.type, '"state":"set"' in message.body) for message in await site.told()] == [("override.set", True)]
    site.wall.now += 24 * HOUR
    assert not site.blocked(CALLER)
    await site.actions.reconcile.turn()
    assert (await site.row(done.id)).state == "expired"


async def test_same_key(site: DeedSite) -> None:
    """The same key is the same deed; another deed by that key is refused, another person's key is their own."""
    case = await site.case()
    asked = deed()
    first = await site.actions.act(site.mia, case, asked)
    again = await site.actions.act(site.mia, case, asked)
    assert (again.id, again.repeated, first.repeated) == (first.id, True, False)
    assert (await site.actions.act(site.tom, case, asked)).id != first.id
    with pytest.raises(ConflictError, match="expected a new key"):
        await site.actions.act(site.mia, case, deed("allow", key=asked.key))


async def test_same_key_of_another(site: DeedSite) -> None:
    """What was done about one is not said to be done about another, nor of another purchase."""
    for name in ("a1", "a2"):
        await site.case(anchor=Entity("account", name))
    buyer = await subject(site.ledger, Entity("account", "a1"))
    for id in ("p1", "p2"):
        await bought(site.ledger, buyer, id=id, record=f"r-{id}")
    first, refund = deed(target="account:a1"), deed("refund", purchase="p1")
    for asked, other in ((first, {"target": "account:a2"}), (refund, {"purchase": "p2"})):
        await site.actions.act(site.mia, None, asked)
        assert (await site.actions.act(site.mia, None, asked)).repeated
        with pytest.raises(ConflictError, match="expected a new key"):
            await site.actions.act(site.mia, None, replace(asked, **other))


async def test_same_key_at_once(site: DeedSite) -> None:
    """Of ten that come at once by one key one is done."""
    case, asked = await site.case(), deed()
    found = await asyncio.gather(*(site.actions.act(site.mia, case, asked) for _ in range(10)))
    assert {done.id for done in found} == {found[0].id}
    assert sorted(done.repeated for done in found) == [False] + [True] * 9
    assert len(site.words()) == 1


async def test_faster(site: DeedSite) -> None:
    """Of two who saw the same case one is told who was faster."""
    case = await site.case()
    version = (await site.of_case(case)).version
    await site.act(site.mia, case, version=version)
    with pytest.raises(ConflictError, match=f"C-{case} has changed since you saw it: Blocked by mia"):
        await site.act(site.tom, case, "allow", version=version)
    assert site.thens() == ["block"]


async def test_closed_meanwhile(site: DeedSite) -> None:
    """Nobody decides unknowingly what somebody else has decided; who has seen that it is closed may decide it anew."""
    case = await site.case()
    first = await site.act(site.mia, case, "label", verdict="fraud", close=True)
    with pytest.raises(ConflictError, match="closed already, as fraud"):
        await site.act(site.tom, case, "label", verdict="good", close=True)
    assert [label.verdict for label in await site.labels(standing=True)] == ["fraud"]
    await site.act(site.tom, case, "label", verdict="good", close=True, version=first.version)
    assert [label.verdict for label in await site.labels(standing=True)] == ["good"]


async def test_locked(site: DeedSite) -> None:
    """Who has not the lock does nothing while somebody else has it."""
    case = await site.case()
    await site.change_case(case, locked_by=site.tom.id, locked_until=site.wall() + 60)
    with pytest.raises(LockedError):
        await site.act(site.mia, case)
    site.wall.now += 60
    await site.act(site.mia, case)


async def test_replaces(site: DeedSite) -> None:
    """The latest deed is what stands, whatever would have won; undone, the one before stands again with its old end."""
    case = await site.case()
    block = await site.act(site.mia, case, span="7d", target=None, reason="first")
    until = (await site.row(block.id)).until
    allow = await site.act(site.tom, case, "allow", span="1h")
    assert site.thens() == ["allow"]
    assert (await site.row(block.id)).state == "replaced"
    with pytest.raises(ConflictError, match="a later one took its place"):
        await site.actions.undo(site.mia, block.id)
    site.wall.now += HOUR / 2
    await site.actions.undo(site.tom, allow.id, "mistaken")
    (word,) = site.words()
    assert (word.then, word.id, word.until) == ("block", block.override, until)
    assert [(await site.row(one.id)).state for one in (block, allow)] == ["proposed", "undone"]


async def test_restores_what_people_said_elsewhere(site: DeedSite) -> None:
    """A word that was said through the overrides is replaced as well, and restored; one that has ended meanwhile is not."""
    case = await site.case()
    said = await site.overrides.add(OverrideAsked(target="account:a1", then="block", reason="old", author="eve", for_="2h"))
    done = await site.act(site.mia, case, "allow")
    assert site.thens() == ["allow"]
    await site.actions.undo(site.mia, done.id)
    assert [word.id for word in site.words()] == [said.id]
    done = await site.act(site.mia, case, "allow")
    site.wall.now += 2 * HOUR
    await site.actions.undo(site.mia, done.id)
    assert site.words() == []
    told = [message.body for message in await site.told() if said.id in message.body]
    assert sum('"state":"set"' in body for body in told) == 2  # as it was said, and as it was restored once


async def test_second_person(site: DeedSite) -> None:
    """An account is blocked for longer than 72 h by two people: until the second agrees it ends after 72 h."""
    case = await site.case()
    done = await site.act(site.mia, case, span="30d")
    hours = [round((until - site.wall()) / HOUR) for until in (done.until or 0, done.wanted_until or 0)]
    assert (done.state, done.needs_second, hours) == ("proposed", True, [72, 720])
    assert site.words()[0].until == done.until
    for who in (site.mia, site.vic):
        with pytest.raises(ForbiddenError):
            await site.actions.approve(who, done.id)
    assert [view.id for view in await site.actions.waiting(site.tom)] == [done.id]
    approved = await site.actions.approve(site.tom, done.id)
    assert (approved.state, approved.until) == ("in_force", done.wanted_until)
    assert site.words()[0].until == done.wanted_until
    with pytest.raises(ConflictError, match="by tom"):
        await site.actions.approve(site.ada, done.id)


async def test_second_person_against(site: DeedSite) -> None:
    """Refused, it ends after its 72 h."""
    done = await site.act(site.mia, await site.case(), span="7d")
    refused = await site.actions.refuse(site.tom, done.id, "too long")
    assert (refused.state, site.words()[0].until) == ("in_force", done.until)
    assert await site.actions.waiting(site.tom) == []


async def test_a_token_makes_nobody_two_people(site: DeedSite) -> None:
    """Whoever made a token does not approve what it did; and neither it nor the deployment's token is a second person."""
    made = TokenRow(
        id=0, name="ops", role="admin", scopes=(SCOPE,), made_at=0.0, made_by=site.ada.id, until=None, used_at=None, revoked_at=None
    )
    async with site.ledger.write() as connection:
        number = await api_tokens.add(connection, made, bytes(32))
    token = Principal(id=-number, login="token:ops", name="ops", role="admin", via="token", scopes=frozenset({SCOPE}))
    by_token = await site.act(token, await site.case(), span="30d")
    by_ada = await site.act(site.ada, await site.case(anchor=Entity("account", "a2")), span="30d")
    for who, done in ((site.ada, by_token), (token, by_ada), (OPERATOR, by_ada)):
        with pytest.raises(ForbiddenError):
            await site.actions.approve(who, done.id)
    assert (await site.actions.approve(site.tom, by_token.id)).state == "in_force"


async def test_a_token_has_no_case_of_a_person(site: DeedSite) -> None:
    """A token and a person whose numbers are the same are two."""
    case = await site.case()
    async with site.ledger.write() as connection:
        await lock.take(connection, site.mia, case, site.wall())
    token = Principal(id=-site.mia.id, login="token:ops", name="ops", role="analyst", via="token", scopes=frozenset({SCOPE}))
    with pytest.raises(LockedError):
        await site.act(token, case)


async def test_second_person_is_not_gone_round(site: DeedSite) -> None:
    """Blocks of 72 h in a row are one of longer than that."""
    case = await site.case()
    first = await site.act(site.mia, case, span="72h")
    site.wall.now += 71 * HOUR
    second = await site.act(site.mia, case, span="24h")
    assert [first.needs_second, second.needs_second] == [False, True]
    await site.overrides.add(OverrideAsked(target="account:a2", then="block", reason="old", author="mia", for_="72h"))
    site.wall.now += 71 * HOUR
    assert (await site.act(site.mia, await site.case(anchor=Entity("account", "a2")), span="24h")).needs_second
    assert not (await site.act(site.mia, await site.case(anchor=Entity("api_key", "k" * 26)), span="30d")).needs_second


async def test_a_tiny_bucket_is_a_block(site: DeedSite) -> None:
    """By whatever name: less than a quarter of the smallest plan (here 1/s) is for two people beyond 72 h, what stood before included."""
    case = await site.case()
    done = [
        await site.act(site.mia, case, "throttle", bucket=BucketAsked(capacity=100, refill=refill), span=span)
        for refill, span in (("15/min", "30d"), ("1/d", "72h"), ("14/min", "30d"))
    ]
    assert [(one.needs_second, one.state) for one in done] == [(False, "in_force"), (False, "in_force"), (True, "proposed")]
    assert (await site.actions.approve(site.tom, done[-1].id)).until == done[-1].wanted_until
    other = await site.case(anchor=Entity("account", "a2"))
    await site.act(site.mia, other, "throttle", bucket=BucketAsked(capacity=1, refill="1/d"), span="72h")
    site.wall.now += 71 * HOUR
    assert (await site.act(site.mia, other, span="24h")).needs_second


async def test_linked_entity(site: DeedSite) -> None:
    """A deed is about the anchor of its case, or about whom it names, by subject or in words."""
    key = Entity("api_key", "abcdefghijklmnopqrstuvwxyz")
    case = await site.case(key)
    about = Target("api_key", key.value)
    named = await site.act(site.mia, case, "throttle", target=f"api_key:{key.value}")
    assert (site.thens(about), site.words()) == (["throttle"], [])
    await site.actions.undo(site.mia, named.id)
    by_id = await site.act(site.mia, None, "block", target=str(await subject(site.ledger, key)))
    assert (site.thens(about), by_id.case) == (["block"], None)


@pytest.mark.parametrize(
    ("then", "more", "path", "text"),
    [
        ("block", {"reason": " "}, "$.reason", "hurts somebody"),
        ("throttle", {"reason": ""}, "$.reason", "hurts somebody"),
        ("block", {"pick": "leaked_kay"}, "$.pick", "leaked_key"),
        ("allow", {"bucket": {"capacity": 1, "refill": "1/s"}}, "$.bucket", "beside throttle"),
        ("release", {}, "$.purchase", "id of the purchase to release"),
        ("refund", {"purchase": "p9"}, "$.purchase", "no purchase of that id"),
        ("label", {}, "$.verdict", "what it turned out to be"),
        ("block", {"close": True}, "$.verdict", "closes with a label"),
        ("rotate_key", {}, "$.target", "not for an account"),
        ("block", {"target": "account:nobody"}, "$.target", "nobody of that name"),
        ("block", {"target": "acount:a1"}, "$.target", "account"),
        ("block", {"target": "123456"}, "$.target", "nobody of that name"),
        ("throttle", {"bucket": {"capacity": 1, "refill": "1/x"}}, "$.bucket.refill", "unknown unit"),
    ],
)
async def test_mistakes(site: DeedSite, then: str, more: dict[str, Any], path: str, text: str) -> None:
    """What cannot be is said with its place, and nothing is done."""
    case = await site.case()
    asked = msgspec.convert({"then": then, "key": "k" * 8, "reason": "why", **more}, Deed)
    with pytest.raises(DeedError, match=text) as found:
        await site.actions.act(site.mia, case, asked)
    assert found.value.path == path
    assert (await site.audit(kind="acted"), site.words()) == ([], [])


async def test_who_may(site: DeedSite) -> None:
    """A viewer does nothing; a case that is not there is said to be missing."""
    case = await site.case()
    with pytest.raises(ForbiddenError):
        await site.act(site.vic, case)
    with pytest.raises(NotFoundError):
        await site.act(site.mia, 99)


async def test_decided_blindly(site: DeedSite) -> None:
    """Whoever is to decide blindly is told what they did themselves alone, until it is decided."""
    case = await site.case()
    await site.act(site.mia, case)
    await site.change_case(case, blind=True)
    mine = await site.act(site.tom, case, "label", verdict="good")
    assert [[view.id for view in await site.actions.of_case(who, case)] for who in (site.tom, site.ada)] == [[mine.id], []]
    assert await site.actions.in_force(site.tom, case) == []
    await site.change_case(case, state="closed")
    assert len(await site.actions.of_case(site.tom, case)) == 2


async def test_a_viewer_sees_in_part(site: DeedSite) -> None:
    """Who may look and not act sees a name in part, and reasons without the emails and addresses in them."""
    case = await site.case(anchor=Entity("account", "halden-studio"))
    done = await site.act(site.mia, case, reason="asked by quinn@mailbox.test")
    await site.actions.undo(site.mia, done.id, "not 203.0.113.77")
    assert [(await site.actions.of_case(who, case))[0].shown for who in (site.tom, site.vic)] == ["halden-studio", "halde•••"]
    found = [(await site.actions.of_case(who, case))[0] for who in (site.tom, site.vic)]
    assert [(one.reason.rpartition(" ")[2], one.undone_why) for one in found] == [
        ("quinn@mailbox.test", "not 203.0.113.77"),
        ("q•••@mailbox.test", "not 203.0.113.•"),
    ]
    assert "quinn@" not in str(found[1])
