"""What is asked of the limits."""

from typing import NamedTuple

from ratelimit.core.identity import Caller
from ratelimit.core.passage import Passage


class Question(NamedTuple):
    """A request, as far as limits and records look at it; `cost` in tokens, `risk` that of who answers for it (None: not known).

    `passage` is what words and lists have said of it (None: nothing).
    """

    method: str
    path: str
    cost: int
    caller: Caller
    risk: float | None = None
    passage: Passage | None = None
    user_agent: str | None = None
    referrer: str | None = None
