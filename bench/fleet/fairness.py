"""Whether sidecars get their part: what each was admitted of what it was offered, and how long each went without.

A fair store gives every sidecar the same part of what it was offered. Even an ideal bucket does so only on average, since chance decides
who comes first, so each figure is taken for an ideal bucket on the same trace as well.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.fleet.trace import Floats, Ints, Trace

_NEVER: Final = float("nan")

Flags = NDArray[np.bool_]


class Fairness(NamedTuple):
    """Jain's index (1: all alike, 1/n: one has all) over windows of 1 s and 10 s; parts are of the mean part; drought in seconds."""

    jain_1s: float
    jain_10s: float
    least_part: float
    greatest_part: float
    drought_s: float


def fairness(trace: Trace, admitted: Flags, warm_us: int) -> Fairness:
    """What follows from who was admitted after the warm-up."""
    parts = _parts(trace, admitted, trace.at >= warm_us)
    mean = parts.mean() if len(parts) else 0.0
    return Fairness(
        _windowed_jain(trace, admitted, warm_us, 1_000_000),
        _windowed_jain(trace, admitted, warm_us, 10_000_000),
        float(parts.min() / mean) if mean else _NEVER,
        float(parts.max() / mean) if mean else _NEVER,
        _drought_s(trace, admitted, warm_us),
    )


def jain(parts: Floats) -> float:
    """Jain's index of fairness."""
    squares = float((parts**2).sum())
    return float(parts.sum()) ** 2 / (len(parts) * squares) if squares else _NEVER


def _parts(trace: Trace, admitted: Flags, when: Flags) -> Floats:
    """Of each sidecar that was offered anything, the part that was admitted."""
    sidecars = int(trace.sidecar.max(initial=0)) + 1
    offered = np.bincount(trace.sidecar[when], minlength=sidecars)
    got = np.bincount(trace.sidecar[when & admitted], minlength=sidecars)
    parts: Floats = got[offered > 0] / offered[offered > 0]
    return parts


def _windowed_jain(trace: Trace, admitted: Flags, warm_us: int, window_us: int) -> float:
    """The mean over whole windows after the warm-up; none fits: not a number."""
    starts = range(warm_us, trace.end_us - window_us + 1, window_us)
    found = [jain(_parts(trace, admitted, (trace.at >= start) & (trace.at < start + window_us))) for start in starts]
    return float(np.nanmean(found)) if found and not np.isnan(found).all() else _NEVER


def _drought_s(trace: Trace, admitted: Flags, warm_us: int) -> float:
    """The longest that any sidecar was only refused, from its first refusal after an admission on."""
    longest, sidecars = 0, np.unique(trace.sidecar)
    for sidecar in sidecars.tolist():
        own = (trace.sidecar == sidecar) & (trace.at >= warm_us)
        at, got = trace.at[own], admitted[own]
        longest = max(longest, _longest_refusal(at, got))
    return longest / 1e6


def _longest_refusal(at: Ints, got: Flags) -> int:
    """Microseconds from the first to the last of the refusals in the run of them that took the longest."""
    edges = np.flatnonzero(np.diff(np.r_[True, got, True].astype(np.int8)))
    if not len(edges):
        return 0
    first, last = edges[0::2], edges[1::2] - 1
    return int((at[last] - at[first]).max())
