"""What became of Stripe's events, for `/metrics`."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.stripe_worker import StripeWorker

_RESULTS: Final = ("stored", "repeated", "twin", "ignored", "refused", "unreadable", "full")
_ENDS: Final = ("worked", "parked", "dead", "dropped")


def stripe_figures(inbox: StripeInbox, worker: StripeWorker) -> Iterator[Metric]:
    """Counters are of this process, gauges of the store, as the worker saw it last."""
    events = CounterMetricFamily("ratelimit_stripe_events", "Events of Stripe by what they were answered.", labels=["result"])
    for result in _RESULTS:
        events.add_metric([result], inbox.counts[result])
    facts = CounterMetricFamily("ratelimit_stripe_facts", "Facts of Stripe by what the worker did with them.", labels=["end"])
    for end in _ENDS:
        facts.add_metric([end], inbox.counts[end])
    state = worker.state
    yield from (events, facts)
    yield GaugeMetricFamily("ratelimit_stripe_inbox", "Facts that are stored and not worked on yet.", value=state.inbox)
    yield GaugeMetricFamily("ratelimit_stripe_lag_seconds", "For how long the oldest of them is there.", value=worker.lag_s)
    yield GaugeMetricFamily("ratelimit_stripe_parked", "Facts that wait for their purchase.", value=state.parked)
    yield GaugeMetricFamily("ratelimit_stripe_dead", "Facts with which something is wrong.", value=state.dead)
