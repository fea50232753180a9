"""Puts the figures of several processes together, so that they read as those of one and no dashboard needs to know how many there are.

A sample is its name and its labels. Counters and most gauges are summed; the few of which a sum would mean nothing stand in a table.
prometheus_client has a mode for several processes, too: it writes each of its own counters through a mapped file. Ours are plain integers
that are read when somebody asks, so the figures are made in each process and summed here.
"""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.core import Metric

_NOT_SUMMED: Final[dict[str, Callable[[float, float], float]]] = {
    "ratelimit_store_away": max,  # away for one of them
    "ratelimit_signals_store_away": max,
    "ratelimit_signals_profiles": max,  # they estimate the same
    "ratelimit_signals_full": max,
    "ratelimit_model_info": max,
    "ratelimit_signal_drift": max,  # each sees some of the same subjects
    "ratelimit_risk_drift": max,
    "ratelimit_rule_guard_on": max,  # on at one of them
    "ratelimit_rule_overlay_broken": max,
    "process_start_time_seconds": min,  # of the first
}
_Sample = tuple[str, tuple[tuple[str, str], ...]]


def merged(figures: Iterable[Metric]) -> list[Metric]:
    """One family of each name, and in it each sample once, in the order in which they first came."""
    families: dict[str, Metric] = {}
    samples: dict[str, dict[_Sample, float]] = {}
    for family in figures:
        families.setdefault(family.name, family)
        found = samples.setdefault(family.name, {})
        for name, labels, value, *_ in family.samples:
            key = name, tuple(sorted(labels.items()))
            found[key] = _NOT_SUMMED.get(name, float.__add__)(found[key], float(value)) if key in found else float(value)
    return [_family(families[name], found) for name, found in samples.items()]


def counters(figures: Iterable[Metric]) -> list[Metric]:
    """What stays true of a process that is gone: a counter never goes back."""
    return [family for family in figures if family.type in {"counter", "histogram"}]


def _family(like: Metric, samples: dict[_Sample, float]) -> Metric:
    family = Metric(like.name, like.documentation, like.type)
    for (name, labels), value in samples.items():
        family.add_sample(name, dict(labels), value)
    return family
