"""A forest walks all its trees at once: the worked example, blocks of rows, and arrays that are no forest."""

from typing import Any

import numpy as np
import pytest

from ratelimit.anomaly.forest import BLOCK, MAX_TREES, Forest, Trees

INF = np.float32(np.inf)
EXAMPLE = Trees(
    np.array([[0, 0, 1]], np.int16),
    np.array([[5, INF, 1]], np.float32),
    np.array([[3.0, 3.0, 1.0, 2.0]]),
)


@pytest.mark.parametrize(
    ("row", "value"),
    [((5, 9), 3), ((-INF, 0), 3), ((7, 0), 1), ((7, 1), 1), ((7, 1.5), 2), ((INF, INF), 2)],
    ids=str,
)
def test_worked_example(row: tuple[float, float], value: float) -> None:
    """The tree of the module's head: a number at the threshold goes left, a leaf further up catches whatever comes to it."""
    forest = Forest(EXAMPLE)
    rows = np.array([row], np.float32)
    assert forest.one(rows[0]) == value
    assert forest.sum(rows).tolist() == [value]


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 1])
def test_any_number_of_rows(count: int) -> None:
    """Rows are answered in their order, however many blocks they make, and also where they are a part of a wider array."""
    rng = np.random.default_rng(3)
    trees = Trees(
        rng.integers(0, 5, (7, 15)).astype(np.int16), rng.standard_normal((7, 15)).astype(np.float32), rng.standard_normal((7, 16))
    )
    rows = rng.standard_normal((count, 10)).astype(np.float32)[:, ::2]
    forest = Forest(trees)
    assert forest.sum(rows) == pytest.approx([forest.one(row) for row in rows], abs=1e-12)


NOT_TREES: list[tuple[dict[str, Any], str]] = [
    ({"value": np.zeros((1, 3))}, "value has the shape (1, 3)"),
    ({"value": np.zeros(4)}, "value has the shape (4,)"),
    ({"value": np.zeros((0, 4))}, "value has the shape (0, 4)"),
    ({"value": np.zeros((MAX_TREES + 1, 4))}, f"expected 1 to {MAX_TREES} trees"),
    ({"value": np.zeros((1, 1))}, "value has the shape (1, 1)"),
    ({"feature": EXAMPLE.feature[:, :2]}, "feature has the shape (1, 2); expected (1, 3)"),
    ({"threshold": EXAMPLE.threshold[0]}, "threshold has the shape (3,)"),
    ({"feature": EXAMPLE.feature - 1}, "feature reaches from -1 to 0"),
    ({"feature": EXAMPLE.feature + 1}, "feature reaches from 1 to 2; expected 0 to 1"),
    ({"threshold": EXAMPLE.threshold * np.float32(np.nan)}, "threshold holds NaN"),
    ({"threshold": -EXAMPLE.threshold}, "or -inf"),
    ({"value": EXAMPLE.value * np.inf}, "no finite number"),
]


@pytest.mark.parametrize(("changed", "problem"), NOT_TREES, ids=lambda part: part if isinstance(part, str) else "")
def test_what_is_no_forest(changed: dict[str, Any], problem: str) -> None:
    """Arrays that do not fit together, or would lead outside of a row, are told before anything walks them."""
    assert EXAMPLE.problem(2) is None
    assert problem in str(EXAMPLE._replace(**changed).problem(2))
