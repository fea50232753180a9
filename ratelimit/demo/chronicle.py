"""The past of the demonstration's site, written into the ledger in the order in which it happened, as if somebody had been there all along.

Each message is taken in as of its own time, cases are opened as of then, and between two steps `meanwhile` lets people work. So a case is
opened when it was flagged, and what is in the audit stands there in its order.
"""

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from ratelimit.core.message import Bought, Concluded, Counted, Decided, Flagged, Lived, Message, Replied
from ratelimit.core.policy import Policy
from ratelimit.ledger.intake import Batch
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.daily import Daily
from ratelimit.review.flagged import FlagIntake
from ratelimit.review.intake import intake_of

HOUR_S: Final = 3_600.0
DAY_S: Final = 24 * HOUR_S
# how long a step is that began so long ago, the last ones first
_STEPS: Final = ((DAY_S, 600.0), (4 * DAY_S, HOUR_S), (math.inf, 4 * HOUR_S))
_AT_ONCE: Final = 1_000

Meanwhile = Callable[[float], Awaitable[None]]
Said = Callable[[float], None]  # which share of it is told


class Chronicle:
    """Gathers messages, then tells them; nothing is known of what lies after `now_s`."""

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s
        self._told: list[tuple[float, Message]] = []
        self._at = 0.0

    def put(self, message: Message) -> None:
        """Something happened; how a request was answered is known when its decision is."""
        self._at = self._at if isinstance(message, Replied) else when(message)
        if self._at < self._now_s:
            self._told.append((self._at, message))

    async def tell(self, ledger: Ledger, subjects: Subjects, policy: Policy, meanwhile: Meanwhile, said: Said) -> None:
        """Write all of it."""
        intake = intake_of(ledger, subjects, lambda: frozenset(policy.file.retention.keep))
        flagged = FlagIntake(subjects, Daily(lambda: policy.file.cases.per_day))
        intake.add(Flagged, flagged)
        self._told.sort(key=itemgetter(0))
        done = 0
        for end, messages in self._steps():
            await meanwhile(end)  # with what there was at the beginning of the step
            for start in range(0, len(messages), _AT_ONCE):
                batch = Batch(f"demo-{done + start}", messages[start : start + _AT_ONCE])
                await intake.write([batch], end)
            done += len(messages)
            await flagged.look(ledger, end)
            said(done / len(self._told))

    def _steps(self) -> Iterator[tuple[float, Sequence[Message]]]:
        """What happened between an instant and the next; steps in which nothing did are there as well, since people may work in them."""
        if not self._told:
            return
        place, end = 0, self._told[0][0]
        while end < self._now_s:
            end = min(self._now_s, end + next(step for ago, step in _STEPS if self._now_s - end <= ago))
            start = place
            while place < len(self._told) and self._told[place][0] <= end:
                place += 1
            yield end, [message for _, message in self._told[start:place]]


def when(message: Decided | Bought | Concluded | Counted | Flagged | Lived) -> float:
    """When it became known."""
    if isinstance(message, Concluded):
        return max((*(one.known_at for one in message.happened), message.label_at or 0.0), default=0.0)
    return message.at
