"""What labels teach: chances that come true on later rows, in the order that the forest gives, and never falling where more is worse."""

import numpy as np
import pytest

from ratelimit.anomaly.boosting import Taught, boosted
from ratelimit.anomaly.forest import Forest
from ratelimit.anomaly.recipe import RECIPES

PLAIN = RECIPES["purchases"]._replace(steps=60, rate=0.3, leaf=5, later=0.0)
SET_RIGHT = PLAIN._replace(later=0.4)


def taught(count: int = 6_000, seed: int = 1, rising: bool = True) -> Taught:
    """Fraud is likelier with the first of four columns, and never sure; a forest of large steps believes too much of what it saw."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 4)).astype(np.float32)
    truth = rng.random(count) < 1 / (1 + np.exp(3.0 - rows[:, 0]))
    return Taught(rows, truth, np.array([int(rising), 0, 0, 0], np.int8))


def log_odds(recipe: object, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    trees, baseline = boosted(taught(), recipe)  # type: ignore[arg-type]
    return Forest(trees).sum(rows) + baseline


def loss(odds: np.ndarray[tuple[int], np.dtype[np.float64]], truth: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    return float(np.mean(np.logaddexp(0, np.where(truth, -odds, odds))))


def test_chances_are_set_right_on_later_rows() -> None:
    """They are nearer to what comes true, and the order of rows stays nearly what it was."""
    later = taught(seed=2)
    plain, right = log_odds(PLAIN, later.rows), log_odds(SET_RIGHT, later.rows)
    assert loss(right, later.truth) < loss(plain, later.truth) - 0.005
    assert np.corrcoef(plain, right)[0, 1] > 0.999
    assert (1 / (1 + np.exp(-right))).mean() == pytest.approx(later.truth.mean(), abs=0.02)


def test_too_little_fraud_sets_nothing_right() -> None:
    """Of a handful of later frauds no line is drawn; chances stay as the forest believes them."""
    few = taught(200)
    few = few._replace(truth=np.arange(200) < 30)  # all of them early
    plain, right = (boosted(few, recipe) for recipe in (PLAIN, SET_RIGHT))
    np.testing.assert_array_equal(plain[0].value, right[0].value)
    assert plain[1] == right[1]


def test_a_rising_column_never_lowers_the_chance() -> None:
    """Whatever else a row says."""
    rows = np.repeat(np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32), 40, axis=0)
    rows[:, 0] = np.tile(np.linspace(-4, 4, 40, dtype=np.float32), 50)
    odds = log_odds(SET_RIGHT, rows).reshape(50, 40)
    assert (np.diff(odds, axis=1) >= -1e-9).all()
    assert (odds[:, -1] > odds[:, 0] + 1).all()
