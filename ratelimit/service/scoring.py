"""Profiles that came back from the store become signals, and the model makes risks of them, in batches."""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.profile import STATE
from ratelimit.core.protocols import Scorer
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import KINDS, Kind, Rows, signals_of
from ratelimit.service.challenge import Challenge
from ratelimit.service.drift import HOUR_S, Drift
from ratelimit.service.risk_steps import RiskSteps
from ratelimit.service.watch import Watch

_MOST_WAITING: Final = 4_096  # profiles of one kind

Rules = Callable[[Kind, Sequence[Watch], Rows], None]
Observer = Callable[[Kind, list[Watch], list[int], Rows], None]  # sees every batch after it was scored, with the tick of each row


class Scoring:
    """Scores what it is given. `scorer` may be changed at any time; without one the risk is what other sidecars left in the profile."""

    def __init__(self) -> None:
        self.scorer: Scorer | None = None
        self.observer: Observer | None = None
        self.rules: tuple[Rules, ...] = ()  # asked about every batch
        self.spared: Collection[tuple[str, str]] = frozenset()  # kind and value of those that no model may look at
        self.drift = Drift()
        self.steps = RiskSteps()
        self.challenge = Challenge()
        self.scored = 0
        self.dropped = 0  # profiles that came faster than they could be scored
        self._waiting: dict[Kind, deque[tuple[Watch, bytes]]] = {kind: deque() for kind in KINDS}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def model(self) -> int:
        """By which model a risk is, as profiles say it; 0 is none."""
        return int(self.scorer.version[:8], 16) if self.scorer is not None else 0

    def add(self, watch: Watch, state: bytes) -> None:
        """A profile came back."""
        waiting = self._waiting[watch.kind]
        if len(waiting) >= _MOST_WAITING:
            waiting.popleft()
            self.dropped += 1
        waiting.append((watch, state))

    def score(self, most: int) -> list[Watch]:
        """Score so many of them, all of one kind, those that came first; whom they are of."""
        kind, waiting = max(self._waiting.items(), key=lambda one: len(one[1]))
        if not waiting:
            return []
        batch = [waiting.popleft() for _ in range(min(most, len(waiting)))]
        watches = [watch for watch, _ in batch]
        self._score(kind, watches, b"".join([state for _, state in batch]))
        self.scored += len(batch)
        return watches

    def reasons(self, kind: Kind, signals: bytes) -> tuple[SignalReason, ...]:
        """What is unusual in signals of a subject, float32; nothing without a model."""
        if self.scorer is None:
            return ()
        return self.scorer.reasons(kind, np.frombuffer(signals, "<f4").astype(np.float64))

    def _score(self, kind: Kind, watches: list[Watch], packed: bytes) -> None:
        states = np.frombuffer(packed, STATE)
        rows = signals_of(kind, states)
        ticks = [int(tick) for tick in states["at"].tolist()]
        risks = states["risk"] if self.scorer is None else self._looked_at(self.scorer, kind, watches, ticks, rows)
        if self.spared:
            risks = np.where([self._is_spared(watch) for watch in watches], np.nan, risks)
        vectors, width = rows.astype("<f4").tobytes(), rows.shape[1] * 4
        version = self.scorer.version if self.scorer is not None else None
        for index, (watch, risk, tick) in enumerate(zip(watches, risks.tolist(), ticks, strict=True)):
            watch.risk, watch.scored, watch.model = None if isnan(risk) else risk, tick, version
            watch.signals = vectors[index * width : (index + 1) * width]
        for rules in self.rules:
            rules(kind, watches, rows)
        if self.observer is not None:
            self.observer(kind, watches, ticks, rows)

    def _looked_at(self, scorer: Scorer, kind: Kind, watches: Sequence[Watch], ticks: Sequence[int], rows: Rows) -> NDArray[np.float64]:
        """The risks by the model, which is not shown the rows of those that are spared; theirs are NaN."""
        found = np.full(len(watches), np.nan)
        shown = [index for index, watch in enumerate(watches) if not self._is_spared(watch)]
        if not shown:
            return found
        plans = [watches[index].plan for index in shown]
        found[shown] = risks = scorer.score(kind, rows[shown], plans)
        self.challenge.see(kind, rows[shown], plans, risks)
        fresh = [index for index in shown if watches[index].scored // HOUR_S != ticks[index] // HOUR_S]
        if fresh:
            self.drift.see(scorer, kind, rows[fresh], found[fresh], max(ticks))
            self.steps.see(kind, found[fresh], max(ticks))
        return found

    def _is_spared(self, watch: Watch) -> bool:
        return bool(self.spared) and (watch.kind, watch.value) in self.spared
