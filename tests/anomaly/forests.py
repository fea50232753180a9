"""Rows and forests to test with: skewed, tied and constant columns, and rows at thresholds and at the ends of what a float32 holds."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANY = 150  # rows: more than two blocks of a forest, and no whole number of them


def trained(model: Any, *data: NDArray[Any]) -> Any:
    return model.fit(*data)


def columns(rng: np.random.Generator, rows: int, width: int) -> NDArray[np.float64]:
    """Columns each of another kind: long tails, few values, one value, plain, tiny, huge."""
    kinds: list[Callable[[], NDArray[np.float64]]] = [
        lambda: rng.pareto(0.7, rows),
        lambda: rng.integers(0, 3, rows).astype(np.float64),
        lambda: np.full(rows, 0.1),
        lambda: rng.standard_normal(rows),
        lambda: rng.random(rows) * 1e-38,
        lambda: rng.standard_normal(rows) * 1e37,
    ]
    return np.stack([kinds[int(rng.integers(len(kinds)))]() for _ in range(width)], axis=1)


def wild(rng: np.random.Generator, rows: NDArray[Any], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows made of thresholds, of numbers beside them, of the largest and smallest numbers, and of zeros of both signs."""
    near = np.nan_to_num(thresholds, posinf=3e38, neginf=-3e38).astype(np.float32)
    beside = [np.nextafter(near, np.float32(to)) for to in (-np.inf, np.inf)]
    edge = np.finfo(np.float32)
    numbers = np.concatenate([near, *beside, [edge.max, edge.min, edge.tiny, 0.0, -0.0]])
    made: NDArray[np.float64] = np.clip(rng.choice(numbers, (MANY, rows.shape[1])), edge.min, edge.max).astype(np.float64)
    return made
