"""Problem details (RFC 9457): what a refused or mistaken request is told, and nothing more.

A refusal says the reason's code and a reference id; thresholds and signals are for the console. A mistake says what was found, where, and
what would do. Values of headers are never repeated.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from ratelimit.core.decision import Decision, Reason

CONTENT_TYPE: Final = "application/problem+json"

# of the draft that headers.py names; there the three types are registered
_IETF: Final = "https://iana.org/assignments/http-problem-types#"
QUOTA_EXCEEDED: Final = f"{_IETF}quota-exceeded"
REDUCED_CAPACITY: Final = f"{_IETF}temporary-reduced-capacity"
ABNORMAL_USAGE: Final = f"{_IETF}abnormal-usage-detected"

_TITLES: Final = {
    QUOTA_EXCEEDED: "The request exceeds what this caller may use",
    REDUCED_CAPACITY: "The request cannot be counted at the moment",
    ABNORMAL_USAGE: "The request was slowed down because of an unusual pattern of requests",
}
_TYPES: Final[Mapping[Reason, str]] = {
    "store_unavailable": REDUCED_CAPACITY,
    "rule_throttled": ABNORMAL_USAGE,
    "risk_throttled": ABNORMAL_USAGE,
}
_DETAILS: Final[Mapping[Reason, str]] = {
    "rate_exceeded": "too many requests in too short a time; ask again after Retry-After",
    "quota_exhausted": "the quota of this period is used up; ask again after Retry-After",
    "cost_exceeds_capacity": "the request costs more than is ever allowed at once; waiting does not help, a smaller request does",
    "store_unavailable": "ask again after Retry-After",
}


class Problem(Struct, frozen=True, kw_only=True):
    """One problem as it is sent; `path` is the JSON path of the wrong field, `violated_policies` are names of limits."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    id: str | UnsetType = UNSET
    violated_policies: tuple[str, ...] | UnsetType = field(default=UNSET, name="violated-policies")


class ClientError(Exception):
    """A request that cannot be answered as asked. `headers` go with the answer; `close` ends the connection after it."""

    def __init__(
        self, status: int, detail: str, *, path: str | UnsetType = UNSET, headers: Mapping[str, str] | None = None, close: bool = False
    ) -> None:
        super().__init__(detail)
        self.problem = mistake(status, detail, path)
        self.headers = headers or {}
        self.close = close


def mistake(status: int, detail: str, path: str | UnsetType = UNSET) -> Problem:
    """A problem that is the request's own, of no type but its status."""
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, path=path)


def refusal(decision: Decision, status: int) -> Problem:
    """What a throttled or blocked client is told; `status` is what the lane answers with."""
    reason = decision.reason
    if decision.decision == "block":
        return Problem(title="Forbidden", status=status, reason=reason, id=decision.id)
    kind = _TYPES.get(reason, QUOTA_EXCEEDED)
    return Problem(
        type=kind,
        title=_TITLES[kind],
        status=status,
        detail=_DETAILS.get(reason, UNSET),
        reason=reason,
        id=decision.id,
        violated_policies=UNSET if decision.limit is None else (decision.limit,),
    )


encode: Final = msgspec.json.Encoder().encode
