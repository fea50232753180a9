"""What `profile.lua` does, said once more and slowly, for its test alone: nothing that serves counts here."""

from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any

import numpy as np

from ratelimit.core.profile import COUNTERS, COUNTS, DISTINCT, GAPS, HALF_LIVES_S, LONGEST_GAP_S, STATE, TICKS_PER_HOUR

HALF_LIFE_S = dict(zip(("10s", "10m", "1d", "14d"), HALF_LIVES_S, strict=True))


@dataclass
class Twin:
    """One profile; counters are float32 after each merge, as the store keeps them."""

    at: float
    first: float
    last: float
    hour: float
    hours: set[int] = field(default_factory=set)  # active ones, by number since the epoch
    risk: float = nan
    model: int = 0
    requests: dict[float, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0.0))
    bits: dict[float, list[int]] = field(default_factory=dict)
    was_at: float = -1

    @classmethod
    def new(cls, tick: float) -> "Twin":
        """A subject that was never seen."""
        return cls(tick, tick, tick - LONGEST_GAP_S - 1, tick // TICKS_PER_HOUR)

    def merge(self, parts: list[list[float]], bits: list[int], risk: float, model: int) -> None:
        for part in parts:
            self._add(part)
        if parts:
            hour = parts[-1][0] // TICKS_PER_HOUR
            seen = self.bits.setdefault(hour, [0] * 5)
            self.bits[hour] = [one | other for one, other in zip(seen, bits, strict=True)]
        if not isnan(risk):
            self.risk, self.model = risk, model
        self.counters = {name: float(np.float32(value)) for name, value in self.counters.items()}
        self.requests = {hour: float(np.float32(count)) for hour, count in self.requests.items()}

    def _add(self, part: list[float]) -> None:
        tick, counts = part[0], dict(zip(COUNTS, part[1:], strict=True))
        late = 0.0
        if tick < self.at - TICKS_PER_HOUR:
            self.at, self.first, self.last = tick, min(self.first, tick), min(self.last, tick)
            self.hour, self.hours, self.requests, self.bits = tick // TICKS_PER_HOUR, set(), {}, {}
        elif tick < self.at:
            late = self.at - tick
        else:
            for name in COUNTERS:
                self.counters[name] *= 2 ** (-(tick - self.at) / HALF_LIFE_S[name.rpartition("_")[2]])
            self.at = tick
        self.first = min(self.first, tick)
        for name in COUNTERS:
            count, _, span = name.rpartition("_")
            if count not in GAPS:
                self.counters[name] += counts[count] * 2 ** (-late / HALF_LIFE_S[span])
        self.hour = max(self.hour, tick // TICKS_PER_HOUR)
        if counts["attempts"]:
            self._beat(tick, counts["requests"])

    def _beat(self, tick: float, requests: float) -> None:
        gap = tick - self.last
        if 0 < gap <= LONGEST_GAP_S:
            for name, value in zip(GAPS, (1, gap, gap * gap), strict=True):
                self.counters[f"{name}_1d"] += value
        self.last = max(self.last, tick)
        hour = tick // TICKS_PER_HOUR
        if self.hour - hour < 24:
            self.hours.add(int(hour))
        self.requests[hour] = self.requests.get(hour, 0) + requests

    def state(self) -> Any:
        """As the store packs it, with the tick before the last merge behind it."""
        row = np.zeros(1, STATE)
        row["at"], row["first"], row["last"], row["hour"], row["was_at"] = self.at, self.first, self.last, self.hour, self.was_at
        row["hours"] = sum({1 << int(hour % 24) for hour in self.hours if self.hour - hour < 24})
        row["risk"], row["model"] = self.risk, self.model
        row["hour_requests"], row["before_requests"] = self.requests.get(self.hour, 0), self.requests.get(self.hour - 1, 0)
        for name, value in self.counters.items():
            row[name] = value
        for ago, suffix in ((0, ""), (1, "_before")):
            for (name, width), mask in zip(DISTINCT, self.bits.get(self.hour - ago, [0] * 5), strict=True):
                row[f"{name}{suffix}"] = np.frombuffer(mask.to_bytes(width // 8, "little"), "<u8")
        return row
