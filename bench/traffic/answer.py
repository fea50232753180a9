"""Reads an answer of `POST /v1/check` as a wary client does: a decision that is whole, and headers that say the same as the body."""

import math
from typing import Final, Protocol

import msgspec

from ratelimit.core.decision import Decision

_decode: Final = msgspec.json.Decoder(Decision).decode
_SHOWN: Final = 120  # characters of an answer that is none


class Headers(Protocol):
    """What is needed of an answer's headers; names are found in any case."""

    def get(self, name: str, /) -> str | None:
        """The value, or None."""


def read_answer(status: int, headers: Headers, body: bytes) -> tuple[Decision | None, str | None]:
    """The decision, and what is wrong with the answer; the one or the other can be None, and a decision can have a flaw."""
    if status != 200:
        return None, f"status {status}: {body[:_SHOWN].decode(errors='replace')}"
    try:
        decision = _decode(body)
    except msgspec.DecodeError as error:
        return None, f"no decision ({error}): {body[:_SHOWN].decode(errors='replace')}"
    return decision, _inconsistency(decision) or _disagreement(decision, headers)


def _inconsistency(decision: Decision) -> str | None:
    """What in the body contradicts itself."""
    if (decision.decision == "allow") is not (decision.reason in {"ok", "allow_listed", "override_allow"}):
        return f"{decision.decision} because of {decision.reason}"
    if decision.decision == "allow" and decision.retry_after is not None:
        return "allowed, and yet retry_after"
    if decision.reason == "rate_exceeded" and not (decision.retry_after or 0) > 0:
        return f"rate_exceeded with retry_after {decision.retry_after}"
    if decision.remaining is not None and decision.remaining < 0:
        return f"{decision.remaining} remaining"
    return None


def _disagreement(decision: Decision, headers: Headers) -> str | None:
    """Which header says something else than the body."""
    expected: dict[str, str | None] = {
        "X-RateLimit-Id": decision.id,
        "X-RateLimit-Decision": decision.decision,
        "X-RateLimit-Reason": decision.reason,
        "Retry-After": None if decision.retry_after is None else str(max(1, math.ceil(round(decision.retry_after, 6)))),
    }
    for name, value in expected.items():
        if (found := headers.get(name)) != value:
            return f"{name} is {found!r} where the body says {value!r}"
    if decision.limit is not None and decision.remaining is not None:
        standing = headers.get("RateLimit") or ""
        if not f"{standing};".startswith(f'"{decision.limit}";r={decision.remaining};'):
            return f"RateLimit is {standing!r} where the body says {decision.remaining} remaining of {decision.limit}"
        if f'"{decision.limit}";q=' not in (headers.get("RateLimit-Policy") or ""):
            return f"RateLimit-Policy does not name {decision.limit}"
    return None
