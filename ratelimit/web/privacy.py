"""Requests of people about their data on the operator lane, for whoever enters them, approves an erasure, or automates it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.core.notice import notice
from ratelimit.core.retention import Retention
from ratelimit.review.privacy import Privacy
from ratelimit.review.privacy_request import NoRequestError, NotYoursError, PrivacyAsked, PrivacyError, PrivacyView
from ratelimit.web.body import MAX_BODY, read_body, undecodable
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import JSON, Reply, json_reply, lines
from ratelimit.web.route import PRINCIPAL, Route

REQUESTS: Final = "/v1/privacy/requests"
INVENTORY: Final = "/v1/privacy/inventory"
REQUEST: Final = f"{REQUESTS}/{{id}}"
SCOPE: Final = "privacy:write"
_MOST_DIGITS: Final = 18

Model = TypeVar("Model", bound=Struct)
Done = TypeVar("Done")


class PrivacyText(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a request is refused, or what was corrected."""

    text: Annotated[str, Meta(min_length=3, max_length=2_000)]


class PrivacyViews(Struct, frozen=True):
    """Requests: open ones by what is due first, closed ones by what was asked last."""

    requests: list[PrivacyView]


class PrivacyCalls:
    """Lists, enters and moves requests on. `retained` gives what the policy in force keeps."""

    def __init__(self, privacy: Privacy, retained: Callable[[], Retention] = Retention) -> None:
        self._privacy, self._retained = privacy, retained

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", INVENTORY, self.inventory, role="viewer", scope=SCOPE),
            Route("GET", REQUESTS, self.list, role="analyst", scope=SCOPE),
            Route("POST", REQUESTS, self.ask, role="analyst", scope=SCOPE),
            Route("GET", REQUEST, self.get, role="analyst", scope=SCOPE),
            Route("GET", f"{REQUEST}/export", self.export, role="analyst", scope=SCOPE),
            Route("POST", f"{REQUEST}/approve", self.approve, role="admin", scope=SCOPE),
            Route("POST", f"{REQUEST}/done", self.done, role="analyst", scope=SCOPE),
            Route("POST", f"{REQUEST}/refuse", self.refuse, role="analyst", scope=SCOPE),
            Route("POST", f"{REQUEST}/withdraw", self.withdraw, role="analyst", scope=SCOPE),
        ]

    async def inventory(self, _: web.Request) -> Reply:
        """What is kept of people by the policy in force, and what is not."""
        return json_reply(200, notice(self._retained()))

    async def list(self, request: web.Request) -> Reply:
        """Those that are open, or with `state=closed` the others."""
        state = request.query.get("state", "open")
        if state not in {"open", "closed"}:
            raise ClientError(422, f"state: {state[:40]!r} is not allowed; expected open or closed")
        return json_reply(200, PrivacyViews(await self._privacy.requests(closed=state == "closed")))

    async def ask(self, request: web.Request) -> Reply:
        """Enter one."""
        asked = await _body(request, PrivacyAsked)
        return json_reply(201, await spoken(self._privacy.ask(asked, request[PRINCIPAL])))

    async def get(self, request: web.Request) -> Reply:
        """One."""
        return json_reply(200, await spoken(self._privacy.get(number(request))))

    async def export(self, request: web.Request) -> Reply:
        """What is kept of the account."""
        return document(number(request), await spoken(self._privacy.export(number(request), request[PRINCIPAL])))

    async def approve(self, request: web.Request) -> Reply:
        """Agree to an erasure, which is done then."""
        return json_reply(200, await spoken(self._privacy.approve(number(request), request[PRINCIPAL])))

    async def done(self, request: web.Request) -> Reply:
        """A correction was made."""
        return await self._with_text(request, self._privacy.close)

    async def refuse(self, request: web.Request) -> Reply:
        """It will not be done."""
        return await self._with_text(request, self._privacy.refuse)

    async def withdraw(self, request: web.Request) -> Reply:
        """The person takes it back."""
        return json_reply(200, await spoken(self._privacy.withdraw(number(request), request[PRINCIPAL])))

    async def _with_text(self, request: web.Request, do: Callable[..., Awaitable[PrivacyView]]) -> Reply:
        text = (await _body(request, PrivacyText)).text
        return json_reply(200, await spoken(do(number(request), request[PRINCIPAL], text)))


async def spoken(work: Awaitable[Done]) -> Done:
    """What came of it, or the problem why nothing did."""
    try:
        return await work
    except NoRequestError as error:
        raise ClientError(404, str(error)) from None
    except NotYoursError as error:
        raise ClientError(403, str(error)) from None
    except PrivacyError as error:
        raise ClientError(409, str(error)) from None


def number(request: web.Request) -> int:
    """The request's number in the path."""
    text = request.match_info["id"]
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise ClientError(404, f"there is no such request; {REQUESTS} lists those that are open")
    return int(text)


def document(id: int, content: object) -> Reply:
    """An export as a file to keep."""
    named = f'attachment; filename="privacy-request-{id}.json"'
    safe = {"Content-Disposition": named, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Reply(200, JSON + lines(safe), msgspec.json.format(msgspec.json.encode(content), indent=1))


async def _body(request: web.Request, shape: type[Model]) -> Model:
    body = await read_body(request, MAX_BODY)
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise undecodable(request, body, error, shape) from None
