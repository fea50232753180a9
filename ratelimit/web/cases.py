"""Cases on the operator lane: what waits for a person, and the word that closes it."""

from typing import Final

import msgspec
from aiohttp import web

from ratelimit.core.stored_case import CaseState, Closing
from ratelimit.service.cases import Cases, ClosedError
from ratelimit.web.body import MAX_BODY, read_body, undecodable
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import Route

CASES: Final = "/v1/cases"
_STATES: Final[dict[str, CaseState]] = {"open": "open", "closed": "closed"}


class CaseCalls:
    """Lists, shows and closes cases."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", CASES, self.list),
            Route("GET", f"{CASES}/{{id}}", self.get),
            Route("POST", f"{CASES}/{{id}}/close", self.close),
        ]

    async def list(self, request: web.Request) -> Reply:
        """Those that are open, what is due first; or, with `state=closed`, those that were closed, latest first."""
        text = request.query.get("state", "open")
        state = _STATES.get(text)
        if state is None:
            raise ClientError(422, f"state: {text[:40]!r} is not allowed; expected open or closed")
        return json_reply(200, {"cases": await self._cases.list(state)})

    async def get(self, request: web.Request) -> Reply:
        """One case."""
        found = await self._cases.get(request.match_info["id"])
        if found is None:
            raise _unknown()
        return json_reply(200, found)

    async def close(self, request: web.Request) -> Reply:
        """Close a case with a verdict, which is a label of the purchases that it is about."""
        body = await read_body(request, MAX_BODY)
        try:
            word = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise undecodable(request, body, error, Closing) from None
        try:
            found = await self._cases.close(request.match_info["id"], word)
        except ClosedError:
            raise ClientError(409, "the case was closed before; GET it to see by whom") from None
        if found is None:
            raise _unknown()
        return json_reply(200, found)


def _unknown() -> ClientError:
    return ClientError(404, "no such case is kept; /v1/cases lists those that are open")


_decode: Final = msgspec.json.Decoder(Closing).decode
