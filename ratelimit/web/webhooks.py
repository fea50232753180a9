"""Webhooks that nobody took, on the operator lane: shown, and tried again when a person says so."""

from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.core.webhook import MOST_DEAD, Message
from ratelimit.review.witness import WEBHOOK_RETRIED, Witness
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

DEAD: Final = "/v1/webhooks/dead"
RETRY: Final = "/v1/webhooks/dead/{id}/retry"


class DeadWebhook(Struct, frozen=True):
    """A message that was given up: `at`, seconds since the epoch, is when it was to be told; `error` is how its last try failed."""

    id: str
    type: str
    at: float
    tries: int
    error: str
    body: dict[str, Any]


class RetriedWebhook(Struct, frozen=True):
    """It is due again."""

    id: str


class WebhookCalls:
    """The calls; `witness` writes into the audit what people did."""

    def __init__(self, queue: WebhookQueue, witness: Witness | None = None) -> None:
        self._queue, self._witness = queue, witness

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", DEAD, self.dead, role="analyst", scope="records:read", early=True),
            Route("POST", RETRY, self.retry, role="analyst", scope="actions:write", early=True),
        ]

    async def dead(self, _request: web.Request) -> Reply:
        """What was given up, latest first."""
        found = await self._queue.dead(MOST_DEAD)
        return json_reply(200, {"dead": [_view(message) for message in found]})

    async def retry(self, request: web.Request) -> Reply:
        """Try one for another day."""
        reference = request.match_info["id"]
        if not await self._queue.revive(reference):
            raise ClientError(404, "no webhook of that id was given up; /v1/webhooks/dead has those that were")
        if self._witness is not None:
            await self._witness.note(request[PRINCIPAL], WEBHOOK_RETRIED, reference)
        return json_reply(202, RetriedWebhook(reference))


def _view(message: Message) -> DeadWebhook:
    return DeadWebhook(message.id, message.type, message.at, message.tries, message.error, msgspec.json.decode(message.body))
