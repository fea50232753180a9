"""What became of webhooks, and how many accounts have holds, for `/metrics`."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelimit.service.holds import Holds
from ratelimit.service.webhook_sender import OUTCOMES, WebhookSender


def hold_figures(holds: Holds, sender: WebhookSender | None) -> Iterator[Metric]:
    """`sender` None: nothing is told. What is in the queue is as it was seen last."""
    figures = holds.figures()
    yield GaugeMetricFamily("ratelimit_accounts_on_hold", "Accounts of which something is held.", value=figures.accounts)
    yield GaugeMetricFamily("ratelimit_tokens_on_hold", "Tokens that are held now.", value=figures.tokens)
    tries = CounterMetricFamily("ratelimit_webhooks", "Tries to tell a webhook by what became of them.", labels=["outcome"])
    for outcome in OUTCOMES:
        tries.add_metric([outcome], sender.told[outcome] if sender is not None else 0)
    yield tries
    due, dead = sender.size if sender is not None else (0, 0)
    yield GaugeMetricFamily("ratelimit_webhooks_due", "Webhooks that the site has not taken yet.", value=due)
    yield GaugeMetricFamily("ratelimit_webhooks_dead", "Webhooks that were given up.", value=dead)
