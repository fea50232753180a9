"""Bounds how often it can be tried to log in: for a login, whether it exists or not, and from an address. Times are seconds.

An attempt counts as failed from its beginning, so that many at once are no more than many in a row; once it is known to be good it is
taken back. MOST_OF_LOGIN in vain lock a login for LOCK_S, the next so many for twice as long; whoever knows the password waits as well.
An address may stand for a whole office, so it has more.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from ratelimit.core.call import Call
from ratelimit.core.protocols import Store
from ratelimit.core.store_key import ATTEMPT, StoreKeys
from ratelimit.service.ask import ask

MOST_OF_LOGIN: Final = 5
MOST_OF_ADDRESS: Final = 20
LOCK_S: Final = 900.0
_LONGEST_S: Final = 86_400.0
_KEPT_S: Final = 2 * 86_400.0


class Begun(NamedTuple):
    """Whether an attempt may be made. `until` is when the next one may be, after one that is not good; None: at once."""

    allowed: bool
    until: float | None


class Attempts:
    """The counts in a store; `wall` is seconds since the epoch. Every call raises StoreAwayError."""

    def __init__(self, store: Store, keys: StoreKeys, wall: Callable[[], float]) -> None:
        self._store, self._wall = store, wall
        self._login, self._address = keys.namer_of(ATTEMPT, "login"), keys.namer_of(ATTEMPT, "address")

    async def begin(self, login: str, address: str) -> Begun:
        """Begin one, if it may be made."""
        now = self._wall()
        of_address = await self._ask(self._address(address), "take", now, MOST_OF_ADDRESS, LOCK_S, _LONGEST_S, _KEPT_S)
        if not of_address[0]:
            return Begun(False, float(of_address[1]))
        of_login = await self._ask(self._login(login), "take", now, MOST_OF_LOGIN, LOCK_S, _LONGEST_S, _KEPT_S)
        return Begun(bool(of_login[0]), float(max(of_login[1], of_address[1])) or None)

    async def succeed(self, login: str, address: str) -> None:
        """It was good: nothing is known against the login any more.

        The address keeps what else it had: a good login of its own must not let it try others without end.
        """
        await self._ask(self._login(login), "clear")
        await self._ask(self._address(address), "give", self._wall(), MOST_OF_ADDRESS)

    async def forgive(self, login: str) -> None:
        """Forget what is known against a login, as an admin wishes."""
        await self._ask(self._login(login), "clear")

    async def _ask(self, name: str, *parts: object) -> Any:
        (answer,) = await ask(self._store, [Call("attempt", name, msgspec.msgpack.encode(parts))])
        return answer
