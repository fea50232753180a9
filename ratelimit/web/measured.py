"""What pages show of the sidecars' own figures: calls to the store for each decision, and how many subjects have which risk."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct
from prometheus_client.core import Metric

from ratelimit.service.risk_steps import STEPS
from ratelimit.web.merge import merged
from ratelimit.web.watched import Sidecars

_LIVES_S: Final = 2.0
_WINDOW_S: Final = 60.0  # over which calls are held against decisions


class Measured(Struct, frozen=True, kw_only=True):
    """`calls` to the store for each decision; None: none was made. `risks` is how many subjects are on each of risk_steps.STEPS.

    `drift` is the population stability index of the risk, the worst of the kinds; None: too little is known.
    """

    calls: float | None
    risks: tuple[int, ...]
    drift: float | None


class Measuring:
    """Asks the sidecars at most every two seconds, and only while somebody looks. `clock` never goes back."""

    def __init__(self, sidecars: Sidecars, clock: Callable[[], float] = time.monotonic) -> None:
        self._sidecars, self._clock = sidecars, clock
        self._known: Measured | None = None
        self._at = 0.0
        self._past: list[tuple[float, float, float]] = []  # when, and the calls and decisions until then

    async def measured(self) -> Measured:
        """The figures."""
        now = self._clock()
        if self._known is None or now - self._at >= _LIVES_S:
            self._known = self._measure(merged(await self._sidecars.figures()), now)
            self._at = now
        return self._known

    def _measure(self, figures: Iterable[Metric], now: float) -> Measured:
        sums, risks, drift = defaultdict[str, float](float), Counter[str](), list[float]()
        for family in figures:
            for sample in family.samples:
                if sample.name in {"ratelimit_store_calls_total", "ratelimit_decisions_total"}:
                    sums[sample.name] += float(sample.value)
                elif sample.name == "ratelimit_risk_subjects":
                    risks[sample.labels["from"]] += int(sample.value)
                elif sample.name == "ratelimit_risk_drift":
                    drift.append(float(sample.value))
        calls, decisions = sums["ratelimit_store_calls_total"], sums["ratelimit_decisions_total"]
        self._past = [*(it for it in self._past if now - it[0] < _WINDOW_S), (now, calls, decisions)]
        _, first_calls, first_decisions = self._past[0]
        if decisions == first_decisions:  # nothing since: of all there were
            first_calls = first_decisions = 0.0
        made = decisions - first_decisions
        return Measured(
            calls=(calls - first_calls) / made if made > 0 else None,
            risks=tuple(risks[str(step)] for step in STEPS),
            drift=max(drift, default=None),
        )
