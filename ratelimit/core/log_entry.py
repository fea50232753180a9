"""What one line of an access log says about a request, whatever format it was written in.

Times are microseconds since the epoch. An entry is a tuple because a replay makes millions of them.
"""

from typing import NamedTuple


class BrokenLineError(ValueError):
    """A line that is no entry; the message says what was wrong and quotes nothing, since lines can hold secrets."""


class Entry(NamedTuple):
    """One logged request. An empty `method` is a connection that never spoke HTTP, which no gateway asks about."""

    time_us: int
    method: str
    path: str
    ip: str | None = None  # as logged: one address, or the chain of X-Forwarded-For with the peer last
    api_key: str | None = None  # raw: to be hashed before it is kept
    account: str | None = None
    plan: str | None = None
    cost: int = 1
