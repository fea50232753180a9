"""The gateway lane: as bare as aiohttp allows, with no router and no middleware. A path is looked up in a dictionary, and that is it.

Whatever is sent here, the answer is a decision or a problem with a 4xx; a 500 is our bug and says so. Nothing that is logged holds what a
request said.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import Final, NamedTuple

from aiohttp.http import RawRequestMessage
from aiohttp.web import BaseRequest, StreamResponse
from msgspec.structs import replace

from ratelimit.core.identity import ApiKeys
from ratelimit.core.message import Message
from ratelimit.service.limiter import Limiter
from ratelimit.setting_value import Secret
from ratelimit.web.authorize import ENVOY, NGINX, Authorize, as_nginx_takes_it
from ratelimit.web.check import Check
from ratelimit.web.counts import Counts
from ratelimit.web.events import Events
from ratelimit.web.headers import RateLimitHeaders
from ratelimit.web.health import Health
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, error_reply, lines, problem_reply
from ratelimit.web.server import path_of

TOKEN_HEADER: Final = "X-RateLimit-Token"  # noqa: S105  a name. Authorization is the caller's own on the authorize lanes

CHECK: Final = "/v1/check"

READ: Final = frozenset({"GET", "HEAD"})
POST: Final = frozenset({"POST"})
Handle = Callable[[BaseRequest], Awaitable[Reply]]


class Endpoint(NamedTuple):
    """Who answers at a path; `methods` None is any. `free`: needs no token."""

    handle: Handle
    methods: frozenset[str] | None = None
    free: bool = False


class GatewayLane:
    """Finds the endpoint of a request, which may be one of `more`, and turns what is wrong with it into a problem.

    `tell` is told what the ledger is to know of events.
    """

    def __init__(  # noqa: PLR0913, PLR0917  a lane's parts
        self,
        limiter: Limiter,
        keys: ApiKeys,
        health: Health,
        counts: Counts,
        token: Secret[str] | None,
        more: Mapping[str, Endpoint] | None = None,
        tell: Callable[[Message], None] | None = None,
    ) -> None:
        headers = RateLimitHeaders()
        check, authorize = Check(limiter, keys, headers), Authorize(limiter, keys, headers, counts)
        events = Events(limiter, keys, counts, time.time, tell)
        self.answer = check.answer  # to the body of a check that `accepts`, see shortcut
        self._counts = counts
        self._token = token.reveal().encode() if token is not None else None
        self._envoy = Endpoint(authorize.envoy)
        self.endpoints: Final = {
            CHECK: Endpoint(check.check, POST),
            "/v1/check/batch": Endpoint(check.batch, POST),
            "/v1/events": Endpoint(events.take, POST),
            **(more or {}),
            "/v1/authorize/forwarded": Endpoint(authorize.forwarded),
            NGINX: Endpoint(authorize.nginx),
            ENVOY: self._envoy,
            "/livez": Endpoint(health.livez, READ, free=True),
            "/readyz": Endpoint(health.readyz, READ, free=True),
        }

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        """Answer one request."""
        try:
            endpoint = self.endpoints.get(request.raw_path) or self._find(request.raw_path)
            if endpoint.methods is not None and request.method not in endpoint.methods:
                raise _wrong_method(endpoint.methods)
            if self._token is not None and not endpoint.free:
                self._ask_token(request, self._token)
            return await endpoint.handle(request)
        except ClientError as error:
            self._counts.problems[error.problem.status] += 1
            if path_of(request.raw_path) == NGINX:
                return problem_reply(
                    replace(error.problem, status=403, title="Forbidden"), lines(as_nginx_takes_it(error)), close=error.close
                )
            return error_reply(error)

    def accepts(self, message: RawRequestMessage) -> bool:
        """Whether this is a check that may be answered, whatever its body."""
        return message.path == CHECK and message.method == "POST" and (self._token is None or _has_token(message.headers, self._token))

    def _find(self, target: str) -> Endpoint:
        path = path_of(target)
        if path.startswith(f"{ENVOY}/"):
            return self._envoy
        found = self.endpoints.get(path)
        if found is None:
            raise ClientError(404, f"nothing is here; there is {', '.join(self.endpoints)}")
        return found

    def _ask_token(self, request: BaseRequest, token: bytes) -> None:
        if not _has_token(request.headers, token):
            found = "is not the one expected" if TOKEN_HEADER in request.headers else "is missing"
            raise ClientError(
                401, f"{TOKEN_HEADER} {found}; send what RATELIMIT_GATEWAY_TOKEN says", headers={"WWW-Authenticate": TOKEN_HEADER}
            )


def _has_token(headers: Mapping[str, str], token: bytes) -> bool:
    return compare_digest(headers.get(TOKEN_HEADER, "").encode("utf-8", "surrogateescape"), token)


def _wrong_method(methods: frozenset[str]) -> ClientError:
    allowed = ", ".join(sorted(methods))
    return ClientError(405, f"this is not answered here; use {allowed}", headers={"Allow": allowed})
