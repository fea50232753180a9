"""Which subjects of requests the model would have a person look at, and each hour one by lot that it would not.

A subject whose risk is above the policy's bound is told once a day. Of those whose risk is not, each hour the one with the least number by
lot is told: the number is drawn anew for each subject and hour, however often it is scored, so busy ones are no more likely than quiet
ones. Accounts come before keys and addresses. Which of all that becomes a case is decided where all of it comes together.
"""

from collections.abc import Callable, Sequence
from secrets import randbits
from typing import Final, NamedTuple

from ratelimit.core.policy import Policy
from ratelimit.core.signal_reason import SignalReason, unusual
from ratelimit.core.signals import Kind, Rows
from ratelimit.service.flags import Flags, target_of
from ratelimit.service.watch import Watch

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
_MOST_TOLD: Final = 16_384
_LOTS: Final = 1 << 61  # Python's hashes are less, up to their sign
_ORDER: Final[tuple[Kind, ...]] = ("account", "api_key", "ip")

Reasons = Callable[[Kind, bytes], tuple[SignalReason, ...]]


class _Lot(NamedTuple):
    chance: float
    watch: Watch
    signals: bytes


class Candidates:
    """`reasons` says what is unusual in signals; `wall` is seconds since the epoch. Called with every batch that was scored."""

    def __init__(self, flags: Flags, reasons: Reasons, policy: Policy, wall: Callable[[], float]) -> None:
        self.told = 0
        self._flags, self._reasons, self._wall = flags, reasons, wall
        self._told: set[tuple[Kind, str | bytes]] = set()
        self._lots: dict[Kind, _Lot] = {}
        self._day, self._hour, self._salt = 0, 0, randbits(60)
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force."""
        self._above = policy.risk.throttle.above if policy.risk is not None else None
        self._ipv6_prefix = policy.identity.ipv6_prefix

    def __call__(self, kind: Kind, watches: Sequence[Watch], _rows: Rows) -> None:
        """These subjects were scored."""
        above = self._above
        if above is None:
            return
        now = self._wall()
        self._turn(now)
        for watch in watches:
            risk = watch.risk
            if risk is None:
                continue
            if risk > above:
                self._tell(watch, now)
            else:
                self._draw(kind, watch)

    def _turn(self, now: float) -> None:
        hour = int(now // _HOUR_S)
        if hour == self._hour:
            return
        if (lot := next((self._lots[kind] for kind in _ORDER if kind in self._lots), None)) is not None:
            self._flag(lot.watch, lot.signals, now, lot.chance)
        self._lots, self._hour, self._salt = {}, hour, randbits(60)
        if hour * _HOUR_S // _DAY_S != self._day or len(self._told) > _MOST_TOLD:
            self._told, self._day = set(), hour * _HOUR_S // _DAY_S

    def _tell(self, watch: Watch, now: float) -> None:
        name = (watch.kind, watch.value)
        if name not in self._told and watch.signals:
            self._told.add(name)
            self.told += 1
            self._flag(watch, watch.signals, now, None)

    def _draw(self, kind: Kind, watch: Watch) -> None:
        chance = abs(hash((watch.value, self._salt))) % _LOTS / _LOTS
        known = self._lots.get(kind)
        if watch.signals and (known is None or chance < known.chance):
            self._lots[kind] = _Lot(chance, watch, watch.signals)

    def _flag(self, watch: Watch, signals: bytes, now: float, chance: float | None) -> None:
        target = target_of(watch.kind, watch.value, self._ipv6_prefix)
        self._flags.subject(target, watch, now, map(unusual, self._reasons(watch.kind, signals)), chance)
