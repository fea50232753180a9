"""A request that waits for the store: what became of it in each of its limits, until it can be decided.

Costs are tokens, waits microseconds.
"""

from asyncio import AbstractEventLoop, Future
from enum import Enum, auto

from ratelimit.core.lease import Lease
from ratelimit.core.quota_share import QuotaTokens


class Outcome(Enum):
    """What became of one limit of a request."""

    PENDING = auto()
    LEASED = auto()  # earmarked in what is in hand
    CHARGED = auto()  # charged in the store
    REFUSED = auto()
    AWAY = auto()  # the store did not answer in time, or is known to be away


class Ticket:
    """One request on its way. `future` is done when nothing is pending any more, or when a limit refused."""

    __slots__ = ("admitted", "future", "open", "pending")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.pending = 0
        self.open = True  # until it was decided
        self.admitted = False
        self.future: Future[None] = loop.create_future()

    def finish(self) -> None:
        """Decide with what is known."""
        if not self.future.done():
            self.future.set_result(None)


class Claim:
    """One limit of a ticket, which charges `cost`: `wait` is set where it was refused, `earmark` or `charged_at` where it was granted."""

    __slots__ = ("charged_at", "cost", "earmark", "outcome", "shadow", "ticket", "wait")

    def __init__(self, ticket: Ticket, cost: int, *, shadow: bool) -> None:
        self.ticket = ticket
        self.cost = cost
        self.shadow = shadow
        self.outcome = Outcome.PENDING
        self.earmark: Lease | QuotaTokens | None = None
        self.charged_at = 0
        self.wait = 0

    def settled(self, outcome: Outcome) -> None:
        """What became of it; a refusal that is meant decides the whole ticket."""
        self.outcome = outcome
        ticket = self.ticket
        ticket.pending -= 1
        if ticket.pending <= 0 or (outcome is Outcome.REFUSED and not self.shadow):
            ticket.finish()
