"""What changes from one policy to another, counted while both are asked about the same requests."""

from collections import Counter
from collections.abc import Callable
from heapq import nsmallest
from typing import Final

from ratelimit.core.address import format_address
from ratelimit.core.identity import Caller
from ratelimit.core.log_entry import Entry
from ratelimit.service.replay_report import ChangedCaller, ChangedLimit, ChangeReport, Comparison
from ratelimit.service.replay_trial import Refusal, Trial
from ratelimit.service.replay_visitor import HONEST, Visitor, Who, who
from ratelimit.service.roll import Roll, number_of

_SIDES: Final[dict[str, Callable[[Visitor], bool]]] = {
    "both_admitted": lambda one: not one.refused and not one.refused_against,
    "newly_refused": lambda one: not one.refused and one.refused_against > 0,
    "newly_admitted": lambda one: one.refused > 0 and not one.refused_against,
    "both_refused": lambda one: one.refused > 0 and one.refused_against > 0,
}


class Change:
    """The difference between the policy of `trial` and that of `against`, request by request and caller by caller."""

    def __init__(self, trial: Trial, against: Trial) -> None:
        self.against = against
        self._trial = trial
        self._both_refused = 0
        self._newly_refused: Counter[str] = Counter()  # by the limit that makes the difference
        self._newly_admitted: Counter[str] = Counter()
        self._agents_logged = False
        honest: dict[str, Callable[[Visitor], bool]] = {
            "honest": self._looks_honest,
            "honest_newly_refused": lambda one: _SIDES["newly_refused"](one) and self._looks_honest(one),
            "honest_newly_admitted": lambda one: _SIDES["newly_admitted"](one) and self._looks_honest(one),
        }
        self._callers: Roll[Who, Visitor] = Roll(Visitor, Visitor.weight, _SIDES | honest)

    def note(self, now_us: int, entry: Entry, caller: Caller, refusal: Refusal | None, against: Refusal | None) -> None:
        """Count one request, and what the two policies said to it."""
        if refusal and against:
            self._both_refused += 1
        elif against:
            self._newly_refused[against.limit] += 1
        elif refusal:
            self._newly_admitted[refusal.limit] += 1
        self._agents_logged = self._agents_logged or entry.user_agent is not None
        name = who(caller)
        if name is not None:
            self._callers.of(name).note(now_us, entry, refused=refusal is not None, against=against is not None)

    def report(self, top: int) -> Comparison:
        """The difference so far, with the `top` callers for whom most changes."""
        newly_refused, newly_admitted = self._newly_refused.total(), self._newly_admitted.total()
        both_admitted = self._trial.asked - self._both_refused - newly_refused - newly_admitted
        names = dict.fromkeys([*self._trial.names, *self.against.names])
        return Comparison(
            against=self.against.report(top),
            requests=ChangeReport(both_admitted, newly_refused, newly_admitted, self._both_refused),
            callers=ChangeReport(*(self._number(side) for side in _SIDES)),
            honest=HONEST,
            honest_callers=self._number("honest"),
            honest_newly_refused=self._number("honest_newly_refused"),
            honest_newly_admitted=self._number("honest_newly_admitted"),
            limits=[
                ChangedLimit(name, self._newly_refused[name], self._newly_admitted[name])
                for name in names
                if self._newly_refused[name] or self._newly_admitted[name]
            ],
            top=self._top(top),
            approx=self._callers.approx,
        )

    def _number(self, group: str) -> int:
        return number_of([self._callers], group)

    def _looks_honest(self, one: Visitor) -> bool:
        return one.looks_honest(agents_logged=self._agents_logged)

    def _top(self, top: int) -> list[ChangedCaller]:
        changed = ((name, one) for name, one in self._callers.kept.items() if one.newly_refused or one.newly_admitted)
        most = nsmallest(top, changed, key=lambda item: -(item[1].newly_refused + item[1].newly_admitted))
        return [
            ChangedCaller(
                caller=self._written(name),
                seen=one.seen,
                refused=one.refused,
                refused_against=one.refused_against,
                newly_refused=one.newly_refused,
                newly_admitted=one.newly_admitted,
                looks_honest=self._looks_honest(one),
            )
            for name, one in most
        ]

    def _written(self, name: Who) -> str:
        kind, value = name
        if isinstance(value, str):
            return f"{kind}:{value}"
        return f"{kind}:{format_address(value, None if len(value) == 4 else self._trial.policy.identity.ipv6_prefix)}"
