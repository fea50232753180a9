"""Figures of the sidecars as pages show them."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelimit.web.measured import Measuring


class Figures:
    """Sidecars, as far as they are asked here."""

    calls = decisions = 0
    asked = 0

    async def figures(self) -> list[Metric]:
        self.asked += 1
        calls = CounterMetricFamily("ratelimit_store_calls", "", labels=["node"])
        for node in ("a", "b"):
            calls.add_metric([node], self.calls / 2)
        decisions = CounterMetricFamily("ratelimit_decisions", "", labels=["decision", "reason"])
        decisions.add_metric(["allow", "ok"], self.decisions)
        return [calls, decisions, *_risks(), *_risks()]


def _risks() -> Iterable[Metric]:
    risks = GaugeMetricFamily("ratelimit_risk_subjects", "", labels=["kind", "from"])
    for kind in ("api_key", "ip"):
        risks.add_metric([kind, "0.0"], 10)
        risks.add_metric([kind, "0.9"], 2)
    drift = GaugeMetricFamily("ratelimit_risk_drift", "", labels=["kind"])
    drift.add_metric(["ip"], 0.25)
    return [risks, drift]


async def test_measured() -> None:
    """Calls are held against the decisions of the last minute, all sidecars and kinds are summed, and nobody is asked more than needed."""
    now = 100.0
    figures = Figures()
    measuring = Measuring(figures, lambda: now)  # type: ignore[arg-type]
    found = await measuring.measured()
    assert (found.calls, found.risks, found.drift) == (None, (40, 8, 0, 0, 0), 0.25)
    figures.calls, figures.decisions = 10, 1_000
    assert await measuring.measured() is found
    now += 10
    assert (await measuring.measured()).calls == 0.01
    figures.calls, figures.decisions = 20, 3_000
    now += 30
    assert (await measuring.measured()).calls == 20 / 3_000
    now += 61
    figures.calls, figures.decisions = 21, 3_010
    assert (await measuring.measured()).calls == 21 / 3_010
    assert figures.asked == 4
