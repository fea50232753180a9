"""What the owner's side tells of a request after it was answered, or of an account's life: one line of `/v1/events`, decoded and checked.

An event adds to signals, and its status to the record of its decision, where the ledger has one. It counts when it comes, since a profile
has no room for the past: `time` says only whether it is fresh. Times are microseconds since the epoch.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.log_time import number_us, rfc3339_us
from ratelimit.core.request import Cost, Method, Name, Path, Text
from ratelimit.core.units import US_PER_S
from ratelimit.core.usage_event import LifeEvent

MOST_AHEAD_US: Final = 300 * US_PER_S  # of our clock
MOST_BACK_US: Final = 86_400 * US_PER_S
MOST_BYTES: Final = 1_000_000_000_000_000

Size = Annotated[int, Meta(ge=0, le=MOST_BYTES)]
Status = Annotated[int, Meta(ge=100, le=599)]
Latency = Annotated[float, Meta(ge=0, le=1e12)]
Refusal = Literal["unreadable", "invalid", "too_old", "too_new", "signals_off"]
REFUSALS: Final[tuple[Refusal, ...]] = get_args(Refusal)


class Event(Struct, forbid_unknown_fields=True, gc=False):
    """One line. At least one of api_key, ip, account; a request has method, path and status, an event of an account's life needs none.

    `time` is RFC 3339 or seconds since the epoch. Lines with the same `decision_id` are one, told again.
    """

    time: float | Annotated[str, Meta(min_length=1, max_length=64)]
    type: Literal["request"] | LifeEvent = "request"
    decision_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    api_key: Name | None = None
    ip: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    account: Name | None = None
    method: Method | None = None
    path: Path | None = None
    status: Status | None = None
    bytes: Size | None = None
    latency_ms: Latency | None = None
    user_agent: Text | None = None
    referrer: Text | None = None
    plan: Name | None = None
    cost: Cost | None = None

    def __repr__(self) -> str:
        # the default would print the API key into whatever log or traceback shows an event
        return f"Event({self.type})"


class RefusedEventError(ValueError):
    """A line that is not counted: why in a word, the JSON path of what is wrong, and what was found and would do. It quotes no value."""

    def __init__(self, refusal: Refusal, path: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal: Final[Refusal] = refusal
        self.path, self.detail = path, detail


decode: Final[Callable[[bytes], Event]] = msgspec.json.Decoder(Event).decode


def check(event: Event, now_us: int) -> None:
    """Raises RefusedEventError if the event lacks what its type needs, or is not of the last day."""
    if event.type == "request":
        for name, value in (("method", event.method), ("path", event.path), ("status", event.status)):
            if value is None:
                raise RefusedEventError("invalid", f"$.{name}", "is missing; a request has method, path and status")
    if event.api_key is None and event.ip is None and event.account is None:
        raise RefusedEventError("invalid", "$", "says nothing of who asked; expected at least one of api_key, ip, account")
    try:
        at_us = time_us(event)
    except BrokenLineError as error:
        raise RefusedEventError("invalid", "$.time", str(error)) from None
    if at_us > now_us + MOST_AHEAD_US:
        raise RefusedEventError("too_new", "$.time", f"is {_s(at_us - now_us)} s ahead of this clock; expected at most {_s(MOST_AHEAD_US)}")
    if at_us < now_us - MOST_BACK_US:
        raise RefusedEventError("too_old", "$.time", f"is {_s(now_us - at_us)} s ago; expected at most {_s(MOST_BACK_US)}")


def time_us(event: Event) -> int:
    """When it happened; raises BrokenLineError for what is no time."""
    return rfc3339_us(event.time) if isinstance(event.time, str) else number_us(event.time)


def _s(span_us: int) -> int:
    return span_us // US_PER_S
