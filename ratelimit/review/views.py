"""Views that people save for themselves: at most MOST of a page."""

from typing import Final

from ratelimit.core.principal import Principal
from ratelimit.ledger import views
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.views import SavedView
from ratelimit.review.lock import actor_id

MOST: Final = 20


class TooManyError(Exception):
    """There is no room for another."""


class Views:
    """On a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of(self, principal: Principal, page: str) -> list[SavedView]:
        """Theirs of a page, by name."""
        async with self._ledger.read() as connection:
            return await views.of_person(connection, actor_id(principal), page)

    async def save(self, principal: Principal, page: str, name: str, query: str) -> None:
        """Keep one, in the place of another of that name; raises TooManyError."""
        person = actor_id(principal)
        async with self._ledger.write() as connection:
            held = await views.of_person(connection, person, page)
            if len(held) >= MOST and name not in {one.name for one in held}:
                raise TooManyError(f"not saved: there are {MOST} views already; remove one first")
            await views.save(connection, person, page, name, query)

    async def drop(self, principal: Principal, id: int) -> bool:
        """Keep it no longer; whether there was one of theirs."""
        async with self._ledger.write() as connection:
            return await views.drop(connection, actor_id(principal), id)
