"""What admins do with accounts and tokens, on SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ratelimit.core.principal import OPERATOR
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.account import AccountError, Change, Invited, TokenAsked
from ratelimit.review.audit_check import verify
from tests.review.front import GOOD, HERE, Front, front_on


@pytest.fixture
async def front(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Front]:
    async with front_on(ledger, tmp_path) as made:
        yield made


async def test_invited(front: Front) -> None:
    """By a link that works once; a newer one takes its place. Nobody comes in without a password."""
    made = await front.accounts.invite(OPERATOR, Invited("Tomas@Example.com", "Tomas", "analyst"))
    assert (made.person.login, made.person.state, made.person.invited_until) == ("tomas@example.com", "invited", made.until)
    with pytest.raises(AccountError):
        await front.entry.log_in("tomas@example.com", "", HERE)
    newer = await front.accounts.new_link(OPERATOR, made.person.id)
    with pytest.raises(AccountError, match="does not work"):
        await front.entry.link(made.link)
    view = await front.entry.link(newer.link)
    assert (view.login, view.name, view.role) == ("tomas@example.com", "Tomas", "analyst")
    secret = await front.entry.use_link(newer.link, GOOD, HERE, login="eve", name="Eve")  # which is not theirs to say
    assert (await front.known(secret)).login == "tomas@example.com"
    with pytest.raises(AccountError, match="does not work"):
        await front.entry.use_link(newer.link, GOOD, HERE)
    assert [(person.login, person.state) for person in await front.accounts.people()] == [("tomas@example.com", "active")]


async def test_a_login_is_one_persons(front: Front) -> None:
    """In whatever letters it is written."""
    await front.person("mira")
    with pytest.raises(AccountError) as found:
        await front.accounts.invite(OPERATOR, Invited("MIRA", "Another", "viewer"))
    assert (found.value.kind, found.value.path) == ("conflict", "login")


@pytest.mark.parametrize("login", ["Operator", "ratelimit", "canary"])
async def test_nobody_is_called_like_the_program(front: Front, login: str) -> None:
    """Else the audit would say of a person that the program did it."""
    with pytest.raises(AccountError, match="a part of the program") as found:
        await front.accounts.invite(OPERATOR, Invited(login, "Somebody", "viewer"))
    assert (found.value.kind, found.value.path) == ("conflict", "login")


async def test_a_token_is_nobody(front: Front) -> None:
    """It makes another link for who has not come yet, and none for who has a password: whoever has the token could come in as them."""
    _, ada = await front.person("ada", "admin")
    token = await front.principals.of_token((await front.tokens.make(ada, TokenAsked("ops", "admin", ("users:write",)))).token)
    assert token is not None
    new = await front.accounts.invite(token, Invited("new", "New", "analyst"))
    assert (await front.accounts.new_link(token, new.person.id)).link != new.link
    with pytest.raises(AccountError, match="a token sets nobody's") as found:
        await front.accounts.new_link(token, ada.id)
    assert found.value.kind == "forbidden"


async def test_no_link_for_oneself(front: Front) -> None:
    """Whoever sits down at an open session does not get the password by it."""
    _, ada = await front.person("ada", "admin")
    _, bea = await front.person("bea", "admin")
    with pytest.raises(AccountError, match="with the one that you have"):
        await front.accounts.new_link(ada, ada.id)
    assert (await front.accounts.new_link(bea, ada.id)).person.login == "ada"


async def test_another_role(front: Front) -> None:
    """It counts at once here, and within seconds elsewhere; the audit has before and after."""
    secret, mira = await front.person("mira", "admin")
    await front.person("ada", "admin")
    assert (await front.known(secret)).role == "admin"
    await front.accounts.change(OPERATOR, mira.id, Change(role="viewer"))
    assert (await front.known(secret)).role == "viewer"
    (entry,) = await front.audit(kind="person.changed")
    assert entry.content == {"person": mira.id, "login": "mira", "role": ["admin", "viewer"], "by": 0}


async def test_disabled(front: Front) -> None:
    """Sessions end at once and a link does not bring them back; enabled again, they log in anew."""
    secret, mira = await front.person("mira")
    link = await front.accounts.new_link(OPERATOR, mira.id)
    await front.accounts.change(OPERATOR, mira.id, Change(disabled=True))
    assert await front.principals.of_session(secret) is None
    assert await front.sessions.of(mira.id) == []
    with pytest.raises(AccountError, match="does not work"):
        await front.entry.use_link(link.link, GOOD, HERE)
    with pytest.raises(AccountError, match="enable"):
        await front.accounts.new_link(OPERATOR, mira.id)
    await front.accounts.change(OPERATOR, mira.id, Change(disabled=False))
    assert await front.principals.of_session(secret) is None
    assert await front.entry.log_in("mira", GOOD, HERE)


async def test_disabled_by_another_process(front: Front) -> None:
    """It is seen within two seconds, though the session is still there."""
    secret, mira = await front.person("mira")
    other = Front(front.ledger, front.store)
    assert (await front.known(secret)).role == "analyst"
    await other.accounts.change(OPERATOR, mira.id, Change(role="viewer"))
    assert (await front.known(secret)).role == "analyst"
    await front.later()
    assert (await front.known(secret)).role == "viewer"
    other.passwords.close()


@pytest.mark.parametrize("change", [Change(disabled=True), Change(role="analyst"), Change(role="viewer", disabled=True)])
async def test_the_last_admin_stays(front: Front, change: Change) -> None:
    """Whoever else there is: an admin who is invited or disabled does not count."""
    _, ada = await front.person("ada", "admin")
    _, out = await front.person("out", "admin")
    await front.person("mira")
    await front.accounts.invite(OPERATOR, Invited("new", "New", "admin"))
    await front.accounts.change(OPERATOR, out.id, Change(disabled=True))
    with pytest.raises(AccountError, match="last admin"):
        await front.accounts.change(OPERATOR, ada.id, change)
    await front.accounts.change(OPERATOR, ada.id, Change(name="Ada L."))


async def test_two_admins_who_leave_at_once(front: Front) -> None:
    """One of them stays."""
    ids = [(await front.person(login, "admin"))[1].id for login in ("ada", "bo")]
    told = await asyncio.gather(*(front.accounts.change(OPERATOR, id, Change(role="viewer")) for id in ids), return_exceptions=True)
    assert sum(isinstance(one, AccountError) for one in told) == 1
    assert [person.role for person in await front.accounts.people()].count("admin") == 1


async def test_sessions(front: Front) -> None:
    """A person sees their own, and ends one or all others; an admin ends all of another's."""
    first, mira = await front.person("mira")
    second, third = await front.entry.log_in("mira", GOOD, HERE), await front.entry.log_in("mira", GOOD, HERE)
    views = await front.accounts.sessions(mira, mira.id)
    assert (len(views), [view.id for view in views if view.current]) == (3, [mira.session])
    other = (await front.known(second)).session
    assert other is not None
    await front.accounts.end_session(mira, mira.id, other)
    assert await front.principals.of_session(second) is None
    with pytest.raises(AccountError, match="no such session"):
        await front.accounts.end_session(mira, mira.id, other)
    assert await front.accounts.end_sessions(mira, mira.id) == 1
    assert [await front.principals.of_session(secret) is not None for secret in (first, third)] == [True, False]
    _, ada = await front.person("ada", "admin")
    assert await front.accounts.end_sessions(ada, mira.id) == 1
    assert await front.principals.of_session(first) is None


