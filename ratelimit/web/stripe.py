"""Takes in Stripe's events: `POST /v1/webhooks/stripe` of the operator lane. Their signature is their token, so no other is asked for.

An event is answered 2xx once what is kept of it is in the store, and before anything is done about it. Whatever else is answered, Stripe
sends it again for three days.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from ratelimit.core.stripe_event import Event, heard
from ratelimit.core.stripe_inbox import FULL, REPEATED, STORED, TWIN
from ratelimit.core.units import US_PER_S, ceil_div
from ratelimit.review.witness import FACT_DROPPED, FACT_RETRIED, Witness
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.web.body import read_body, undecodable
from ratelimit.web.forgers import Forgers
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.stripe_signature import SignatureError, Verify

MAX_BODY: Final = 262_144
WEBHOOK: Final = "/v1/webhooks/stripe"
DEAD: Final = "/v1/webhooks/stripe/dead"
PARKED: Final = "/v1/webhooks/stripe/parked"
DROP: Final = "/v1/webhooks/stripe/dead/{id}"
RETRY: Final = "/v1/webhooks/stripe/dead/{id}/retry"
_RETRY_S: Final = 10
_RESULTS: Final = {STORED: "stored", REPEATED: "repeated", TWIN: "twin"}


class StripeDoor:
    """Answers Stripe, and whoever looks after its facts. `verify` None: no secret is set. `wall` is seconds since the epoch.

    `witness` writes into the audit what people did.
    """

    def __init__(self, inbox: StripeInbox, verify: Verify | None, wall: Callable[[], float], witness: Witness | None = None) -> None:
        self._inbox, self._verify, self._wall, self._witness = inbox, verify, wall, witness
        self._forgers = Forgers()

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("POST", WEBHOOK, self.take, free=True),
            Route("GET", DEAD, self.dead, role="analyst", scope="records:read", early=True),
            Route("GET", PARKED, self.parked, role="analyst", scope="records:read", early=True),
            Route("POST", RETRY, self.retry, role="analyst", scope="actions:write", early=True),
            Route("DELETE", DROP, self.drop, role="admin", scope="actions:write", early=True),
        ]

    async def take(self, request: web.Request) -> Reply:
        """One event."""
        if self._verify is None:
            raise ClientError(404, "RATELIMIT_STRIPE_SECRETS is not set; expected the signing secret of this endpoint, whsec_...")
        now, body = self._wall(), await read_body(request, MAX_BODY)
        try:
            self._verify(body, request.headers.get("Stripe-Signature"), now)
        except SignatureError as error:
            self._inbox.counts["refused"] += 1
            raise self._forged(request.remote or "", int(now * US_PER_S), str(error)) from None
        try:
            found = heard(body, now)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._inbox.counts["unreadable"] += 1
            raise undecodable(request, body, error, Event) from None
        if found is None:
            self._inbox.counts["ignored"] += 1
            return json_reply(200, {"result": "ignored"})
        answer = await self._inbox.put(found)
        if answer == FULL:
            self._inbox.counts["full"] += 1
            raise ClientError(503, "too much waits to be worked on; send it again", headers={"Retry-After": str(_RETRY_S)})
        self._inbox.counts[_RESULTS[answer]] += 1
        return json_reply(200, {"result": _RESULTS[answer]})

    def _forged(self, peer: str, now_us: int, why: str) -> ClientError:
        """Who tries too often is told less. What is signed well is taken all the same: behind a proxy Stripe has the address of forgers."""
        if wait_us := self._forgers.wait(peer, now_us):
            headers = {"Retry-After": str(ceil_div(wait_us, US_PER_S))}
            return ClientError(429, "too many events with a wrong signature came from this address", headers=headers, close=True)
        self._forgers.caught(peer, now_us)
        return ClientError(400, why)

    async def dead(self, _request: web.Request) -> Reply:
        """Facts with which something is wrong, latest first."""
        return json_reply(200, {"dead": await self._inbox.shelf("dead")})

    async def parked(self, _request: web.Request) -> Reply:
        """Facts that wait for their purchase."""
        return json_reply(200, {"parked": await self._inbox.shelf("parked")})

    async def retry(self, request: web.Request) -> Reply:
        """Work on a dead fact again."""
        if not await self._inbox.retry(request.match_info["id"]):
            raise _unknown()
        await self._note(request, FACT_RETRIED)
        return json_reply(202, {"result": "stored"})

    async def drop(self, request: web.Request) -> Reply:
        """Give a dead fact up."""
        if not await self._inbox.drop(request.match_info["id"]):
            raise _unknown()
        await self._note(request, FACT_DROPPED)
        return json_reply(200, {"result": "dropped"})

    async def _note(self, request: web.Request, kind: str) -> None:
        if self._witness is not None:
            await self._witness.note(request[PRINCIPAL], kind, request.match_info["id"])


def _unknown() -> ClientError:
    return ClientError(404, "no dead fact of that event is kept; /v1/webhooks/stripe/dead lists those that are")
