"""One decision as a flat, versioned row: what logs, console and training read. Later fields are added, none is renamed or taken away.

A record never holds an API key, a query or a referrer's path; an address is there as the subject it was decided by. What a client sent in
bytes that are no UTF-8 stands there escaped: a record can be written, whatever it is about.
"""

from typing import Final

from msgspec import Struct

from ratelimit.core.decision import Decision, Reason, Verdict

VERSION: Final = 1


class Record(Struct, frozen=True):
    """`time` in seconds since the epoch, when it was decided; `policy` is the digest of the policy that was in force."""

    id: str
    time: float
    decision: Verdict
    reason: Reason
    limit: str | None
    subject: str | None
    method: str
    path: str
    cost: int
    remaining: int | None
    retry_after: float | None
    policy: str
    version: int = VERSION


def record_of(decision: Decision, *, time: float, method: str, path: str, cost: int, policy: str) -> Record:
    """The row of `decision`."""
    return Record(
        decision.id,
        time,
        decision.decision,
        decision.reason,
        decision.limit,
        _writable(decision.subject) if decision.subject is not None else None,
        _writable(method),
        _writable(path.partition("?")[0]),
        cost,
        decision.remaining,
        decision.retry_after,
        policy,
    )


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
