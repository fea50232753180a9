"""Waives a few of the holds that the model alone would make, so that it can be known what would have become of those purchases.

Without them nobody can say whether a hold was right: what is held cannot be lost. The lot is a keyed hash of account and day (UTC), so all
sidecars draw the same, an account draws once a day, and nobody without the store key can foretell it. A day's waived purchases cost no
more than the policy says, in each currency, over all sidecars together; a drawn purchase that no longer fits is held like any other.
Who has a standing word, is on a list, met a rule or was warned of never comes here: that is for the caller to see to.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, NamedTuple

from ratelimit.core.allowance import taking
from ratelimit.core.protocols import Store
from ratelimit.core.risk_rule import PurchaseRisk
from ratelimit.core.store_key import ALLOWANCE, StoreKeys
from ratelimit.service.ask import StoreAwayError, ask

_DAY_S: Final = 86_400
_BYTES: Final = 8


class Draw(NamedTuple):
    """`waived`: the hold is not made. `propensity` is the chance that it was, 0..1; None: nothing was left to chance."""

    waived: bool
    propensity: float | None


_NONE: Final = Draw(False, None)


class PurchaseExploration:
    """That of one sidecar; `secret` is the store's."""

    def __init__(self, secret: bytes, store: Store, wall: Callable[[], float]) -> None:
        self._keyed = blake2b(key=secret, digest_size=_BYTES, person=b"rl explore buy")
        self._name = StoreKeys(secret).namer_of(ALLOWANCE, "exploration")
        self._store, self._wall = store, wall
        self.waived = 0
        self.over = 0  # drawn, but beyond the day's money

    async def draw(self, account: str, amount: int, currency: str, risk: PurchaseRisk) -> Draw:
        """Whether the model's hold on an account's purchase of so many minor units is waived."""
        if not risk.explore or risk.mode == "shadow":
            return _NONE
        held = Draw(False, 1 - risk.explore)
        day = int(self._wall()) // _DAY_S
        if not self._drawn(account, day, risk.explore):
            return held
        if not await self._fits(day, amount, currency, risk.explore_a_day):
            self.over += 1
            return held
        self.waived += 1
        return Draw(True, risk.explore)

    def _drawn(self, account: str, day: int, share: float) -> bool:
        lot = self._keyed.copy()
        lot.update(b"%d " % day + account.encode("utf-8", "surrogatepass"))
        return int.from_bytes(lot.digest()) < share * 256**_BYTES

    async def _fits(self, day: int, amount: int, currency: str, a_day: int) -> bool:
        if amount > a_day:
            return False
        try:
            (fits,) = await ask(self._store, [taking(self._name((str(day), currency)), a_day, amount)])
        except StoreAwayError:
            return False  # nobody knows what was waived today
        return bool(fits)
