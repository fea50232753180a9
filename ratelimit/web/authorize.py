"""`/v1/authorize/...`: a gateway passes on a request as it came, and our status decides.

Three gateways, three dialects. What they have in common is that a refusal must reach the client as one, that bad input must never turn into
something that lets a request pass, and that the peer is the gateway, never the caller: the caller's address comes from X-Forwarded-For
alone, as far as it is believed.

    lane        method and path from          allow   throttle   store away, `deny`   block   bad input
    forwarded   X-Forwarded-Method, -Uri      200     429        503                  403     400
    nginx       X-Original-Method, -URI       200     403        403                  403     403
    envoy       its own                       200     429        429                  403     400

nginx turns all but 2xx, 401 and 403 into 500, so there the status is 403, and X-RateLimit-Status says what it would be elsewhere.
Envoy takes a 5xx for a fault of ours and may let the request pass.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp.web import BaseRequest

from ratelimit.core.address import caller_prefix, forwarded_for
from ratelimit.core.decision import Decision
from ratelimit.core.identity import ApiKeys, Caller, read_identity
from ratelimit.service.limiter import Limiter
from ratelimit.web.counts import Counts
from ratelimit.web.headers import RateLimitHeaders
from ratelimit.web.problems import ClientError, encode, refusal
from ratelimit.web.reply import PROBLEM, Reply

NGINX: Final = "/v1/authorize/nginx"
ENVOY: Final = "/v1/authorize/envoy"

_FORWARDED_FOR: Final = "X-Forwarded-For"


class _Source(NamedTuple):
    """The header that holds a part of the request, and how a gateway is told to send it."""

    name: str
    advice: str


_FORWARDED: Final = (
    _Source("X-Forwarded-Method", "Traefik's forwardAuth and Caddy's forward_auth send it by themselves; point them at this path"),
    _Source("X-Forwarded-Uri", "Traefik's forwardAuth and Caddy's forward_auth send it by themselves; point them at this path"),
)
_ORIGINAL: Final = (
    _Source("X-Original-Method", "add `proxy_set_header X-Original-Method $request_method;` to the location that auth_request names"),
    _Source("X-Original-URI", "add `proxy_set_header X-Original-URI $request_uri;` to the location that auth_request names"),
)


class Dialect(NamedTuple):
    """How a lane writes its refusals: the status for each, and the one that is sent in place of all of them."""

    throttled: int = 429
    store_away: int = 429
    sent: int | None = None

    def reply(self, decision: Decision, headers: str) -> Reply:
        """The answer to a decision."""
        if decision.decision == "allow":
            return Reply(200, headers)
        status = 403 if decision.decision == "block" else self.store_away if decision.reason == "store_unavailable" else self.throttled
        if self.sent is not None:
            headers += f"X-RateLimit-Status: {status}\r\n"
        sent = self.sent or status
        return Reply(sent, PROBLEM + headers, encode(refusal(decision, sent)))


_MAX_METHOD: Final = 32  # the same as in the body of /v1/check

FORWARDED_DIALECT: Final = Dialect(store_away=503)
NGINX_DIALECT: Final = Dialect(sent=403)
ENVOY_DIALECT: Final = Dialect()


class Authorize:
    """The three lanes."""

    def __init__(self, limiter: Limiter, keys: ApiKeys, headers: RateLimitHeaders, counts: Counts) -> None:
        self._limiter, self._keys, self._headers, self._counts = limiter, keys, headers, counts

    async def forwarded(self, request: BaseRequest) -> Reply:
        """Traefik's ForwardAuth, Caddy's forward_auth and those who send the same headers."""
        method, path = (_single(request, source) for source in _FORWARDED)
        return await self._authorize(request, method, path, FORWARDED_DIALECT)

    async def nginx(self, request: BaseRequest) -> Reply:
        """nginx's auth_request."""
        method, path = (_single(request, source) for source in _ORIGINAL)
        return await self._authorize(request, method, path, NGINX_DIALECT)

    async def envoy(self, request: BaseRequest) -> Reply:
        """Envoy's ext_authz over HTTP: the request as it came, below our prefix."""
        path = request.raw_path
        path = path[path.index(ENVOY) + len(ENVOY) :] or "/"
        return await self._authorize(request, request.method, path, ENVOY_DIALECT)

    async def _authorize(self, request: BaseRequest, method: str, path: str, dialect: Dialect) -> Reply:
        policy = self._limiter.policy
        headers = request.headers
        if len(method) > _MAX_METHOD:
            raise ClientError(400, f"the method has {len(method)} characters; expected at most {_MAX_METHOD}")
        found = read_identity(policy.identity, headers)
        if found.problem is not None:
            raise ClientError(400, found.problem)
        address = forwarded_for(headers.getall(_FORWARDED_FOR, []), policy.trusted)
        if address is None:
            self._counts.no_address += 1
        else:
            address = caller_prefix(address, policy.identity.ipv6_prefix)
        key = self._keys.digest(found.api_key) if found.api_key is not None else None
        caller, agent = Caller(key, address, found.account, found.plan), headers.get("User-Agent")
        decision = self._limiter.check(caller, method, path, found.cost, agent, headers.get("Referer"))
        if not isinstance(decision, Decision):
            decision = await decision
        return dialect.reply(decision, self._headers.lines(policy.match(method, path, found.plan), decision))


def _single(request: BaseRequest, source: _Source) -> str:
    values = request.headers.getall(source.name, [])
    if len(values) == 1 and values[0]:
        return values[0]
    found = f"is there {len(values)} times" if len(values) > 1 else "is missing"
    raise ClientError(400, f"{source.name} {found}; {source.advice}")


def as_nginx_takes_it(error: ClientError) -> Mapping[str, str]:
    """The headers of a mistake on nginx's lane, where the status itself has to be 403."""
    return {**error.headers, "X-RateLimit-Status": str(error.problem.status)}
