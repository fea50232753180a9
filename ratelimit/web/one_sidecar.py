"""One sidecar in this process, as an operator looks at it."""

import time
from collections.abc import Callable, Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from prometheus_client.core import Metric

from ratelimit.core.policy import Policy
from ratelimit.core.record import Record
from ratelimit.service.limiter import Limiter
from ratelimit.service.model_watch import ModelWatch
from ratelimit.service.overlay_watch import OverlayWatch
from ratelimit.service.purchases import Purchases
from ratelimit.service.recorder import Recorder
from ratelimit.service.rulebook import Rulebook
from ratelimit.web.counts import Counts
from ratelimit.web.intake_metrics import recorder_figures
from ratelimit.web.metrics import Node, sidecar_figures
from ratelimit.web.purchase_metrics import purchase_figures
from ratelimit.web.rule_metrics import overlay_figures, rule_figures


class OneSidecar:
    """`Sidecars` that are one; nodes (of the store, and of the signals' own connection) are asked anew each time.

    `watches` are those of the models' folders. `purchases` is None where nothing is sold, `rulebook` where no rule is asked.
    """

    def __init__(  # noqa: PLR0913  whatever of it is there to be looked at
        self,
        limiter: Limiter,
        gateway: Counts,
        nodes: Callable[[], Iterable[Node]],
        signal_nodes: Callable[[], Iterable[Node]] = tuple,
        *,
        watches: Sequence[ModelWatch[Any]] = (),
        purchases: Purchases | None = None,
        rulebook: Rulebook | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._recorder = recorder
        self._limiter, self._gateway, self._nodes, self._signal_nodes = limiter, gateway, nodes, signal_nodes
        self._purchases, self._rulebook = purchases, rulebook
        self._watches = watches
        self.overlay: OverlayWatch | None = None

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._limiter.policy

    async def figures(self) -> list[Metric]:
        """What it counted."""
        of_purchases = purchase_figures(self._purchases) if self._purchases is not None else ()
        of_rules = rule_figures(self._rulebook, time.time()) if self._rulebook is not None else ()
        of_recorder = recorder_figures(self._recorder) if self._recorder is not None else ()
        figures = sidecar_figures(self._limiter, self._gateway, self._nodes(), self._signal_nodes(), self._watches)
        of_overlay = overlay_figures(self.overlay) if self.overlay is not None else ()
        return [*figures, *of_purchases, *of_rules, *of_overlay, *of_recorder]

    async def records(self, most: int) -> list[Record]:
        """The latest refusals, latest first, and what was said against purchases."""
        of_purchases = self._purchases.recent.records() if self._purchases is not None else ()
        return list(islice(merge(self._limiter.answers.recent.records(), of_purchases, key=_time, reverse=True), most))

    async def find(self, reference: str) -> Record | None:
        """The record with that id, if it is still remembered."""
        found = self._limiter.answers.recent.find(reference)
        return self._purchases.recent.find(reference) if found is None and self._purchases is not None else found


def _time(record: Record) -> float:
    return record.time
