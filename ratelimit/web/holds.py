"""Holds: `GET /v1/holds?account=` says what of an account is held and how much it may spend, for the site's own ledger and its pages.

On the operator lane a person releases a hold, or revokes it, and says who they are and why. Times are seconds since the epoch.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
from aiohttp import web
from aiohttp.web import BaseRequest
from msgspec import Meta, Struct

from ratelimit.core.identity import MAX_NAME
from ratelimit.core.standing import Hold, HoldState
from ratelimit.review.witness import Witness
from ratelimit.service.holds import Holds, NoHoldError, NotHeldError
from ratelimit.web.body import MAX_BODY, read_body, undecodable
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

HOLDS: Final = "/v1/holds"
RELEASE: Final = "/v1/holds/{purchase}/release"
REVOKE: Final = "/v1/holds/{purchase}/revoke"


class HoldEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """Who ends a hold, and why."""

    by: Annotated[str, Meta(min_length=1, max_length=100)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class HoldView(Struct, frozen=True, kw_only=True):
    """One hold. `spent` is what was spent of that purchase's tokens, oldest purchase first; null while the store is away."""

    purchase: str
    account: str
    tokens: int
    held: int
    lapses_at: float
    state: HoldState
    reason: str
    by: str
    spent: int | None


class HoldsView(Struct, frozen=True, kw_only=True):
    """An account's holds. `spent` counts since the first of them; null: nothing is held, so nothing is counted, or the store is away."""

    account: str
    spent: int | None
    spendable: int | None
    holds: tuple[HoldView, ...]


class HoldCalls:
    """The calls of both lanes; `witness` writes into the audit what people did."""

    def __init__(self, holds: Holds, witness: Witness | None = None) -> None:
        self._holds, self._witness = holds, witness

    def routes(self) -> list[Route]:
        """What is answered on the operator lane, and where."""
        return [
            Route("POST", RELEASE, self.release, role="analyst", scope="actions:write", early=True),
            Route("POST", REVOKE, self.revoke, role="analyst", scope="actions:write", early=True),
        ]

    async def of_account(self, request: BaseRequest) -> Reply:
        """What of an account is held."""
        name = _account(request.raw_path)
        account = self._holds.account(name)
        if account is None:
            return json_reply(200, HoldsView(account=name, spent=None, spendable=None, holds=()))
        spending = await self._holds.spending(account)
        shown = tuple(_view(hold, spent) for hold, spent in zip(account.holds, spending.spent_of, strict=True) if hold.held)
        return json_reply(200, HoldsView(account=name, spent=spending.spent, spendable=spending.spendable, holds=shown))

    async def release(self, request: web.Request) -> Reply:
        """What is held of a purchase may be spent."""
        return await self._end(request, self._holds.release)

    async def revoke(self, request: web.Request) -> Reply:
        """What is held of a purchase will not be spendable."""
        return await self._end(request, self._holds.revoke)

    async def _end(self, request: web.Request, end: Callable[[str, str, str], Awaitable[Hold]]) -> Reply:
        body = await read_body(request, MAX_BODY)
        try:
            asked = _decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise undecodable(request, body, error, HoldEnd) from None
        try:
            who = request[PRINCIPAL]
            by = asked.by if who.via == "operator" else who.login
            hold = await end(request.match_info["purchase"], by, asked.reason)
        except NoHoldError:
            raise ClientError(404, "nothing of a purchase of that id is held; it may have lapsed") from None
        except NotHeldError as found:
            raise ClientError(409, f"the hold is {found} already") from None
        if self._witness is not None:
            await self._witness.hold_ended(who, hold)
        return json_reply(200, hold)


_decode: Final = msgspec.json.Decoder(HoldEnd).decode


def _account(target: str) -> str:
    query = parse_qs(urlsplit(target).query, keep_blank_values=True)
    names = query.get("account", [])
    if query.keys() != {"account"} or len(names) != 1 or not 0 < len(names[0]) <= MAX_NAME:
        raise ClientError(400, f"the query is not understood; expected account= and an account of at most {MAX_NAME} characters, once")
    return names[0]


def _view(hold: Hold, spent: int | None) -> HoldView:
    return HoldView(
        purchase=hold.purchase,
        account=hold.account,
        tokens=hold.tokens,
        held=hold.held,
        lapses_at=hold.lapses_at,
        state=hold.state,
        reason=hold.reason,
        by=hold.by,
        spent=spent,
    )
