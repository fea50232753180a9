"""The meters of accounts with holds: a limit that stands beside those of the policy, for as long as anything of an account is held.

How much each may spend comes with its holds, which every sidecar knows; what was spent is counted in the store. While the store is away
what is in hand is spent, and then nothing: these tokens are in doubt, and nobody could say how many are left.
"""

from collections.abc import Callable
from typing import Any, Final

from ratelimit.core.hold import stands
from ratelimit.core.hold_share import MOST, NAME, HoldShare, counter_namer
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit, QuotaRule
from ratelimit.core.standing import HeldAccount
from ratelimit.core.subject import Value
from ratelimit.service.meter import Meter
from ratelimit.service.shelf import Setting, Shelf

LIMIT: Final = Limit(name=NAME, per=("account",), quota=QuotaRule(amount=MOST, every="year"), on_store_failure="deny")

HeldOf = Callable[[str], HeldAccount | None]


class HoldShelf(Shelf):
    """Finds the meter of a caller whose account is held; of others there is none, and it refuses nothing."""

    def __init__(self, setting: Setting, ipv6_prefix: int, held_of: HeldOf, wall: Callable[[], float]) -> None:
        super().__init__(LIMIT, setting, ipv6_prefix)
        self._name = counter_namer(setting.keys)
        self._held_of, self._wall = held_of, wall

    def meter(self, caller: Caller, now: int) -> Meter | None:
        """The meter of the caller's account, which knows its holds as they are now; None: nothing of it is held."""
        account, wall_s = self._held_of(caller.account) if caller.account is not None else None, self._wall()
        if account is None or not stands(account, wall_s):
            return None
        found = super().meter(caller, now)
        if found is not None and found.share.outdated(account, wall_s) and found.share.adopt(account, now, wall_s):
            found.give_back()
        return found

    def _make(self, value: Value, now: int) -> Meter:
        account = self._held_of(value) if isinstance(value, str) else None
        assert account is not None, "meter() has seen it"  # noqa: S101
        share = HoldShare(account, now, self._wall(), self._setting.ids)
        return HoldMeter(self._setting.around, None, value, self._name(value), share)


class HoldMeter(Meter):
    """A meter whose callers wait for the next lapse."""

    __slots__ = ()

    def answered(self, call: Any, grant: Any, sent_us: int, now_us: int) -> None:
        """As of any meter."""
        super().answered(call, self.share.told(grant, now_us), sent_us, now_us)
