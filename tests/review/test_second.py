"""Who can be the second person: two accounts of which one made the other are not two people."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ratelimit.core.principal import OPERATOR, OPERATOR_ID, Principal
from ratelimit.ledger import people
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.account import Change, Invited, TokenAsked
from ratelimit.review.second import DAY_S, NEW_S, TIED_S, Hand, tied, why_not_second
from tests.review.case_site import hired
from tests.review.front import GOOD, HERE, NOW, Front, front_on

ADA, BEA, EVE = (
    Principal(id=id, login=login, name=login.title(), role="admin", via="session") for id, login in ((1, "ada"), (2, "bea"), (3, "eve"))
)


@pytest.fixture
async def front(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Front]:
    """Ada, Bea and Eve have been admins for long."""
    async with front_on(ledger, tmp_path) as made:
        await hired(ledger, ADA, BEA, EVE)
        yield made


async def why(front: Front, second: Principal, first: Principal | int) -> str:
    """Why `second` may not approve what `first` asked for."""
    async with front.ledger.read() as connection:
        return await why_not_second(connection, second, first if isinstance(first, int) else first.id, front.now)


async def invited(front: Front, by: Principal, login: str = "new") -> Principal:
    """Whom somebody has let in."""
    made = await front.accounts.invite(by, Invited(login, login, "admin"))
    return await front.known(await front.entry.use_link(made.link, GOOD, HERE))


async def linked(front: Front) -> None:
    await front.accounts.new_link(ADA, EVE.id)


async def raised(front: Front) -> None:
    async with front.ledger.write() as connection:
        await people.change(connection, EVE.id, role="viewer")
    await front.accounts.change(ADA, EVE.id, Change(role="admin"))


async def enabled(front: Front) -> None:
    await front.accounts.change(BEA, EVE.id, Change(disabled=True))
    front.now += 1
    await front.accounts.change(ADA, EVE.id, Change(disabled=False))


async def by_token(front: Front) -> None:
    made = await front.tokens.make(ADA, TokenAsked("ops", "admin", ("users:write",)))
    token = await front.principals.of_token(made.token)
    assert token is not None
    await front.accounts.change(BEA, EVE.id, Change(disabled=True))
    await front.accounts.change(token, EVE.id, Change(disabled=False))


HANDS = [linked, raised, enabled, by_token]


@pytest.mark.parametrize("hand", HANDS)
async def test_a_hand_in_an_account(front: Front, hand: Callable[[Front], Awaitable[None]]) -> None:
    """Whoever had it is tied to whose account it is, both ways, for 14 days; a third person is tied to neither."""
    await hand(front)
    assert "ada" in await why(front, EVE, ADA)
    assert "eve" in await why(front, ADA, EVE)
    assert [await why(front, *pair) for pair in ((BEA, ADA), (BEA, EVE), (EVE, BEA), (ADA, BEA))] == [""] * 4
    front.now += TIED_S + 1
    assert await why(front, EVE, ADA) == ""


async def renamed(front: Front) -> None:
    await front.accounts.change(ADA, EVE.id, Change(name="Eve A.", disabled=False))  # as who is in already


async def softened(front: Front) -> None:
    await front.accounts.change(ADA, EVE.id, Change(role="analyst", name="Eve A."))


async def disabled(front: Front) -> None:
    await front.accounts.change(ADA, EVE.id, Change(disabled=True))


async def logged_out(front: Front) -> None:
    await front.accounts.end_sessions(ADA, EVE.id)


@pytest.mark.parametrize("act", [renamed, softened, disabled, logged_out])
async def test_what_takes_away_ties_nobody(front: Front, act: Callable[[Front], Awaitable[None]]) -> None:
    """Else an admin could keep others from being a second person."""
    await act(front)
    assert await why(front, EVE, ADA) == ""


async def test_an_account_made_for_it(front: Front) -> None:
    """It is too young for everybody, tied to who made it for 14 days, and so is whom it lets in; it says so in words."""
    puppet = await invited(front, ADA)
    assert "younger than 24 h" in await why(front, puppet, BEA)
    front.now += NEW_S
    assert await why(front, puppet, BEA) == ""
    assert await why(front, puppet, ADA) == ("ada invited new within 14 days; expected a second person whose account has no such tie")
    grandchild, sister = await invited(front, puppet, "next"), await invited(front, ADA, "sister")
    front.now += NEW_S
    assert (await why(front, grandchild, ADA)).startswith("new invited next, and ada invited new within")
    for second, first in ((ADA, grandchild), (grandchild, puppet), (puppet, sister), (sister, grandchild)):
        assert await why(front, second, first)
    assert await why(front, grandchild, BEA) == await why(front, BEA, grandchild) == ""
    front.now = NOW + TIED_S + NEW_S + 2 * DAY_S
    assert await why(front, grandchild, ADA) == ""


async def test_two_who_helped_a_third(front: Front) -> None:
    """They are two still."""
    await front.accounts.new_link(ADA, EVE.id)
    await front.accounts.new_link(BEA, EVE.id)
    assert await why(front, ADA, BEA) == ""


async def test_the_deployments_own_token(front: Front) -> None:
    """Nobody knows whose hand it was: whom it let in approves nothing for 14 days; what it asked for, anybody else approves."""
    made = await invited(front, OPERATOR)
    front.now += NEW_S
    assert "the deployment's own token invited new" in await why(front, made, BEA)
    assert await why(front, BEA, made) == await why(front, BEA, OPERATOR_ID) == ""


async def test_not_oneself_and_no_token(front: Front) -> None:
    """Nor for what one's own token asked for."""
    made = await front.tokens.make(ADA, TokenAsked("ops", "admin", ("privacy:write",)))
    token = await front.principals.of_token(made.token)
    assert token is not None
    assert "your own" in await why(front, ADA, ADA)
    assert "your own" in await why(front, ADA, token)
    assert "a token is none" in await why(front, token, BEA)
    assert "a token is none" in await why(front, OPERATOR, BEA)
    assert await why(front, BEA, token) == ""
    assert "not known" in await why(front, Principal(id=99, login="x", name="X", role="admin", via="session"), BEA)


