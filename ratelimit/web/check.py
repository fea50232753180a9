"""`POST /v1/check` and `/v1/check/batch`: the gateway describes a request, and the decision is the answer.

The decision is data, so the status is 200 for all three. What is asked of us here comes from the gateway itself, so its words about the
caller are believed.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final

import msgspec
from aiohttp.web import BaseRequest
from msgspec import UNSET
from msgspec.structs import replace

from ratelimit.core.address import caller_prefix, parse_address
from ratelimit.core.decision import Decision
from ratelimit.core.expectation import shown
from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.policy import Policy
from ratelimit.core.request import BatchRequest, CheckRequest
from ratelimit.core.signal_reason import unusual
from ratelimit.service.limiter import Limiter
from ratelimit.web.body import MAX_BATCH_BODY, MAX_BODY, read_body, undecodable, whole_body
from ratelimit.web.headers import RateLimitHeaders
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import JSON, Reply, written

_decode_check: Final = msgspec.json.Decoder(CheckRequest).decode
_decode_batch: Final = msgspec.json.Decoder(BatchRequest).decode
_encode: Final = msgspec.json.Encoder().encode
_NO_SHADOW: Final = b',"shadow":[]}'  # how a decision ends where no shadow limit had anything to say; then it is left out


class Check:
    """The two calls."""

    def __init__(self, limiter: Limiter, keys: ApiKeys, headers: RateLimitHeaders) -> None:
        self._limiter, self._keys, self._headers = limiter, keys, headers

    async def check(self, request: BaseRequest) -> Reply:
        """One check."""
        body = whole_body(request, MAX_BODY)
        if body is None:
            body = await read_body(request, MAX_BODY)
        try:
            asked = _decode_check(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise undecodable(request, body, error, CheckRequest) from None
        policy = self._limiter.policy
        caller = self._caller(asked, policy.identity.ipv6_prefix, "$")
        decision = self._limiter.check(caller, asked.method, asked.path, asked.cost, asked.user_agent, asked.referrer)
        if not isinstance(decision, Decision):
            decision = await decision
        return Reply(200, self._lines(policy, asked, decision), encode_decision(self._explained(asked, caller, decision)))

    def answer(self, body: bytes) -> bytes | Awaitable[bytes] | None:
        """The whole answer to one check on a connection that stays open, as `check` gives it; None for what is not answered with 200."""
        try:
            asked = _decode_check(body)
            policy = self._limiter.policy
            caller = self._caller(asked, policy.identity.ipv6_prefix, "$")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ClientError):
            return None
        decision = self._limiter.check(caller, asked.method, asked.path, asked.cost, asked.user_agent, asked.referrer)
        if not isinstance(decision, Decision):
            return self._later(policy, asked, caller, decision)
        return written(200, self._lines(policy, asked, decision), encode_decision(self._explained(asked, caller, decision)))

    async def _later(self, policy: Policy, asked: CheckRequest, caller: Caller, waiting: Awaitable[Decision]) -> bytes:
        decision = await waiting
        return written(200, self._lines(policy, asked, decision), encode_decision(self._explained(asked, caller, decision)))

    async def batch(self, request: BaseRequest) -> Reply:
        """Many checks, decided in order. If one of them cannot be read none is decided."""
        body = whole_body(request, MAX_BATCH_BODY)
        if body is None:
            body = await read_body(request, MAX_BATCH_BODY)
        try:
            checks = _decode_batch(body).checks
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise undecodable(request, body, error, BatchRequest) from None
        prefix = self._limiter.policy.identity.ipv6_prefix
        callers = [self._caller(asked, prefix, f"$.checks[{index}]") for index, asked in enumerate(checks)]
        decisions = await self._decide([(caller, asked) for caller, asked in zip(callers, checks, strict=True)])
        explained = [self._explained(one, caller, decision) for one, caller, decision in zip(checks, callers, decisions, strict=True)]
        return Reply(200, JSON, b'{"decisions":[' + b",".join(map(encode_decision, explained)) + b"]}")

    def _lines(self, policy: Policy, asked: CheckRequest, decision: Decision) -> str:
        return JSON + self._headers.lines(policy.match(asked.method, asked.path, asked.plan), decision)

    def _explained(self, asked: CheckRequest, caller: Caller, decision: Decision) -> Decision:
        """With what is unusual about the caller, where that is asked for."""
        if not asked.explain:
            return decision
        reasons = self._limiter.usage.reasons(caller) if self._limiter.usage is not None else ()
        return replace(decision, signals=tuple(map(unusual, reasons)))

    def _caller(self, asked: CheckRequest, ipv6_prefix: int, at: str) -> Caller:
        """Who asks, as the limits see it. `at` is the JSON path of the check, for problems."""
        packed = None
        if asked.ip is not None:
            address = parse_address(asked.ip)
            if address is None:
                text = f"{shown(asked.ip)} is not an address; expected one such as 203.0.113.7 or 2001:db8::1"
                raise ClientError(422, f"{at}.ip: {text}", path=f"{at}.ip")
            packed = caller_prefix(address, ipv6_prefix)
        elif asked.api_key is None and asked.account is None:
            raise ClientError(422, f"{at}: says nothing of who asks; expected at least one of api_key, ip, account", path=at)
        key = self._keys.digest(asked.api_key) if asked.api_key is not None else None
        return Caller(key, packed, asked.account, asked.plan)

    async def _decide(self, asked: list[tuple[Caller, CheckRequest]]) -> list[Decision]:
        """All decisions in order. Those that wait for the store wait together, so that it is asked once."""
        check = self._limiter.check
        found = [check(caller, one.method, one.path, one.cost, one.user_agent, one.referrer) for caller, one in asked]
        waiting = [one for one in found if not isinstance(one, Decision)]
        if not waiting:
            return [one for one in found if isinstance(one, Decision)]
        answered = iter(await asyncio.gather(*waiting))
        return [one if isinstance(one, Decision) else next(answered) for one in found]


def encode_decision(decision: Decision) -> bytes:
    """The JSON of a decision. Nulls stay, since they say something; `shadow` is left out where it is empty, but not before signals."""
    body = _encode(decision)
    return body if decision.shadow or decision.signals is not UNSET else body[: -len(_NO_SHADOW)] + b"}"
