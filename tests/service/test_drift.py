"""Drift: counted once an hour for each subject, halved each day, silent while little is known, and anew with another model."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ratelimit.core.profile import STATE
from ratelimit.core.signals import COLUMN, NAMES, Kind, Rows
from ratelimit.core.spread import BINS, Spread
from ratelimit.service.drift import HALF_LIFE_S, HOUR_S, LEAST_ROWS, Drift
from ratelimit.service.scoring import Scoring
from ratelimit.service.watch import Watch
from tests.service.test_usage import FixedScorer

START = 1_790_000_000 // HOUR_S * HOUR_S
WIDTH = len(NAMES) + 1
CUTS: NDArray[np.float32] = np.tile(np.arange(1, BINS, dtype=np.float32) / np.float32(BINS), (WIDTH, 1))


class Ranked(FixedScorer):
    """Knows days on which all signals and risks lay evenly between 0 and 1."""

    def __init__(self) -> None:
        super().__init__(0.5)
        self.known = Spread(CUTS, np.tile([*[0.1] * BINS, 0.0], (WIDTH, 1)).astype(np.float64))

    def spread(self, kind: Kind) -> Spread | None:  # type: ignore[override]
        return self.known if kind == "api_key" else None


def rows(count: int, seed: int = 0) -> Rows:
    return np.random.default_rng(seed).random((count, WIDTH))


def seen(drift: Drift, scorer: Ranked, values: Rows, tick: int = START, kind: Kind = "api_key") -> None:
    drift.see(scorer, kind, values[:, :-1], values[:, -1], tick)


def test_a_shifted_signal_is_told() -> None:
    """Of the signal that moved the index is large, of the others and the risk near 0."""
    drift, values = Drift(), rows(4_000)
    values[:, COLUMN["burst"]] += 0.3
    seen(drift, Ranked(), values)
    index = drift.index("api_key")
    assert index is not None
    assert index[COLUMN["burst"]] > 0.25
    assert np.delete(index, COLUMN["burst"]).max() < 0.05
    bins = drift.bins("api_key")
    assert bins is not None
    assert bins.sum(axis=1).tolist() == [4_000] * WIDTH
    assert bins[COLUMN["burst"], 0] == 0  # nothing is that low any more
    assert drift.bins("ip") is None


def test_a_shifted_risk_is_told() -> None:
    """Risks that are higher than they were have an index of their own."""
    drift, values = Drift(), rows(4_000)
    values[:, -1] **= 0.3
    seen(drift, Ranked(), values)
    index = drift.index("api_key")
    assert index is not None
    assert index[-1] > 0.25


def test_nothing_is_said_of_little() -> None:
    """Too few rows, rows of a kind without such days, and rows that have faded are no index at all."""
    drift, scorer = Drift(), Ranked()
    assert drift.index("api_key") is None
    seen(drift, scorer, rows(LEAST_ROWS - 1))
    assert drift.index("api_key") is None
    seen(drift, scorer, rows(1))
    assert drift.index("api_key") is not None
    seen(drift, scorer, rows(0), START + HALF_LIFE_S)
    assert drift.rows == {"api_key": pytest.approx(LEAST_ROWS / 2)}
    assert drift.index("api_key") is None
    seen(drift, scorer, rows(2 * LEAST_ROWS), kind="ip")
    assert drift.index("ip") is None


def test_another_model_begins_anew() -> None:
    """What was counted against other days is let go."""
    drift = Drift()
    seen(drift, Ranked(), rows(LEAST_ROWS))
    seen(drift, Ranked(), rows(10))
    assert drift.rows == {"api_key": 10}


def test_one_row_of_a_subject_an_hour() -> None:
    """However often a subject is scored, it is counted once in each hour."""
    scoring, watch = Scoring(), Watch("api_key", "k", "rl1:p:k")
    scoring.scorer = Ranked()
    state = np.zeros(1, STATE)
    for tick in (START, START + 1, START + HOUR_S - 1, START + HOUR_S, START + HOUR_S + 9):
        state["at"] = tick
        scoring.add(watch, state.tobytes())
        scoring.score(64)
    assert scoring.scored == 5
    assert scoring.drift.rows["api_key"] == pytest.approx(2, abs=0.1)
