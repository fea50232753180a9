"""What one line of a log says, whatever format it was written in: a request, or an event in the life of an account.

Times are microseconds since the epoch. An entry is a tuple because a replay makes millions of them.
"""

from typing import Final, NamedTuple

REQUEST: Final = "request"


class BrokenLineError(ValueError):
    """A line that is no entry; the message says what was wrong and quotes nothing, since lines can hold secrets."""


class Entry(NamedTuple):
    """One logged line. An empty `method` of a request is a connection that never spoke HTTP, which no gateway asks about.

    What was answered, from `status` on, is what the log says, as unchecked text where it is text: clients choose agent and referrer.
    """

    time_us: int
    method: str
    path: str
    ip: str | None = None  # as logged: one address, or the chain of X-Forwarded-For with the peer last
    api_key: str | None = None  # raw: to be hashed before it is kept
    account: str | None = None
    plan: str | None = None
    cost: int = 1
    status: int = 0  # 0: unknown
    bytes: int = -1  # of the answer; -1: unknown
    latency_ms: float = -1  # -1: unknown
    user_agent: str | None = None
    referrer: str | None = None
    kind: str = REQUEST  # or one of usage_event.LIFE_EVENTS
