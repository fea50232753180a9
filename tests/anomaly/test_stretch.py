"""Stretched columns: a forest grown on them is, written down, the same forest over rows as they are."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from ratelimit.anomaly.export import export_isolation
from ratelimit.anomaly.forest import Forest
from ratelimit.anomaly.stretch import Column, Stretch
from tests.anomaly.forests import columns, trained

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("seed", range(8))
def test_cuts_are_written_down_as_values(seed: int) -> None:
    """Of rows that lie on no cut, all fall into the same leaves, those far beyond anything seen too."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.pareto(1.5, (500, 3)), rng.integers(0, 3, (500, 1)), np.ones((500, 1))], axis=1).astype(np.float32)
    stretch = Stretch.of(rows)
    trees, _ = export_isolation(trained(IsolationForest(n_estimators=20, random_state=seed), stretch.apply(rows)))
    judged = np.concatenate([rows, rows * 50]).astype(np.float32)
    stretched, plain = Forest(trees).sum(stretch.apply(judged)), Forest(stretch.unstretched(trees)).sum(judged)
    assert np.mean(np.abs(stretched - plain) > 1e-9) < 0.02  # what float32 rounds across a cut


def test_the_order_stays() -> None:
    """A greater value is never shown as a smaller one, nor the other way round."""
    values = columns(RNG, 2_000, 4)[:, :4].astype(np.float32)
    shown = Stretch.of(values).apply(values)
    for column, after in zip(values.T, shown.T, strict=True):
        assert (np.diff(after[np.argsort(column)]) >= 0).all()


def test_room_goes_to_the_upper_tail() -> None:
    """One giant does not take the room of all others; the upper tail has several times that of the lower."""
    values = np.append(RNG.lognormal(0, 1, 9_999), 1e6).astype(np.float32)[:, None]
    shown = np.sort(Stretch.of(values).apply(values)[:, 0])
    assert shown[-1] < 3 * shown[-100]
    assert shown[-10] - np.median(shown) > 2 * (np.median(shown) - shown[10])


def test_a_column_that_says_nothing() -> None:
    """It is shown as 0, whatever comes later."""
    stretch = Stretch.of(np.full((10, 1), 7, np.float32))
    assert stretch.apply(np.array([[7.0], [9.0]], np.float32)).tolist() == [[0.0], [0.0]]


def test_there_and_back() -> None:
    """A value shown and written down again is itself, between knots and beyond them."""
    column = Column(np.array([0.0, 1.0, 4.0]), np.array([0.0, 2.0, 3.0]), 0.5)
    values = np.array([0.0, 0.5, 2.0, 4.0, 40.0])
    np.testing.assert_allclose(column.unstretched(column.shown(values)), values)
