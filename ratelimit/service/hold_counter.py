"""What held accounts have spent, as the store counts it. All of it raises StoreAwayError."""

from collections.abc import Callable

from ratelimit.core.hold_share import closing, counter_namer, peek, spent
from ratelimit.core.protocols import Store
from ratelimit.core.standing import HeldAccount
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.ask import ask_quota
from ratelimit.service.shelf import OperationIds


class HoldCounter:
    """Asks `store`; `wall` gives seconds since the epoch."""

    def __init__(self, store: Store, keys: StoreKeys, wall: Callable[[], float]) -> None:
        self._store, self._wall = store, wall
        self._name, self._ids = counter_namer(keys), OperationIds()

    async def spent(self, account: HeldAccount) -> int:
        """Tokens spent since the account was opened; what sidecars have in hand is among them."""
        return spent(await ask_quota(self._store, self._name(account.account), peek(account, self._ids())))

    async def close(self, account: HeldAccount) -> None:
        """Nothing of it is held any more: have the store forget the counter in a day."""
        await ask_quota(self._store, self._name(account.account), closing(account, self._ids(), self._wall()))
