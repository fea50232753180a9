"""What the operator lane looks at: the sidecars of this process, be it one of its own or those of its workers, and what they share."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from prometheus_client.core import Metric

from ratelimit.core.policy import Policy
from ratelimit.core.record import Record
from ratelimit.service.reload import ReloadState
from ratelimit.web.counts import Counts
from ratelimit.web.health import Health


class Sidecars(Protocol):
    """Seen as one: what they counted is summed, and what they remember is put together."""

    @property
    def policy(self) -> Policy:
        """The policy in force in all of them."""

    async def figures(self) -> list[Metric]:
        """What they counted; a family may be there several times, see `merged`."""

    async def records(self, most: int) -> list[Record]:
        """The latest refusals, latest first."""

    async def find(self, reference: str) -> Record | None:
        """The refusal with that id, if it is still remembered."""


class Watched(NamedTuple):
    """`restarts` (of the embedded store), `workers` (that serve), `worker_restarts` and `desk` are asked anew each time."""

    sidecars: Sidecars
    health: Health
    operator: Counts
    reload: ReloadState
    restarts: Callable[[], int]
    workers: Callable[[], int] = lambda: 1
    worker_restarts: Callable[[], int] = lambda: 0
    desk: Callable[[], Iterable[Metric]] = tuple  # what this process counts beside the sidecars
