"""A forest of decision trees as flat arrays, walked by all trees and all rows at once. It never trains, and knows no library that does.

A tree asks at each node whether one number of a row is above a threshold: no goes left, yes goes right, until a leaf gives its value. What
the values mean is the caller's: path lengths of an isolation forest, or steps of a boosted one. Here they are only added up.

**Derivation.** Walking pointers costs Python a microsecond a node, and a forest of 100 trees of depth 8 has 800 on a row's way. So every
tree is made complete, `depth` levels with 2^d nodes on level d, a leaf further up being drawn out: a node whose threshold is +inf always
goes left, and all leaves below it hold the same value. Then a node needs no children written down. Level d of all trees lies in one array,
tree after tree, and node p of tree t is its item i = t·2^d + p. The children of item i are the items 2i and 2i + 1 of the next level, since
t·2^(d+1) + 2p = 2i. One step of all trees for a row is

    i ← 2i + [row[feature[i]] > threshold[i]]

and that is six calls of NumPy for a level, whatever the number of rows and trees. There are no cycles and no stray children to check in a
file that came from elsewhere, because there is no way to write them. The first three levels need not be walked at all: the seven nodes of a
tree are asked at once, their answers are eight bytes (the last is idle), a multiplication packs these into one, and a table of 256 says at
which of the eight nodes of level 3 they lead.

**Exactness.** scikit-learn's isolation trees compare float32(x) <= threshold, a float64; its boosted ones two float64. Rows
arrive here as float32 (anomaly/design rounds them, in training as in serving), and for a float32 x the two are the same as x <= t, where
t is the largest float32 that is not above the threshold. So thresholds are float32 without an error, and half as much memory is read.

**Invariant.** On level d the items of tree t are t·2^d ... (t+1)·2^d - 1, and each row is at one of them. A row holds no NaN: it would go
left everywhere.

**Worked example.** One tree of depth 2: `a > 5?`; no: a leaf 3.0; yes: `b > 1?` no 1.0, yes 2.0. Features [[a], [a, b]], thresholds
[[5], [inf, 1]], values [3, 3, 1, 2]. The row (a=7, b=0): i = 0; 7 > 5, i = 1; item 1 of level 1 asks 0 > 1, no, i = 2; the value is 1.0.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH: Final = 12  # levels; complete trees double with each, and an isolation tree of 4,096 samples has no more
MAX_TREES: Final = 1_000
BLOCK: Final = 64  # rows walked at once: what is gathered stays in the cache

TOP_LEVELS: Final = 3  # asked at once
_TOP_NODES: Final = 1 << TOP_LEVELS
_PACK: Final = np.uint64(0x0102040810204080)  # each byte's lowest bit comes to a place of its own in the highest byte
_PACK_SHIFT: Final = np.uint64(56)

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


class Trees(NamedTuple):
    """A forest as it is written to a file; node p of level d of a tree is item 2^d - 1 + p of its row."""

    feature: NDArray[np.int16]  # (trees, 2^depth - 1)
    threshold: NDArray[np.float32]  # the same; +inf: always left
    value: Floats  # (trees, 2^depth)

    def problem(self, columns: int) -> str | None:
        """What keeps these arrays from being a forest over rows of so many columns; None if nothing does."""
        trees, leaves = self.value.shape if self.value.ndim == 2 else (0, 0)
        if not 1 <= trees <= MAX_TREES or leaves not in {1 << depth for depth in range(1, MAX_DEPTH + 1)}:
            return f"value has the shape {self.value.shape}; expected 1 to {MAX_TREES} trees of 2 to {1 << MAX_DEPTH} leaves, a power of 2"
        for name in ("feature", "threshold"):
            if (found := getattr(self, name).shape) != (trees, leaves - 1):
                return f"{name} has the shape {found}; expected {(trees, leaves - 1)}, one less than value has leaves"
        if self.feature.min() < 0 or self.feature.max() >= columns:
            return f"feature reaches from {self.feature.min()} to {self.feature.max()}; expected 0 to {columns - 1}"
        if np.isnan(self.threshold).any() or np.isneginf(self.threshold).any():
            return "threshold holds NaN or -inf; expected numbers, or +inf where a leaf was drawn out"
        if not np.isfinite(self.value).all():
            return "value holds what is no finite number"
        return None


class Forest:
    """Trees made ready to be walked. Adds up the value that each tree gives to a row."""

    __slots__ = ("_levels", "_roots", "_top_feature", "_top_threshold", "_value")

    def __init__(self, trees: Trees) -> None:
        while trees.value.shape[1] < _TOP_NODES:
            trees = _deeper(trees)
        count, leaves = trees.value.shape
        self._roots = np.arange(0, count * _TOP_NODES, _TOP_NODES)  # on level 3
        top = slice(_TOP_NODES - 1)
        # intp, since `take` would turn any other index into it with each call
        self._top_feature = np.pad(trees.feature[:, top], ((0, 0), (0, 1))).ravel().astype(np.intp)
        self._top_threshold = np.pad(trees.threshold[:, top], ((0, 0), (0, 1)), constant_values=np.inf).ravel()
        starts = [1 << depth for depth in range(TOP_LEVELS, leaves.bit_length() - 1)]
        parts = [slice(start - 1, 2 * start - 1) for start in starts]
        self._levels = [(trees.feature[:, part].ravel().astype(np.intp), trees.threshold[:, part].ravel()) for part in parts]
        self._value = trees.value.ravel()

    def sum(self, rows: Rows) -> Floats:
        """For each row (n, columns) the sum over all trees (n,)."""
        sums = np.empty(len(rows))
        for start in range(0, len(rows), BLOCK):
            sums[start : start + BLOCK] = self._block(np.ascontiguousarray(rows[start : start + BLOCK]))
        return sums

    def one(self, row: Rows) -> float:
        """The sum over all trees for one row (columns,)."""
        at = self._top(row)
        for feature, threshold in self._levels:
            above = row.take(feature.take(at)) > threshold.take(at)
            at = at + at + above
        return float(np.add.reduce(self._value.take(at)))

    def _top(self, rows: Rows) -> NDArray[np.intp]:
        """The items of level 3 that rows (..., columns) come to in each tree (..., trees)."""
        above = rows.take(self._top_feature, axis=-1) > self._top_threshold
        return _TOP_PATH.take(_packed(above)) + self._roots

    def _block(self, rows: Rows) -> Floats:
        at = self._top(rows)
        count, columns = rows.shape
        flat, row_starts = rows.ravel(), np.arange(0, count * columns, columns)[:, None]
        index = np.empty(at.shape, np.intp)
        x, limit, above = np.empty(at.shape, np.float32), np.empty(at.shape, np.float32), np.empty(at.shape, np.bool_)
        for feature, threshold in self._levels:
            # mode: `take` into an array that is there is several times slower where it has to raise
            feature.take(at, out=index, mode="wrap")
            index += row_starts
            flat.take(index, out=x, mode="wrap")
            threshold.take(at, out=limit, mode="wrap")
            np.greater(x, limit, out=above)
            at += at
            at += above
        sums: Floats = self._value.take(at).sum(axis=1)
        return sums


def _deeper(trees: Trees) -> Trees:
    """The same with one level more, on which everything goes left."""
    feature = np.pad(trees.feature, ((0, 0), (0, trees.value.shape[1])))
    threshold = np.pad(trees.threshold, ((0, 0), (0, trees.value.shape[1])), constant_values=np.inf)
    return Trees(feature, threshold, np.repeat(trees.value, 2, axis=1))


def _packed(answers: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Each eight answers in a row (..., 8·n) as one number below 256 (..., n)."""
    return (answers.view(np.uint64) * _PACK) >> _PACK_SHIFT


def _top_path() -> NDArray[np.intp]:
    """For each packed set of answers the node of level 3, from the left, that it leads to."""
    answers = (np.arange(256)[:, None] >> np.arange(8)) & 1
    at = np.zeros(256, np.intp)
    for level in range(TOP_LEVELS):
        at = 2 * at + answers[np.arange(256), 2**level - 1 + at]
    path = np.empty(256, np.intp)
    path[_packed(answers.astype(np.bool_)).ravel()] = at
    return path


_TOP_PATH: Final = _top_path()
