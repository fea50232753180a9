"""`/metrics`: what the parts counted, read when somebody asks. On the hot path an integer is added to, and no part knows of Prometheus."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ratelimit.core.policy import Policy
from ratelimit.service.limiter import Limiter
from ratelimit.service.model_watch import ModelWatch
from ratelimit.service.reload import ReloadState
from ratelimit.web.counts import EVENT_OUTCOMES, Counts
from ratelimit.web.gate_metrics import gate_figures, list_entries
from ratelimit.web.signal_metrics import signal_figures
from ratelimit.web.watched import Watched


class NodeCounts(Protocol):
    """What was asked of a node of the store."""

    calls: int
    buckets: int
    pipelines: int
    seconds: float
    overdue: int
    lost: int
    refused: int
    failures: int


class Node(Protocol):
    """A node of the store."""

    @property
    def name(self) -> str:
        """Host and port."""

    @property
    def away(self) -> bool:
        """Whether it cannot be asked now."""

    @property
    def counts(self) -> NodeCounts:
        """What was asked of it."""


_PROCESS: Final = ProcessCollector(registry=None)
# the attribute of NodeCounts, and its meaning
_NODE: Final = {
    "calls": "Script calls sent to the store.",
    "buckets": "Buckets and quotas asked for.",
    "pipelines": "Pipelines sent; one is under way at a time.",
    "seconds": "Time in pipelines, from composing to the last answer.",
    "overdue": "Pipelines that took longer than a decision may wait.",
    "lost": "Buckets and quotas asked for with unknown effect: no answer came.",
    "refused": "Buckets and quotas not asked for, since the node was away; on_store_failure answered.",
    "failures": "Times that the node was found to be away.",
}
_SIGNALS_NODE: Final = {
    "calls": "Script calls sent to the signals' store.",
    "buckets": "Profiles asked for.",
    "pipelines": "Pipelines sent; one is under way at a time.",
    "seconds": "Time in pipelines, from composing to the last answer.",
    "lost": "Profiles asked for with unknown effect: no answer came.",
    "refused": "Profiles not asked for, since the node was away.",
    "failures": "Times that the node was found to be away, or full.",
}


def sidecar_figures(
    limiter: Limiter, gateway: Counts, nodes: Iterable[Node], signal_nodes: Iterable[Node], models: Iterable[ModelWatch[Any]]
) -> Iterator[Metric]:
    """What one sidecar counted; `signal_nodes` are those of the connection that signals have of their own."""
    yield from _limiter(limiter)
    yield from gate_figures(limiter)
    yield from _models(list(models))
    yield from _store("ratelimit_store", _NODE, list(nodes))
    if limiter.usage is not None:
        yield from signal_figures(limiter.usage)
        yield from _store("ratelimit_signals_store", _SIGNALS_NODE, list(signal_nodes))
    events = CounterMetricFamily("ratelimit_events", "Lines of /v1/events by what became of them.", labels=["outcome"])
    for outcome in EVENT_OUTCOMES:
        events.add_metric([outcome], gateway.events[outcome])
    yield events
    yield from _lane("gateway", gateway)
    meaning = "Authorizations without a usable X-Forwarded-For: limits per ip were skipped."
    yield CounterMetricFamily("ratelimit_no_address", meaning, value=gateway.no_address)


def shared_figures(watched: Watched) -> Iterator[Metric]:
    """What is there once, however many sidecars this process has."""
    yield CounterMetricFamily("ratelimit_embedded_restarts", "Restarts of the embedded store.", value=watched.restarts())
    yield from _policy(watched.sidecars.policy, watched.reload)
    yield list_entries(watched.sidecars.policy)
    yield from _lane("operator", watched.operator)
    yield GaugeMetricFamily("ratelimit_ready", "1 while /readyz says so.", value=watched.health.ready)
    yield GaugeMetricFamily("ratelimit_workers", "Workers that serve.", value=watched.workers())
    yield CounterMetricFamily("ratelimit_worker_restarts", "Workers that ended and were replaced.", value=watched.worker_restarts())


def process_figures() -> Iterable[Metric]:
    """What the kernel says of this process."""
    return _PROCESS.collect()


class Exposition(NamedTuple):
    """The metrics in the format that was asked for."""

    content_type: str
    body: bytes


class _Found(Collector):
    def __init__(self, figures: Iterable[Metric]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return self._figures


def exposed(figures: Iterable[Metric], accept: str) -> Exposition:
    """The metrics, of which each family comes once; `accept` is the scraper's header."""
    encode, content_type = choose_encoder(accept)
    return Exposition(content_type, encode(_Found(figures)))


