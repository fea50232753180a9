"""Views that people save for themselves."""

import pytest

from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.views import MOST, TooManyError, Views

MIRA = Principal(id=7, login="mira", name="Mira", role="analyst", via="session")
BOT = Principal(id=-7, login="bot", name="bot", role="analyst", via="token")


async def test_saved_and_dropped(ledger: Ledger) -> None:
    """Each person has their own of each page; one of the same name replaces it; nobody drops another's."""
    views = Views(ledger)
    await views.save(MIRA, "/queue", "Mine", "tab=mine")
    await views.save(MIRA, "/queue", "Cards", "subject=card")
    await views.save(MIRA, "/queue", "Mine", "tab=mine&sort=due")
    await views.save(BOT, "/queue", "Mine", "")
    mine = await views.of(MIRA, "/queue")
    assert [(one.name, one.query) for one in mine] == [("Cards", "subject=card"), ("Mine", "tab=mine&sort=due")]
    assert await views.of(MIRA, "/lists") == []
    assert not await views.drop(BOT, mine[0].id)
    assert await views.drop(MIRA, mine[0].id)
    assert [one.name for one in await views.of(MIRA, "/queue")] == ["Mine"]


async def test_there_is_an_end(ledger: Ledger) -> None:
    """Nobody fills the ledger with views; one that is there can still be changed."""
    views = Views(ledger)
    for number in range(MOST):
        await views.save(MIRA, "/queue", f"view {number}", "")
    with pytest.raises(TooManyError):
        await views.save(MIRA, "/queue", "one more", "")
    await views.save(MIRA, "/queue", "view 3", "tab=mine")
