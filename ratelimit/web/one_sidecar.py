"""One sidecar in this process, as an operator looks at it."""

from collections.abc import Callable, Iterable
from itertools import islice

from prometheus_client.core import Metric

from ratelimit.core.policy import Policy
from ratelimit.core.record import Record
from ratelimit.service.limiter import Limiter
from ratelimit.service.model_watch import Models
from ratelimit.web.counts import Counts
from ratelimit.web.metrics import Node, sidecar_figures


class OneSidecar:
    """`Sidecars` that are one; nodes (of the store, and of the signals' own connection) are asked anew each time.

    `models` is None where nothing is scored.
    """

    def __init__(
        self,
        limiter: Limiter,
        gateway: Counts,
        nodes: Callable[[], Iterable[Node]],
        signal_nodes: Callable[[], Iterable[Node]] = tuple,
        models: Models | None = None,
    ) -> None:
        self._limiter, self._gateway, self._nodes, self._signal_nodes = limiter, gateway, nodes, signal_nodes
        self._watches = () if models is None else (models.champion, models.challenger)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._limiter.policy

    async def figures(self) -> list[Metric]:
        """What it counted."""
        return list(sidecar_figures(self._limiter, self._gateway, self._nodes(), self._signal_nodes(), self._watches))

    async def records(self, most: int) -> list[Record]:
        """The latest refusals, latest first."""
        return list(islice(self._limiter.answers.recent.records(), most))

    async def find(self, reference: str) -> Record | None:
        """The refusal with that id, if it is still remembered."""
        return self._limiter.answers.recent.find(reference)