def _limiter(limiter: Limiter) -> Iterator[Metric]:
    decisions = CounterMetricFamily("ratelimit_decisions", "Decisions by what was decided and why.", labels=["decision", "reason"])
    for (decision, reason), count in list(limiter.answers.decided.items()):
        decisions.add_metric([decision, reason], count)
    yield decisions
    refused = CounterMetricFamily("ratelimit_refused", "Requests that this limit refused.", labels=["limit"])
    shadowed = CounterMetricFamily(
        "ratelimit_shadow_refused", "Requests that passed and that this limit would have refused, were it not in shadow.", labels=["limit"]
    )
    skipped = CounterMetricFamily("ratelimit_skipped", "Requests without the subject that this limit is per.", labels=["limit", "kind"])
    without = CounterMetricFamily("ratelimit_without_store", "Requests that this limit answered by on_store_failure.", labels=["limit"])
    subjects = GaugeMetricFamily("ratelimit_subjects", "Subjects of this limit that are remembered.", labels=["limit"])
    for shelf in limiter.shelves:
        name = shelf.limit.name
        refused.add_metric([name], shelf.counts.refused)
        if shelf.shadow:
            shadowed.add_metric([name], limiter.answers.shadowed[name])
        skipped.add_metric([name, "+".join(shelf.limit.per)], shelf.counts.lacking)
        without.add_metric([name], shelf.counts.without_store)
        subjects.add_metric([name], len(shelf))
    yield from (refused, shadowed, skipped, without, subjects)
    meaning = "Requests that passed only since the model lets a few through by lot, to know what they do."
    yield CounterMetricFamily("ratelimit_explored", meaning, value=limiter.answers.explored)


def _store(prefix: str, meanings: Mapping[str, str], nodes: list[Node]) -> Iterator[Metric]:
    for name, meaning in meanings.items():
        family = CounterMetricFamily(f"{prefix}_{name}", meaning, labels=["node"])
        for node in nodes:
            family.add_metric([node.name], getattr(node.counts, name))
        yield family
    away = GaugeMetricFamily(f"{prefix}_away", "1 while the node cannot be asked.", labels=["node"])
    for node in nodes:
        away.add_metric([node.name], node.away)
    yield away


def _models(watches: list[ModelWatch[Any]]) -> Iterator[Metric]:
    serving = GaugeMetricFamily(
        "ratelimit_model_serving", "Sidecars in which this model is in force.", labels=["role", "version", "calibrated"]
    )
    problems = GaugeMetricFamily(
        "ratelimit_model_problems",
        "Problems of a model's folder as it is now; not 0: an older model is in force, or none.",
        labels=["role"],
    )
    refused = CounterMetricFamily("ratelimit_model_refused", "Contents of a model's folder that could not be used.", labels=["role"])
    for watch in watches:
        if watch.model is not None:
            serving.add_metric([watch.role, watch.model.version, "yes" if watch.model.calibrated else "no"], 1)
        problems.add_metric([watch.role], len(watch.problems))
        refused.add_metric([watch.role], watch.failed)
    yield from (serving, problems, refused)


def _policy(policy: Policy, state: ReloadState) -> Iterator[Metric]:
    info = {"digest": policy.digest, "source": policy.source, "mode": policy.mode}
    yield InfoMetricFamily("ratelimit_policy", "The policy in force.", value=info)
    yield GaugeMetricFamily(
        "ratelimit_policy_loaded_at_seconds", "When the policy in force was read, epoch seconds.", value=state.loaded_at_s
    )
    yield GaugeMetricFamily(
        "ratelimit_policy_problems", "Problems of the file as it is now; not 0: an older policy is in force.", value=len(state.problems)
    )
    yield CounterMetricFamily("ratelimit_policy_reloads", "Policies taken up from a changed file.", value=state.reloads)
    yield CounterMetricFamily("ratelimit_policy_failed_reloads", "Contents of the file that could not be used.", value=state.failed)


def _lane(lane: str, counts: Counts) -> Iterator[Metric]:
    problems = CounterMetricFamily("ratelimit_problems", "Requests answered with a problem of their own.", labels=["lane", "status"])
    unparsable = CounterMetricFamily("ratelimit_unparsable", "Of these, what was not HTTP.", labels=["lane"])
    bugs = CounterMetricFamily("ratelimit_bugs", "Requests that failed by a bug of ours.", labels=["lane"])
    for status, count in sorted(counts.problems.items()):
        problems.add_metric([lane, str(status)], count)
    unparsable.add_metric([lane], counts.unparsable)
    bugs.add_metric([lane], counts.bugs)
    yield from (problems, unparsable, bugs)
