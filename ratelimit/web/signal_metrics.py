"""What `/metrics` says of signals: who is watched, what was told and scored, what was let go."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily, Metric

from ratelimit.core.signals import NAMES, applicable
from ratelimit.service.challenge import CHANCES, Challenge
from ratelimit.service.drift import Drift
from ratelimit.service.risk_steps import STEPS
from ratelimit.service.usage import Usage

# for the console alone: some thousand numbers of a sidecar, which would be as many series
INSIDE: Final = frozenset({"ratelimit_drift_bins"})


def signal_figures(usage: Usage) -> Iterator[Metric]:
    """What one sidecar counted."""
    subjects = GaugeMetricFamily("ratelimit_signals_subjects", "Subjects that are watched: live, and met ten times.", labels=["kind"])
    for kind, count in usage.live.items():
        subjects.add_metric([kind], count)
    yield subjects
    outbox, scoring = usage.outbox, usage.scoring
    yield CounterMetricFamily("ratelimit_signals_told", "Merges into profiles that the store has taken in.", value=outbox.told)
    meaning = "Merges that were not told, or of which nobody knows what became."
    yield CounterMetricFamily("ratelimit_signals_untold", meaning, value=outbox.untold)
    yield CounterMetricFamily("ratelimit_signals_scored", "Profiles that came back and were scored.", value=scoring.scored)
    dropped = CounterMetricFamily(
        "ratelimit_signals_dropped", "What came faster than it could be counted, and was let go.", labels=["what"]
    )
    for what, count in (("requests", usage.dropped), ("profiles", scoring.dropped), ("events", usage.strangers.dropped)):
        dropped.add_metric([what], count)
    yield dropped
    yield GaugeMetricFamily("ratelimit_signals_profiles", "Profiles in the store, estimated by a sample.", value=usage.census.estimate)
    meaning = "1 while there are as many profiles as RATELIMIT_MAX_PROFILES allows, and no new ones are made."
    yield GaugeMetricFamily("ratelimit_signals_full", meaning, value=usage.census.full)
    meaning = "Times that the clock moved by more than a minute from one second to the next."
    yield CounterMetricFamily("ratelimit_signals_clock_jumps", meaning, value=usage.jumps)
    if scoring.scorer is not None:
        yield InfoMetricFamily("ratelimit_model", "The model that scores.", value={"version": scoring.scorer.version})
    meaning = "Subjects by the step of ten that their risk is on, from this value up; of the last whole hour, one row of each."
    steps = GaugeMetricFamily("ratelimit_risk_subjects", meaning, labels=["kind", "from"])
    for kind, counts in scoring.steps.counts.items():
        for start, number in zip(STEPS, counts, strict=True):
            steps.add_metric([kind, str(start)], number)
    yield steps
    yield from _drift(scoring.drift)
    yield from _challenge(scoring.challenge)


def _drift(drift: Drift) -> Iterator[Metric]:
    """Nothing is said of a kind of which too little was seen: that is not the same as no change."""
    rows = GaugeMetricFamily(
        "ratelimit_drift_rows", "Rows that drift is told by, one of a subject an hour, halved each day.", labels=["kind"]
    )
    signals = GaugeMetricFamily(
        "ratelimit_signal_drift",
        "How far a signal is from the days of calibration, as population stability index.",
        labels=["kind", "signal"],
    )
    risk = GaugeMetricFamily("ratelimit_risk_drift", "The same of the risk.", labels=["kind"])
    bins = GaugeMetricFamily("ratelimit_drift_bins", "Those rows by the bin that each signal is in.", labels=["kind", "signal", "bin"])
    for kind, count in drift.rows.items():
        rows.add_metric([kind], count)
        index, counts = drift.index(kind), drift.bins(kind)
        if index is None or counts is None:
            continue
        of_signals = zip((*NAMES, "risk"), (*applicable(kind), True), counts.tolist(), strict=True)
        for signal, number, many in ((name, place, one) for name, applies, row in of_signals if applies for place, one in enumerate(row)):
            bins.add_metric([kind, signal, str(number)], many)
        risk.add_metric([kind], index[-1])
        for name, applies, value in zip(NAMES, applicable(kind), index, strict=False):
            if applies:
                signals.add_metric([kind, name], value)
    yield from (rows, signals, risk, bins)


def _challenge(challenge: Challenge) -> Iterator[Metric]:
    meaning = "Rows of one batch in four, by which of the two models has a risk above the policy's bound."
    above = CounterMetricFamily("ratelimit_challenger_agreement", meaning, labels=["kind", "above"])
    for (kind, whose), count in challenge.above.items():
        above.add_metric([kind, whose], count)
    yield above
    meaning = "Of the same rows, the probability of fraud by the challenger, where labels taught it one."
    chances = HistogramMetricFamily("ratelimit_challenger_p_fraud", meaning, labels=["kind"])
    for kind, counts in challenge.chances.items():
        up_to = zip([*map(str, CHANCES), "+Inf"], counts.cumsum().tolist(), strict=True)
        chances.add_metric([kind], list(up_to), challenge.chance[kind])
    yield chances
