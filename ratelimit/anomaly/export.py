"""Turns fitted forests of scikit-learn into the arrays that anomaly/forest walks. Only training imports this; serving has no scikit-learn.

Two kinds: isolation forests, read through what scikit-learn documents (`estimators_`, `tree_`, `max_samples_`), and histogram gradient
boosting, whose trees stand only in `_predictors`. It is chosen over GradientBoostingClassifier, whose trees are public, since it knows
monotone constraints and trains on hundreds of thousands of rows in seconds. That private name is read here and nowhere else, when a model
is written; a test holds every number against scikit-learn, so a release that moves it is seen in training, never in serving.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from ratelimit.anomaly.forest import MAX_DEPTH, Trees

_MOST_COLUMNS: Final = 2**15  # what an int16 can name


class Nodes(NamedTuple):
    """One tree as scikit-learn keeps it: children by index, -1 at a leaf."""

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]


def export_isolation(forest: IsolationForest) -> tuple[Trees, float]:
    """The trees, and the sum at which the score 2^(-sum / normal) is one half: that of rows no more isolated than any.

    A leaf's value is the number of steps to it, and those that isolating each of the training samples in it would still take on average.
    """
    if forest.max_samples_ < 2:
        raise ValueError("an isolation forest of one sample a tree isolates nothing; expected max_samples >= 2")
    trees = [_isolation_nodes(one.tree_, columns) for one, columns in zip(forest.estimators_, forest.estimators_features_, strict=True)]
    normal = len(trees) * float(average_path(np.array([forest.max_samples_]))[0])
    return _complete(trees, forest.n_features_in_), normal


def export_boosted(model: HistGradientBoostingClassifier) -> tuple[Trees, float]:
    """The trees, and what their sum starts from: log-odds of the second class of two."""
    if len(model.classes_) != 2:
        raise ValueError(f"a boosted model of {len(model.classes_)} classes has no single log-odds; expected 2 classes")
    trees = [_boosted_nodes(predictor.nodes) for (predictor,) in model._predictors]
    return _complete(trees, model.n_features_in_), float(model._baseline_prediction[0, 0])


def average_path(samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Steps that it takes on average to isolate one of so many samples, as in a binary search that fails (Liu, Ting, Zhou 2008, eq. 1)."""
    count = np.maximum(samples, 3).astype(np.float64)
    path = 2.0 * (np.log(count - 1.0) + np.euler_gamma) - 2.0 * (count - 1.0) / count
    return np.where(samples <= 1, 0.0, np.where(samples == 2, 1.0, path))


def _isolation_nodes(tree: object, columns: NDArray[np.int64]) -> Nodes:
    left, right = (np.asarray(getattr(tree, name), np.int64) for name in ("children_left", "children_right"))
    steps = np.zeros(len(left))
    for node, (first, second) in enumerate(zip(left, right, strict=True)):
        if first >= 0:  # a child stands behind its parent
            steps[[first, second]] = steps[node] + 1
    feature = columns[np.maximum(np.asarray(getattr(tree, "feature")), 0)]  # noqa: B009  Cython's class has no types
    value = steps + average_path(np.asarray(getattr(tree, "n_node_samples"), np.int64))  # noqa: B009
    return Nodes(feature, np.asarray(getattr(tree, "threshold")), left, right, value)  # noqa: B009


def _boosted_nodes(nodes: NDArray[np.void]) -> Nodes:
    if nodes["is_categorical"].any():
        raise ValueError("a boosted tree splits by category; expected numeric columns alone")
    leaf = nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    return Nodes(nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"])


def _complete(trees: list[Nodes], columns: int) -> Trees:
    """The trees made complete, to the depth of the deepest, leaves drawn out."""
    if columns > _MOST_COLUMNS:
        raise ValueError(f"a forest over {columns} columns; expected at most {_MOST_COLUMNS}")
    depth = max(1, *(max(step for step, _, _ in _places(tree)) for tree in trees))
    if depth > MAX_DEPTH:
        raise ValueError(f"a tree is {depth} levels deep; expected at most {MAX_DEPTH}: set max_depth, or max_samples <= {2**MAX_DEPTH}")
    inner = len(trees), 2**depth - 1
    feature, threshold = np.zeros(inner, np.int16), np.full(inner, np.inf, np.float32)
    value = np.empty((len(trees), 2**depth))
    for number, tree in enumerate(trees):
        cuts = at_most(tree.threshold)
        for step, place, node in _places(tree):
            if tree.left[node] < 0:
                width = 1 << (depth - step)
                value[number, place * width : (place + 1) * width] = tree.value[node]
            else:
                feature[number, 2**step - 1 + place] = tree.feature[node]
                threshold[number, 2**step - 1 + place] = cuts[node]
    return Trees(feature, threshold, value)


def _places(tree: Nodes) -> Iterator[tuple[int, int, int]]:
    """Every node: on which level, at which place of it counted from the left, and its index."""
    ahead = [(0, 0, 0)]
    while ahead:
        step, place, node = ahead.pop()
        yield step, place, node
        if tree.left[node] >= 0:
            ahead += [(step + 1, 2 * place, int(tree.left[node])), (step + 1, 2 * place + 1, int(tree.right[node]))]


def at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """For each the largest float32 that is not above it: a float32 is above one if and only if it is above the other."""
    with np.errstate(over="ignore"):  # to inf, and from there back to the largest float32
        near = thresholds.astype(np.float32)
        return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
