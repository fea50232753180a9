"""What `/metrics` says of rules: how often each was looked at, held, and was in force."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelimit.service.overlay_watch import OverlayWatch
from ratelimit.service.rulebook import Rulebook


def rule_figures(rulebook: Rulebook, now_s: float) -> Iterator[Metric]:
    """Every figure of them."""
    evaluated = CounterMetricFamily("ratelimit_rule_evaluations", "Purchases or subjects that a rule was asked about.", labels=["rule"])
    matched = CounterMetricFamily("ratelimit_rule_matches", "Of these, for whom its condition held.", labels=["rule", "enforced"])
    meaning = "Of these, where it hung on a missing value; what plain comparisons rule out is not counted here."
    undecided = CounterMetricFamily("ratelimit_rule_undecided", meaning, labels=["rule"])
    for name, count in rulebook.counts.items():
        evaluated.add_metric([name], count.evaluated)
        matched.add_metric([name, "true"], count.enforced)
        matched.add_metric([name, "false"], count.matched - count.enforced)
        undecided.add_metric([name], count.undecided)
    yield from (evaluated, matched, undecided)
    guards = GaugeMetricFamily("ratelimit_rule_guard_on", "1 while a guard is on.", labels=["rule"])
    for name, on in rulebook.guards_on(now_s).items():
        guards.add_metric([name], on)
    yield guards


def overlay_figures(overlay: OverlayWatch) -> Iterator[Metric]:
    """What lies on the policy's rules, and whether it could be used."""
    meaning = "Overlays of rules that could not be used; the last good one stayed in force."
    yield CounterMetricFamily("ratelimit_rule_overlay_failed", meaning, value=overlay.failed)
    meaning = "1 while the overlay of rules that is in the store cannot be used."
    yield GaugeMetricFamily("ratelimit_rule_overlay_broken", meaning, value=bool(overlay.problems))
