"""Millions of keys by a sample of them: Zipf's law cut into strata of ranks, whole keys taken from each, and each standing for its part.

Buckets of different keys share nothing but the pipelines they are asked in, so a key of the sample goes through what it would go through
among millions. What is estimated is the sum over keys; a test and the scenario `sample` compare it with a run of all keys.
"""

from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from bench.fleet.trace import Floats, Ints

_SUMMED: Final = 1_000_000  # ranks whose weights are added one by one; beyond them the sum is an integral


class Zipf(NamedTuple):
    """So many keys, asked for so often together; the one of rank k in proportion to k ** -exponent."""

    keys: int
    requests_per_s: float
    exponent: float = 1.0

    def rates(self, ranks: Ints) -> Floats:
        """Requests per second of keys."""
        found: Floats = self.requests_per_s / self._sum() * ranks.astype(float) ** -self.exponent
        return found

    def _sum(self) -> float:
        head = np.arange(1, min(self.keys, _SUMMED) + 1, dtype=float)
        total = float((head**-self.exponent).sum())
        if self.keys > _SUMMED:
            low, high = _SUMMED + 0.5, self.keys + 0.5
            power = 1 - self.exponent
            total += float(np.log(high / low) if power == 0 else (np.power(high, power) - np.power(low, power)) / power)
        return total


class Sample(NamedTuple):
    """Keys of a population. Each stands for `weights` keys of its stratum, itself included."""

    ranks: Ints
    rates: Floats
    weights: Floats
    strata: Ints

    def part(self, chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Sample":
        """Some of the keys."""
        return Sample(self.ranks[chosen], self.rates[chosen], self.weights[chosen], self.strata[chosen])


def draw(population: Zipf, requests_per_s: float, most_keys: int) -> Sample:
    """From each stratum (ranks 1, 2-3, 4-7, ...) as many keys as make so many requests per second, at least one and at most `most_keys`."""
    ranks, weights, strata = [], [], []
    first, number = 1, 0
    while first <= population.keys:
        size = min(first, population.keys - first + 1)
        mean = float(population.rates(np.array([first + size // 2]))[0])
        count = min(size, most_keys, max(1, round(requests_per_s / mean)))
        ranks.append(_typical(first, size, count))
        weights.append(np.full(count, size / count))
        strata.append(np.full(count, number))
        first, number = first * 2, number + 1
    drawn = np.concatenate(ranks)
    return Sample(drawn, population.rates(drawn), np.concatenate(weights), np.concatenate(strata))


def standard_error(values: Floats, sample: Sample) -> float:
    """Of the weighted sum of `values`: what drawing other keys of the same strata would change."""
    variance = 0.0
    for stratum in np.unique(sample.strata):
        own = sample.strata == stratum
        count, size = int(own.sum()), float(sample.weights[own].sum())
        if 1 < count < size:
            variance += size * (size - count) * float(values[own].var(ddof=1)) / count
    return sqrt(variance)


def _typical(first: int, size: int, count: int) -> Ints:
    """Of `size` ranks in `count` equal steps, from each the one that is asked for as often as its step's mean if the exponent is 1."""
    if count == size:
        return np.arange(first, first + size)
    edges = np.linspace(first, first + size, count + 1)
    means: Ints = (np.diff(edges) / np.diff(np.log(edges))).astype(np.int64)
    return means
