"""Webhooks that nobody took, on the operator lane: shown, and tried again when a person says so."""

from typing import Final

from aiohttp import web
from msgspec import Raw, Struct

from ratelimit.core.webhook import MOST_DEAD
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply

DEAD: Final = "/v1/webhooks/dead"
RETRY: Final = "/v1/webhooks/dead/{id}/retry"
_AWAY: Final = "the store is away; try again"


class DeadWebhook(Struct, frozen=True):
    """A message that was given up: `at`, seconds since the epoch, is when it was to be told; `error` is how its last try failed."""

    id: str
    type: str
    at: float
    tries: int
    error: str
    body: Raw


class WebhookCalls:
    """The calls."""

    def __init__(self, queue: WebhookQueue) -> None:
        self._queue = queue

    async def dead(self, _request: web.Request) -> Reply:
        """What was given up, latest first."""
        try:
            found = await self._queue.dead(MOST_DEAD)
        except StoreAwayError:
            raise ClientError(503, _AWAY) from None
        return json_reply(200, {"dead": [DeadWebhook(it.id, it.type, it.at, it.tries, it.error, Raw(it.body.encode())) for it in found]})

    async def retry(self, request: web.Request) -> Reply:
        """Try one for another day."""
        reference = request.match_info["id"]
        try:
            if not await self._queue.revive(reference):
                raise ClientError(404, "no webhook of that id was given up; /v1/webhooks/dead has those that were")
        except StoreAwayError:
            raise ClientError(503, _AWAY) from None
        return json_reply(202, {"id": reference})
