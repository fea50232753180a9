"""`POST /v1/purchases`: the checkout asks about one attempt, and the decision is the answer; the status is 200 for all of them.

A body that holds a card's number or its security code is refused before it is read, and nothing of it is quoted or logged.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp.web import BaseRequest

from ratelimit.core.card_secret import secret_in
from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_check import WrongPurchaseError, checked
from ratelimit.core.units import US_PER_S
from ratelimit.service.purchases import ConflictError, Purchases
from ratelimit.web.body import MAX_BODY, read_body, undecodable, whole_body
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply

PURCHASES: Final = "/v1/purchases"

_decode: Final = msgspec.json.Decoder(Purchase).decode
_UNREADABLE: Final = (msgspec.DecodeError, ValueError, RecursionError)


class PurchaseCall:
    """The call. `wall` is the seconds since the epoch, `clock` the microseconds by which is measured how long it takes."""

    def __init__(self, purchases: Purchases, wall: Callable[[], float], clock: Callable[[], int]) -> None:
        self._purchases, self._wall, self._clock = purchases, wall, clock

    async def take(self, request: BaseRequest) -> Reply:
        """Decide on one attempt."""
        began = self._clock()
        body = whole_body(request, MAX_BODY)
        if body is None:
            body = await read_body(request, MAX_BODY)
        decision = await self._decide(request, body)
        self._purchases.counts.took_s((self._clock() - began) / US_PER_S)
        return json_reply(200, decision)

    async def _decide(self, request: BaseRequest, body: bytes) -> PurchaseDecision:
        try:
            self._refuse_secrets(body)
            purchase = _decode(body)
        except _UNREADABLE as error:
            raise undecodable(request, body, error, Purchase) from None
        try:
            return await self._purchases.decide(checked(purchase, self._wall()))
        except WrongPurchaseError as error:
            raise ClientError(422, f"{error.path}: {error.detail}", path=error.path) from None
        except ConflictError:
            self._purchases.counts.contradicted += 1
            raise ClientError(
                409,
                "this attempt was asked about before, with another body; send what was sent then, or the next attempt",
                path="$.attempt",
            ) from None

    def _refuse_secrets(self, body: bytes) -> None:
        found = secret_in(body)
        if found is not None:
            self._purchases.counts.refused[found.what] += 1
            raise ClientError(422, f"{found.path}: {found.text}", path=found.path)
