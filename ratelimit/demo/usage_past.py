"""What was asked of the demonstration's site until now, put through its policy and its signals: the messages that sidecars would have sent.

It is the replay's machinery, with the risks that the model gives when it is ranked on the same days. Of what was allowed a few stand for
all, as when we serve; each 10 s are counted whole.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

from ratelimit.core.address import format_address
from ratelimit.core.identity import Caller
from ratelimit.core.log_entry import REQUEST, Entry
from ratelimit.core.message import Counted, Decided, Lived, Message, Replied, Tally
from ratelimit.core.signals import VERSION
from ratelimit.core.units import US_PER_S
from ratelimit.service.history import History
from ratelimit.service.replay_trial import Refusal

_EACH_S: Final = 10
_SIDECAR: Final = "demonstration"
_NOTHING: Final = (Tally("allow", "ok", 0),)

Put = Callable[[Message], None]


class UsagePast:
    """Looks on while a log is replayed, and tells the ledger of it. `sample`: the share of allowed requests that are recorded."""

    def __init__(self, history: History, put: Put, *, policy: str, sample: float, chance: Random) -> None:
        self._history, self._put, self._policy, self._sample, self._chance = history, put, policy, sample, chance
        self._since_s = 0
        self._counts = Counter[tuple[str, str]]()
        self._number = 0

    def see(self, now_us: int, entry: Entry, caller: Caller, refusal: Refusal | None) -> None:
        """An entry was decided, or tells of an account's life."""
        self._history.see(now_us, entry, caller, refusal)
        self._turn(now_us // US_PER_S)
        if entry.kind != REQUEST:
            self._put(Lived(self._id(), now_us / US_PER_S, entry.kind, caller.account, caller.api_key, _address(caller), entry.user_agent))
            return
        decision, reason = ("allow", "ok") if refusal is None else ("throttle", refusal.reason)
        self._counts[decision, reason] += 1
        if refusal is not None or self._chance.random() < self._sample:
            decided = self._decided(now_us / US_PER_S, entry, caller, refusal)
            self._put(decided)
            if refusal is None and entry.status:
                self._put(Replied(((decided.id, entry.status),)))

    def finish(self) -> None:
        """That was all."""
        self._turn(self._since_s + _EACH_S)

    def _decided(self, at: float, entry: Entry, caller: Caller, refusal: Refusal | None) -> Decided:
        known = self._history.usage.known_of(caller)
        watch, risk, model, signals = known if known is not None else (None, None, None, None)
        whose = None if watch is None else f"{watch.kind}:{_text(watch.value)}"
        return Decided(
            id=self._id(),
            at=at,
            decision="allow" if refusal is None else "throttle",
            reason="ok" if refusal is None else refusal.reason,
            limit=None if refusal is None else refusal.limit,
            subject=_subject(caller),
            api_key=caller.api_key,
            account=caller.account,
            address=_address(caller),
            method=entry.method,
            path=entry.path.partition("?")[0],
            user_agent=entry.user_agent,
            referrer=None,
            plan=caller.plan,
            cost=entry.cost,
            weight=1.0 if refusal is not None else 1 / self._sample,
            remaining=None,
            retry_after=None,
            policy=self._policy,
            risk=risk,
            risk_subject=whose,
            model=model,
            signal_version=VERSION if signals is not None else None,
            signals=signals,
        )

    def _turn(self, now_s: int) -> None:
        if now_s < self._since_s + _EACH_S:
            return
        tallies = tuple(Tally(decision, reason, count) for (decision, reason), count in self._counts.items())
        self._counts.clear()
        begin = now_s // _EACH_S * _EACH_S
        for since_s in range(self._since_s or begin - _EACH_S, begin, _EACH_S):  # that nobody asked is counted as well
            self._put(Counted(float(since_s), _SIDECAR, tallies or _NOTHING))
            tallies = ()
        self._since_s = begin

    def _id(self) -> str:
        self._number += 1
        return f"demo-{self._number:x}"


def _subject(caller: Caller) -> str:
    if caller.api_key is not None:
        return f"api_key:{caller.api_key}"
    return f"account:{caller.account}" if caller.account is not None else f"ip:{_address(caller)}"


def _address(caller: Caller) -> str | None:
    return None if caller.ip is None else _text(caller.ip)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else format_address(value, None if len(value) == 4 else 64)
