"""Forests of scikit-learn as arrays: every number is what scikit-learn would have said."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from threadpoolctl import threadpool_limits

from ratelimit.anomaly.export import at_most, average_path, export_boosted, export_isolation
from ratelimit.anomaly.forest import BLOCK, MAX_DEPTH, Forest
from tests.anomaly.forests import columns, trained, wild

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Of rows so few, threads wait for one another longer than they work."""
    with threadpool_limits(1, "openmp"):
        yield


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    trees=st.integers(1, 20),
    samples=st.integers(2, 300),
    width=st.integers(1, 8),
    share=st.sampled_from([0.4, 1.0]),
)
def test_isolation_equals_scikit_learn(seed: int, trees: int, samples: int, width: int, share: float) -> None:
    """Scores in a batch and alone are scikit-learn's, for rows like those of the training, at its thresholds, and far away."""
    rng = np.random.default_rng(seed)
    rows = columns(rng, samples, width)
    model = trained(IsolationForest(n_estimators=trees, max_samples=min(256, samples), max_features=share, random_state=seed % 1000), rows)
    exported, normal = export_isolation(model)
    thresholds = np.concatenate([one.tree_.threshold for one in model.estimators_])
    asked = np.concatenate([rows, wild(rng, rows, thresholds)]).astype(np.float32)
    forest = Forest(exported)
    assert exported.problem(width) is None
    expected = -model.score_samples(asked)
    assert np.abs(2 ** (-forest.sum(asked) / normal) - expected).max() < 1e-6
    assert np.abs([2 ** (-forest.one(row) / normal) for row in asked[-BLOCK:]] - expected[-BLOCK:]).max() < 1e-6


@settings(max_examples=40, deadline=None)  # training takes its time
@given(seed=SEEDS, trees=st.integers(1, 12), width=st.integers(1, 6), depth=st.integers(1, 6))
def test_boosting_equals_scikit_learn(seed: int, trees: int, width: int, depth: int) -> None:
    """Log-odds in a batch and alone are scikit-learn's, for rows that float32 can hold."""
    rng = np.random.default_rng(seed)
    rows = columns(rng, 200, width).astype(np.float32)
    verdicts = rows[:, 0] + rng.standard_normal(200) > np.median(rows[:, 0])
    verdicts[:2] = True, False
    model = HistGradientBoostingClassifier(max_iter=trees, max_depth=depth, min_samples_leaf=5, random_state=0, early_stopping=False)
    trained(model, rows, verdicts)
    exported, baseline = export_boosted(model)
    thresholds = np.concatenate([one.nodes["num_threshold"] for (one,) in model._predictors])
    asked = np.concatenate([rows, wild(rng, rows, thresholds)]).astype(np.float32)
    forest = Forest(exported)
    assert exported.problem(width) is None
    expected = model.decision_function(asked)
    assert np.abs(forest.sum(asked) + baseline - expected).max() < 1e-6
    assert np.abs([forest.one(row) + baseline for row in asked[-BLOCK:]] - expected[-BLOCK:]).max() < 1e-6


@given(
    arrays(np.float64, 5, elements=st.floats(-1e39, 1e39)),
    arrays(np.float32, 5, elements=st.floats(-(2.0**127), 2.0**127, width=32)),
)
def test_threshold_in_float32(thresholds: NDArray[np.float64], numbers: NDArray[np.float32]) -> None:
    """A float32 is above a threshold if and only if it is above the threshold's float32, also when it is the nearest to it."""
    near = np.clip(thresholds, -3e38, 3e38).astype(np.float32)
    beside = [np.nextafter(near, np.float32(to)) for to in (-np.inf, np.inf)]
    cuts = at_most(thresholds)
    for numbers_32 in (numbers, near, *beside):
        assert ((numbers_32 > thresholds) == (numbers_32 > cuts)).all()


def test_average_path() -> None:
    """One sample needs no step, two need one; the rest is the harmonic formula of the paper."""
    harmonic = sum(1 / number for number in range(1, 256))
    paths = average_path(np.array([0, 1, 2, 256]))
    assert paths[:3].tolist() == [0, 0, 1]
    assert paths[3] == pytest.approx(2 * harmonic - 2 * 255 / 256, abs=0.005)


def test_what_cannot_be_exported() -> None:
    """Trees too deep to be drawn out, one sample a tree, three classes and categories are refused, with what to set."""
    rng = np.random.default_rng(1)
    rows = np.sort(rng.pareto(0.2, (5_000, 1)), axis=0)
    with pytest.raises(ValueError, match="max_samples >= 2"):
        export_isolation(trained(IsolationForest(n_estimators=2, max_samples=1), rows))
    with pytest.raises(ValueError, match=f"expected at most {MAX_DEPTH}: set max_depth"):
        export_isolation(trained(IsolationForest(n_estimators=2, max_samples=5_000, random_state=0), rows))
    with pytest.raises(ValueError, match="3 classes"):
        export_boosted(trained(HistGradientBoostingClassifier(max_iter=1), rows, np.arange(5_000) % 3))
    by_category = HistGradientBoostingClassifier(max_iter=1, categorical_features=[0])
    with pytest.raises(ValueError, match="by category"):
        export_boosted(trained(by_category, np.arange(5_000)[:, None] % 7.0, np.arange(5_000) % 7 > 3))
