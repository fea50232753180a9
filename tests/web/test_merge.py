"""Figures of several processes read as those of one."""

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from ratelimit.web.merge import counters, merged


def counter(name: str, value: float, **labels: str) -> Metric:
    family = CounterMetricFamily(name, "meaning", labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def values(figures: list[Metric]) -> dict[str, float]:
    """Every sample, as `name{label=value}`."""
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sample.labels.items()): sample.value
        for family in figures
        for sample in family.samples
    }


def test_the_same_sample_is_summed() -> None:
    """What has the same name and labels is one sample, whatever the order of the labels; the rest stays apart."""
    found = merged([counter("a", 1, x="1", y="2"), counter("b", 5), counter("a", 2, y="2", x="1"), counter("a", 4, x="1", y="3")])
    assert values(found) == {"a_total{x=1}{y=2}": 3, "a_total{x=1}{y=3}": 4, "b_total": 5}
    assert [(family.name, family.type) for family in found] == [("a", "counter"), ("b", "counter")]


def test_sums_that_would_mean_nothing() -> None:
    """A store is away if it is for one of them; the process began when the first did; memory adds up."""
    names = ("ratelimit_store_away", "process_start_time_seconds", "process_resident_memory_bytes")
    found = merged(GaugeMetricFamily(name, "", value=value) for name in names for value in (0, 1, 1))
    assert values(found) == dict(zip(names, (1, 0, 2), strict=True))


def test_the_largest_drift() -> None:
    """Stability indices do not add up: the largest of any process is told, beside the rows of all."""
    names = ("ratelimit_signal_drift", "ratelimit_risk_drift", "ratelimit_drift_rows")
    found = merged(GaugeMetricFamily(name, "", value=value) for name in names for value in (2, 3))
    assert values(found) == dict(zip(names, (3, 3, 5), strict=True))


def test_a_histogram_outlives_its_process() -> None:
    """What was counted between bounds is kept as counters are; a gauge is not."""
    histogram = HistogramMetricFamily("h", "", buckets=[("0.5", 1), ("+Inf", 3)], sum_value=2)
    kept = counters([histogram, GaugeMetricFamily("g", "", value=1)])
    assert values(merged([*kept, *kept])) == {"h_bucket{le=0.5}": 2, "h_bucket{le=+Inf}": 6, "h_count": 6, "h_sum": 4}


def test_merging_changes_nothing_it_was_given() -> None:
    """Figures that are kept can be merged again and again."""
    kept = [counter("a", 1), counter("a", 2)]
    assert values(merged(kept)) == values(merged(kept)) == {"a_total": 3}


def test_counters_stay() -> None:
    """Of a process that is gone only what it counted stays true."""
    assert values(counters([counter("a", 1), GaugeMetricFamily("g", "", value=1)])) == {"a_total": 1}