async def test_the_first_admin(ledger: Ledger, tmp_path: Path) -> None:
    """Their account need not be old as long as nobody else is there."""
    async with front_on(ledger, tmp_path) as front:
        link = await front.entry.first_link()
        assert link is not None
        ada = await front.known(await front.entry.use_link(link, GOOD, HERE, login="ada"))
        assert await why(front, ada, OPERATOR_ID) == ""
        await invited(front, ada)
        assert "younger than 24 h" in await why(front, ada, OPERATOR_ID)
        front.now += NEW_S
        assert await why(front, ada, OPERATOR_ID) == ""


def hands(*pairs: tuple[int, int]) -> list[Hand]:
    return [Hand(by, person, "invited") for by, person in pairs]


@pytest.mark.parametrize(
    ("known", "second", "first", "count"),
    [
        (hands(), 1, 2, 0),
        (hands((1, 2)), 1, 2, 1),
        (hands((1, 2)), 2, 1, 1),
        (hands((1, 2), (2, 3), (3, 4)), 4, 1, 3),
        (hands((1, 2), (1, 3)), 2, 3, 2),
        (hands((1, 3), (2, 3)), 1, 2, 0),
        (hands((1, 2), (2, 1)), 1, 2, 1),  # a ring ends
        (hands((0, 2)), 2, 1, 1),
        (hands((0, 2)), 1, 2, 0),
        (hands((0, 1), (1, 2)), 2, 3, 2),
        (hands((1, 2), (1, 3), (3, 2)), 2, 1, 1),  # the shortest is told
    ],
)
def test_ties(known: list[Hand], second: int, first: int, count: int) -> None:
    """Somebody, or the deployment's token (0), reaches both; for the first person the token's hand does not count."""
    assert len(tied(known, second, first)) == count
