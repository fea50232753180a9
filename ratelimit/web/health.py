"""Whether this process lives, and whether it should be sent requests.

Ready means that we answer, not that all is well: a store that is away is away for every sidecar, and to take all gateways out of service
for it would make an outage of what `on_store_failure` is there to bridge. So the answer says it and stays 200.
"""

from collections.abc import Callable
from typing import Any, Literal

from aiohttp.web import BaseRequest

from ratelimit.web.reply import JSON, Reply, json_reply

State = Literal["starting", "serving", "draining"]


class Health:
    """`state` is set by whoever starts and stops us; `problem` says what makes us useless, such as a wrong store key."""

    def __init__(self, store_away: Callable[[], bool], problem: Callable[[], str | None] = lambda: None) -> None:
        self.state: State = "starting"
        self._store_away, self._problem = store_away, problem

    @property
    def problem(self) -> str | None:
        """Why no requests should come here, though we serve."""
        return self._problem()

    @property
    def ready(self) -> bool:
        """Whether requests should come here."""
        return self.state == "serving" and self.problem is None

    def report(self) -> dict[str, Any]:
        """What /readyz says."""
        store = "away" if self._store_away() else "there"
        return {"ready": self.ready, "state": self.state, "store": store, "problem": self.problem}

    async def livez(self, _request: BaseRequest) -> Reply:
        """200 as long as this process answers at all."""
        return Reply(200, JSON, b'{"alive":true}')

    async def readyz(self, _request: BaseRequest) -> Reply:
        """200 if requests should come here, else 503."""
        return json_reply(200 if self.ready else 503, self.report())