async def test_tokens(front: Front) -> None:
    """It works with its role and scopes, until it ends or is revoked; the ledger has no secret."""
    _, ada = await front.person("ada", "admin")
    made = await front.tokens.make(ada, TokenAsked("ci", "analyst", ("cases:read", "records:read"), 30))
    found = await front.principals.of_token(made.token)
    assert found is not None
    assert (found.login, found.role, found.via) == ("token:ci", "analyst", "token")
    assert found.id < 0
    assert (found.may("analyst", "cases:read"), found.may("viewer", "cases:write"), found.may("admin", "cases:read")) == (
        True,
        False,
        False,
    )
    (view,) = await front.tokens.all()
    assert (view.state, view.used_at, view.made_by, made.token in repr(view)) == ("works", front.now, "ada", False)
    for wrong in (made.token + "x", made.token[:-1], "rlt_", "rlt_" + "é" * 10, "rlt_" + "x" * 1_000_000):
        assert await front.principals.of_token(wrong) is None
    await front.tokens.revoke(ada, made.view.id)
    assert await front.principals.of_token(made.token) is None
    with pytest.raises(AccountError, match="revoked before"):
        await front.tokens.revoke(ada, made.view.id)
    ends = await front.tokens.make(ada, TokenAsked("ci", "viewer", ("cases:read",), 1))
    front.now += 86_399
    assert await front.principals.of_token(ends.token) is not None
    front.now += 1
    assert await front.principals.of_token(ends.token) is None


