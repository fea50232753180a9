"""What stands before the limits, and how often it was met, for `/metrics`."""

from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelimit.core.policy import Policy
from ratelimit.core.standing import StandingSource
from ratelimit.service.limiter import Limiter
from ratelimit.service.standings import Standings


def gate_figures(limiter: Limiter) -> Iterator[Metric]:
    """What one sidecar met."""
    meaning = "Requests that met a word of a person, a rule or a hold."
    words = CounterMetricFamily("ratelimit_standing_hits", meaning, labels=["source", "then"])
    for (source, then), count in list(limiter.gate.hits.items()):
        words.add_metric([source, then], count)
    yield words
    lists = CounterMetricFamily("ratelimit_list_hits", "Requests and purchases of whom this list names.", labels=["list"])
    for it in limiter.gate.lists.all:
        lists.add_metric([it.rule.name], it.hits)
    yield lists


def list_entries(policy: Policy) -> Metric:
    """How long the lists are."""
    entries = GaugeMetricFamily("ratelimit_list_entries", "Items of this list of the policy.", labels=["list"])
    for it in policy.lists.all:
        entries.add_metric([it.rule.name], it.entries)
    return entries


def standing_figures(standings: Standings) -> Iterator[Metric]:
    """What stands, as one process knows it."""
    family = GaugeMetricFamily("ratelimit_standings", "Words that stand.", labels=["source"])
    for source in get_args(StandingSource):
        family.add_metric([source], standings.counts[source])
    yield family
    meaning = "When all words were last read from the store, epoch seconds; 0: not yet."
    yield GaugeMetricFamily("ratelimit_standings_synced_at_seconds", meaning, value=standings.synced_at or 0)
