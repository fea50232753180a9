"""How people come in, on SQLite and PostgreSQL, and how others do not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from ratelimit.core.principal import OPERATOR
from ratelimit.ledger import people
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.account import AccountError, Change, NewPassword, Where
from ratelimit.review.entry import LINK_S
from ratelimit.service.attempts import LOCK_S, MOST_OF_LOGIN
from ratelimit.service.passwords import Passwords
from tests.review.front import GOOD, HERE, Front, front_on

ELSEWHERE = Where("198.51.100.1", "198.51.100.0/24", "Chrome")


@pytest.fixture
async def front(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Front]:
    async with front_on(ledger, tmp_path) as made:
        yield made


async def test_the_first_admin(front: Front) -> None:
    """The link of the start makes one admin, once; from then on there are no more such links."""
    assert not await front.principals.anybody()
    early, link = await front.entry.first_link(), await front.entry.first_link()
    assert early is not None
    assert link is not None
    assert (await front.entry.link(link)).login is None
    principal = await front.known(await front.entry.use_link(link, GOOD, HERE, "Mira", "Mira Keller"))
    assert (principal.login, principal.name, principal.role, principal.via) == ("mira", "Mira Keller", "admin", "session")
    assert await front.principals.anybody()
    assert await front.entry.first_link() is None
    for used in (link, early):
        with pytest.raises(AccountError, match="does not work any more"):
            await front.entry.use_link(used, GOOD, HERE, "eve", "Eve")
    assert [entry.kind for entry in await front.audit()] == ["person.first"]


async def test_two_who_use_links_of_the_start_at_once(front: Front) -> None:
    """One of them becomes the admin."""
    links = [await front.entry.first_link() for _ in range(4)]
    told = await asyncio.gather(
        *(front.entry.use_link(link or "", GOOD, HERE, f"p{place}", "P") for place, link in enumerate(links)), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in told) == 1
    assert len(await front.accounts.people()) == 1


async def test_a_link_ends(front: Front) -> None:
    """After a day it does not work; a wrong one never did."""
    link = await front.entry.first_link()
    assert link is not None
    front.now += LINK_S
    for wrong in (link, "", "x" * 100_000, "\udc80"):
        with pytest.raises(AccountError, match="does not work"):
            await front.entry.link(wrong)


@pytest.mark.parametrize(
    ("login", "password", "path"),
    [
        ("mira", "short", "password"),
        ("mira", "mira.mira.1", "password"),
        ("mira\r\nx", GOOD, "login"),
        ("<b>", GOOD, "login"),
        ("", GOOD, "login"),
    ],
)
async def test_a_first_admin_that_cannot_be(front: Front, login: str, password: str, path: str) -> None:
    """It says which field is wrong, and the link still works."""
    link = await front.entry.first_link()
    assert link is not None
    with pytest.raises(AccountError) as found:
        await front.entry.use_link(link, password, HERE, login, "Mira")
    assert (found.value.kind, found.value.path) == ("invalid", path)
    assert await front.entry.use_link(link, GOOD, HERE, "mira", "Mira")


async def test_log_in_and_out(front: Front) -> None:
    """Each login is a session of its own; out ends that one alone."""
    _, mira = await front.person("mira")
    first, second = await front.entry.log_in(" Mira ", GOOD, HERE), await front.entry.log_in("mira", GOOD, HERE)
    assert first != second
    assert (await front.known(first)).id == mira.id
    await front.entry.log_out(await front.known(first))
    assert await front.principals.of_session(first) is None
    assert (await front.known(second)).id == mira.id
    login = (await front.audit(kind="login"))[0]
    assert (login.actor, login.content) == ("mira", {"network": "192.0.2.0/24", "browser": "Firefox on Linux"})


async def test_nobody_learns_who_is_there(front: Front) -> None:
    """A wrong password, no such login, somebody disabled or only invited, and what can be no login are told the same, also when locked."""
    _, out = await front.person("out")
    await front.person("mira")
    await front.accounts.change(OPERATOR, out.id, Change(disabled=True))
    told = {}
    for login, password in [("mira", "a wrong one"), ("nobody", GOOD), ("out", GOOD), ("ev\0il\r\n", GOOD)]:
        texts = []
        for number in range(MOST_OF_LOGIN + 1):
            with pytest.raises(AccountError) as found:
                await front.entry.log_in(login, password, Where(str(number), "n", "b"))
            texts.append((found.value.kind, str(found.value), found.value.until))
        told[login] = texts
    assert len({str(texts) for texts in told.values()}) == 1
    assert told["mira"][-1][0] == "locked"
    assert len(await front.audit(kind="login.locked")) == 4


async def test_locked_also_for_whoever_knows_it(front: Front) -> None:
    """Until the lock ends, or an admin makes a new link."""
    _, mira = await front.person("mira")
    for _ in range(MOST_OF_LOGIN):
        with pytest.raises(AccountError):
            await front.entry.log_in("mira", "a wrong one", ELSEWHERE)
    with pytest.raises(AccountError) as found:
        await front.entry.log_in("mira", GOOD, HERE)
    assert (found.value.kind, found.value.until) == ("locked", front.now + LOCK_S)
    front.now += LOCK_S + 1
    assert await front.entry.log_in("mira", GOOD, HERE)
    for _ in range(MOST_OF_LOGIN):
        with pytest.raises(AccountError):
            await front.entry.log_in("mira", "a wrong one", Where("203.0.113.9", "n", "b"))
    await front.accounts.new_link(OPERATOR, mira.id)
    assert await front.entry.log_in("mira", GOOD, HERE)


async def test_another_password(front: Front) -> None:
    """Who knows the present one sets another; all other sessions end, and a stolen session cannot do it."""
    stolen, _ = await front.person("mira")
    mine = await front.entry.log_in("mira", GOOD, HERE)
    principal = await front.known(mine)
    with pytest.raises(AccountError) as found:
        await front.entry.change_password(principal, NewPassword("a guess", "lantern under the harbour"), HERE)
    assert (found.value.kind, found.value.path) == ("invalid", "current")
    with pytest.raises(AccountError) as found:
        await front.entry.change_password(principal, NewPassword(GOOD, "password1234"), HERE)
    assert found.value.path == "wanted"
    renewed = await front.entry.change_password(principal, NewPassword(GOOD, "lantern under the harbour"), HERE)
    assert [await front.principals.of_session(secret) is not None for secret in (stolen, mine, renewed)] == [False, False, True]
    assert await front.entry.log_in("mira", "lantern under the harbour", HERE)
    with pytest.raises(AccountError):
        await front.entry.log_in("mira", GOOD, HERE)


async def test_guesses_of_a_stolen_session_are_bounded(front: Front) -> None:
    """As those of the login page are."""
    secret, _ = await front.person("mira")
    kinds = []
    for _ in range(MOST_OF_LOGIN + 1):
        with pytest.raises(AccountError) as found:
            await front.entry.change_password(await front.known(secret), NewPassword("a guess", "lantern under the harbour"), HERE)
        kinds.append(found.value.kind)
    assert kinds == ["invalid"] * MOST_OF_LOGIN + ["locked"]


async def test_a_hash_of_other_parameters(front: Front) -> None:
    """At the next login it is made anew."""
    await front.person("mira")
    weaker = Passwords(PasswordHasher(time_cost=1, memory_cost=32, parallelism=1))
    old = await weaker.hash(GOOD)
    weaker.close()
    async with front.ledger.write() as connection:
        await people.change(connection, 1, password=old)
    assert await front.entry.log_in("mira", GOOD, HERE)
    async with front.ledger.read() as connection:
        person = await people.find(connection, 1)
    assert person is not None
    assert "m=64," in (person.password or "")
    assert await front.entry.log_in("mira", GOOD, HERE)
