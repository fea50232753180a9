"""What the ledger could not take, on the operator lane."""

from base64 import b64encode
from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.core.record_stream import MOST_REFUSED, Refused
from ratelimit.review.intake import IntakeWorker
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import Route

REFUSED: Final = "/v1/records/refused"


class RefusedRecord(Struct, frozen=True):
    """A message that was set aside, `at`, seconds since the epoch; `packed` is msgpack in base64."""

    at: float
    why: str
    packed: str


class IntakeCalls:
    """The call."""

    def __init__(self, worker: IntakeWorker) -> None:
        self._worker = worker

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", REFUSED, self.refused, role="admin", scope="records:read")]

    async def refused(self, _request: web.Request) -> Reply:
        """What was set aside, the latest first."""
        return json_reply(200, {"refused": [_view(one) for one in await self._worker.refused(MOST_REFUSED)]})


def _view(one: Refused) -> RefusedRecord:
    return RefusedRecord(one.at, one.why, b64encode(one.packed).decode())