async def test_a_token_goes_with_its_maker(front: Front) -> None:
    """It has no larger role than they have now, and ends when they are out."""
    _, ada = await front.person("ada", "admin")
    await front.person("bo", "admin")
    made = await front.tokens.make(ada, TokenAsked("ci", "admin", ("users:write",)))
    await front.accounts.change(OPERATOR, ada.id, Change(role="viewer"))
    found = await front.principals.of_token(made.token)
    assert found is not None
    assert found.role == "viewer"
    await front.accounts.change(OPERATOR, ada.id, Change(disabled=True))
    assert await front.principals.of_token(made.token) is None


async def test_who_makes_tokens(front: Front) -> None:
    """Nobody gives more than they have, and a token makes none."""
    _, mira = await front.person("mira")
    with pytest.raises(AccountError) as found:
        await front.tokens.make(mira, TokenAsked("x", "admin", ("users:write",)))
    assert (found.value.kind, found.value.path) == ("forbidden", "role")
    made = await front.tokens.make(OPERATOR, TokenAsked("x", "admin", ("users:write",)))
    token = await front.principals.of_token(made.token)
    assert token is not None
    with pytest.raises(AccountError, match="a token makes no tokens"):
        await front.tokens.make(token, TokenAsked("y", "viewer", ("cases:read",)))


async def test_still(front: Front) -> None:
    """Whoever is answered for long is asked after: a session that ended, another role, somebody out, a token that was revoked."""
    secret, mira = await front.person("mira")
    _, bo = await front.person("bo")
    _, eve = await front.person("eve")
    made = await front.tokens.make(OPERATOR, TokenAsked("ci", "viewer", ("cases:read",)))
    token = await front.principals.of_token(made.token)
    assert token is not None
    assert [await front.principals.still(who) for who in (OPERATOR, mira, bo, eve, token)] == [True] * 5
    await front.accounts.end_sessions(OPERATOR, mira.id)
    await front.accounts.change(OPERATOR, bo.id, Change(role="viewer"))
    await front.accounts.change(OPERATOR, eve.id, Change(disabled=True))
    await front.tokens.revoke(OPERATOR, made.view.id)
    assert [await front.principals.still(who) for who in (OPERATOR, mira, bo, eve, token)] == [True, False, False, False, False]
    assert await front.principals.of_session(secret) is None


async def test_all_is_in_the_audit(front: Front) -> None:
    """Each change of accounts and tokens is an entry, with who did it, and the chain is whole."""
    secret, ada = await front.person("ada", "admin")
    made = await front.accounts.invite(ada, Invited("mira", "Mira", "viewer"))
    await front.accounts.new_link(ada, made.person.id)
    await front.accounts.change(ada, made.person.id, Change(role="analyst"))
    await front.accounts.end_sessions(ada, ada.id)
    token = await front.tokens.make(ada, TokenAsked("ci", "viewer", ("cases:read",)))
    await front.tokens.revoke(ada, token.view.id)
    assert [entry.kind for entry in reversed(await front.audit(actor="ada"))] == [
        "password.set", "person.invited", "password.link", "person.changed", "token.made", "token.revoked",
    ]  # fmt: skip
    text = str([entry.content for entry in await front.audit()])
    assert made.link not in text
    assert token.token not in text
    assert secret not in text
    async with front.ledger.read() as connection:
        assert (await verify(connection)).whole
