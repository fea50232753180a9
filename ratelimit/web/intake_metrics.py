"""What became of messages to the ledger, for `/metrics`."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelimit.review.intake import IntakeWorker
from ratelimit.review.retention import RetentionJob
from ratelimit.service.recorder import Recorder

_WRITTEN: Final = ("new", "known", "refused")
_TOLD: Final = ("sent", "full", "away", "broken")


def intake_figures(worker: IntakeWorker, *, away: bool) -> Iterator[Metric]:
    """Counters are of this process, gauges of the stream, as the worker saw it last."""
    messages = CounterMetricFamily("ratelimit_ledger_messages", "Messages to the ledger by what became of them there.", labels=["result"])
    for result in _WRITTEN:
        messages.add_metric([result], worker.counts[result])
    yield messages
    yield GaugeMetricFamily("ratelimit_ledger_away", "1 while the ledger cannot be reached.", value=away)
    yield GaugeMetricFamily("ratelimit_ledger_lag_seconds", "For how long the oldest message waits for the ledger.", value=worker.lag_s)
    yield GaugeMetricFamily("ratelimit_ledger_stream_length", "Messages that wait for the ledger.", value=worker.state.messages)
    yield GaugeMetricFamily("ratelimit_ledger_stream_bytes", "Their size.", value=worker.state.size_bytes)


def recorder_figures(recorder: Recorder) -> Iterator[Metric]:
    """What a process told the ledger, and what it could not: no room here or in the stream, no store, or a bug."""
    told = CounterMetricFamily(
        "ratelimit_ledger_told", "Messages of this process to the ledger, by what became of them.", labels=["result"]
    )
    for result in _TOLD:
        told.add_metric([result], recorder.counts[result])
    yield told
    yield GaugeMetricFamily("ratelimit_ledger_untold", "Messages of this process that wait for the store.", value=recorder.waiting)


def retention_figures(job: RetentionJob) -> Iterator[Metric]:
    """What was removed since it was older than the policy says."""
    removed = CounterMetricFamily("ratelimit_retention_removed", "Rows that retention removed, by what they were.", labels=["what"])
    for what, count in sorted(job.removed.items()):
        removed.add_metric([what], count)
    yield removed
    ran = job.ran
    meaning = "When retention ran last, seconds since the epoch; 0 before its first run."
    yield GaugeMetricFamily("ratelimit_retention_ran_timestamp_seconds", meaning, value=ran.at if ran is not None else 0)
