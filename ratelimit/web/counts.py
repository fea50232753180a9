"""What a lane counts beside the decisions, as plain integers that the metrics read."""

from collections import Counter
from typing import Final

from ratelimit.core.event import REFUSALS

ACCEPTED: Final = "accepted"
REPEATED: Final = "repeated"
EVENT_OUTCOMES: Final = (ACCEPTED, REPEATED, *REFUSALS)


class Counts:
    """Since the start of this process."""

    def __init__(self) -> None:
        self.problems: Counter[int] = Counter()  # requests answered with a problem of their own, by status
        self.unparsable = 0  # of these, what was not HTTP
        self.no_address = 0  # authorizations without a usable X-Forwarded-For: their limits per ip were skipped
        self.bugs = 0
        self.events: Counter[str] = Counter()  # lines of /v1/events by outcome
