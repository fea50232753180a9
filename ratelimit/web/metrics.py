"""`/metrics`: what the parts counted, read when somebody asks. On the hot path an integer is added to, and no part knows of Prometheus."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from ratelimit.service.limiter import Limiter
from ratelimit.service.reload import ReloadState
from ratelimit.web.counts import Counts
from ratelimit.web.health import Health


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


class Watched(NamedTuple):
    """The parts that are looked at; `nodes` and `restarts` (of the embedded store) are asked anew each time."""

    limiter: Limiter
    health: Health
    gateway: Counts
    operator: Counts
    reload: ReloadState
    nodes: Callable[[], Iterable[Node]]
    restarts: Callable[[], int]


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


class _Collector(Collector):
    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        watched = self._watched
        yield from _limiter(watched.limiter)
        yield from _store(watched)
        yield from _policy(watched)
        yield from _lanes(watched)


def metrics_registry(watched: Watched) -> CollectorRegistry:
    """Everything that /metrics shows."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(watched))
    ProcessCollector(registry=registry)
    return registry


class Exposition(NamedTuple):
    """The metrics in the format that was asked for."""

    content_type: str
    body: bytes


def exposed(registry: CollectorRegistry, accept: str) -> Exposition:
    """The metrics; `accept` is the scraper's header."""
    encode, content_type = choose_encoder(accept)
    return Exposition(content_type, encode(registry))


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
        refused.add_metric([name], shelf.refused)
        if shelf.shadow:
            shadowed.add_metric([name], limiter.answers.shadowed[name])
        skipped.add_metric([name, "+".join(shelf.limit.per)], shelf.lacking)
        without.add_metric([name], shelf.without_store)
        subjects.add_metric([name], len(shelf))
    yield from (refused, shadowed, skipped, without, subjects)


def _store(watched: Watched) -> Iterator[Metric]:
    nodes = list(watched.nodes())
    for name, meaning in _NODE.items():
        family = CounterMetricFamily(f"ratelimit_store_{name}", meaning, labels=["node"])
        for node in nodes:
            family.add_metric([node.name], getattr(node.counts, name))
        yield family
    away = GaugeMetricFamily("ratelimit_store_away", "1 while the node cannot be asked.", labels=["node"])
    for node in nodes:
        away.add_metric([node.name], node.away)
    yield away
    yield CounterMetricFamily("ratelimit_embedded_restarts", "Restarts of the embedded store.", value=watched.restarts())


def _policy(watched: Watched) -> Iterator[Metric]:
    policy, state = watched.limiter.policy, watched.reload
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


def _lanes(watched: Watched) -> Iterator[Metric]:
    problems = CounterMetricFamily("ratelimit_problems", "Requests answered with a problem of their own.", labels=["lane", "status"])
    unparsable = CounterMetricFamily("ratelimit_unparsable", "Of these, what was not HTTP.", labels=["lane"])
    bugs = CounterMetricFamily("ratelimit_bugs", "Requests that failed by a bug of ours.", labels=["lane"])
    for lane, counts in (("gateway", watched.gateway), ("operator", watched.operator)):
        for status, count in sorted(counts.problems.items()):
            problems.add_metric([lane, str(status)], count)
        unparsable.add_metric([lane], counts.unparsable)
        bugs.add_metric([lane], counts.bugs)
    yield from (problems, unparsable, bugs)
    meaning = "Authorizations without a usable X-Forwarded-For: limits per ip were skipped."
    yield CounterMetricFamily("ratelimit_no_address", meaning, value=watched.gateway.no_address)
    yield GaugeMetricFamily("ratelimit_ready", "1 while /readyz says so.", value=watched.health.ready)
