"""What was counted of purchases, for `/metrics`."""

from collections.abc import Iterator
from itertools import accumulate
from typing import get_args

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from ratelimit.core.card_secret import Secret
from ratelimit.service.purchase_counts import BOUNDS_S, PurchaseCounts
from ratelimit.service.purchases import Purchases


def purchase_figures(purchases: Purchases) -> Iterator[Metric]:
    """Every figure of them."""
    yield from _counts(purchases.counts)
    if purchases.explores is not None:
        meaning = "Holds by the model that were waived by lot, to know what becomes of such purchases."
        yield CounterMetricFamily("ratelimit_holds_waived", meaning, value=purchases.explores.waived)
        meaning = "Holds by the model that would have been waived, were there money left for it that day."
        yield CounterMetricFamily("ratelimit_holds_not_waived", meaning, value=purchases.explores.over)
    meaning = "Purchases by which of the two models has a risk above the policy's lowest bound."
    above = CounterMetricFamily("ratelimit_purchase_challenger_agreement", meaning, labels=["above"])
    for whose, count in purchases.judge.challenge.above.items():
        above.add_metric([whose], count)
    yield above


def _counts(counts: PurchaseCounts) -> Iterator[Metric]:
    decided = CounterMetricFamily(
        "ratelimit_purchases", "Purchases by what the checkout was told to do, and why.", labels=["action", "reason"]
    )
    for (action, reason), count in list(counts.decided.items()):
        decided.add_metric([action, reason], count)
    yield decided
    yield CounterMetricFamily("ratelimit_purchases_repeated", "Purchases answered once more, as before.", value=counts.repeated)
    meaning = "Purchases refused with 409: the same attempt with another body."
    yield CounterMetricFamily("ratelimit_purchases_contradicted", meaning, value=counts.contradicted)
    refused = CounterMetricFamily("ratelimit_purchase_secrets", "Bodies refused since such a thing was in them.", labels=["what"])
    for what in get_args(Secret):
        refused.add_metric([what], counts.refused[what])
    yield refused
    yield CounterMetricFamily("ratelimit_held_tokens", "Tokens of purchases that were held.", value=counts.held)
    meaning = "Purchases answered by on_store_failure, or without all that the store knows."
    yield CounterMetricFamily("ratelimit_purchases_without_store", meaning, value=counts.without_store)
    upto = [*map(str, BOUNDS_S), "+Inf"]
    yield HistogramMetricFamily(
        "ratelimit_purchase_seconds",
        "How long purchases took to be answered.",
        buckets=list(zip(upto, accumulate(counts.took), strict=True)),
        sum_value=counts.seconds,
    )
