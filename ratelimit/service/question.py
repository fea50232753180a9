"""What is asked of the limits."""

from typing import NamedTuple

from ratelimit.core.identity import Caller


class Question(NamedTuple):
    """A request, as far as limits and records look at it; `cost` in tokens, `risk` that of who answers for it (None: not known)."""

    method: str
    path: str
    cost: int
    caller: Caller
    risk: float | None = None
