"""One subject's meter of one limit: its share, and the queue of those who wait for the store's word on it.

Several who wait go as one call, in the order they came. One call is under way at a time; whoever comes meanwhile is served from what it
brings, if that suffices, or goes with the next. The store pulls: a call is composed at the last moment before the bytes are written.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ratelimit.core.bucket import Terms
from ratelimit.core.protocols import Store
from ratelimit.core.quota_counter import MAX_NEEDS
from ratelimit.core.share import ASK
from ratelimit.core.subject import Value
from ratelimit.service.ticket import Claim, Outcome

_MOST_NEEDS: Final = {True: MAX_NEEDS, False: 1_000}  # by whether it is a quota


class Surroundings(NamedTuple):
    """What all meters share."""

    store: Store
    chance: Callable[[], float]
    in_hand: dict["Meter", None]  # meters that hold something that is to go back before it lapses


class Meter:
    """Stands between the limiter and the store for one (limit, subject). `share` is a Share or, for a quota, a QuotaShare."""

    __slots__ = ("_around", "_calling", "_renewing", "_returning", "_waiting", "key", "share", "subject", "terms", "value")

    def __init__(self, around: Surroundings, terms: Terms | None, value: Value, key: str, share: Any) -> None:
        self.terms: Any = terms  # None for a quota
        self.value, self.key, self.share = value, key, share
        self.subject: str | None = None  # `value` for people, see Shelf
        self._around = around
        self._waiting: list[Claim] | None = None
        self._calling: list[Claim] | None = None
        self._renewing = self._returning = False

    def ask(self, claim: Claim) -> bool:
        """Queue a claim; False if the store is known to be away, or to be late with the call under way."""
        if not self._around.store.want(self):
            return False
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(claim)
        return True

    def renew(self) -> None:
        """Ask for the lease that is to follow the one in hand."""
        if not self._renewing and self._calling is None:
            self._renewing = self._around.store.want(self, urgent=False)

    def give_back(self) -> None:
        """Tell the store what is owed, and that what is in hand will not be spent."""
        self._returning = self._around.store.want(self, urgent=False)

    def tend(self, now_us: int) -> None:
        """Do with what is in hand what its end asks for."""
        match self.share.tend(now_us):
            case "renew":
                self.renew()
            case "follow":
                self.share.follow()
                self._around.store.want(self, urgent=False)
            case "settle":
                self._around.store.want(self, urgent=False)
            case "return":
                self.give_back()

    def refund(self, cost: int, at: int) -> None:
        """Give back, in the next turn of the loop, a need that was charged at the store's instant `at` and is not used."""
        self.share.owe_refund(cost, at)
        self._settle_up()

    def release(self, earmark: Any, cost: int) -> None:
        """Put back what was earmarked and is not used."""
        self.share.release(earmark, cost)
        if self.share.urgent():  # what it was taken from has gone back meanwhile
            self._settle_up()

    def remember(self) -> None:
        """Have the sweep look at this meter, also when nobody asks for it any more."""
        self._around.in_hand[self] = None

    def busy(self) -> bool:
        """Whether somebody waits or a call is under way."""
        return self._calling is not None or bool(self._waiting) or self._renewing or self._returning

    def compose(self, now_us: int) -> Any:
        """The call for all who wait, or a renewal, or a settlement; None if there is nothing to say."""
        if self._calling is not None:  # under way by way of another node; its answer goes on from here
            return None
        most = _MOST_NEEDS[self.terms is None]
        waiting = [claim for claim in self._waiting or () if claim.ticket.open]
        self._calling, self._waiting = waiting[:most], waiting[most:] or None
        needs = [claim.cost for claim in self._calling]
        share = self.share
        if any(needs):
            self._returning = False
            return share.compose(now_us, needs, keep=False, more=True)
        if needs:
            return share.compose(now_us, needs, keep=True, more=False)
        if self._returning and (share.hand is not None or share.owes()):
            self._returning = False
            return share.compose(now_us, needs, keep=False, more=False)
        if self._renewing and share.hand is not None:
            return share.compose(now_us, needs, keep=True, more=True)
        if share.owes():
            return share.compose(now_us, needs, keep=True, more=False)
        self._calling = None
        self._renewing = self._returning = False
        return None

    def answered(self, call: Any, grant: Any, sent_us: int, now_us: int) -> None:
        """Hand out what the call brought: charged needs first, then what was leased, to those who were refused or came meanwhile."""
        calling, self._calling = self._calling or (), None
        waiting, self._waiting = self._waiting or (), None
        self._renewing = False
        self.share.answered(call, grant, sent_us, now_us)
        for claim, retry in zip(calling, grant.retries, strict=True):
            if not retry:
                self._charged(claim, grant.at)
            elif claim.outcome is Outcome.PENDING and not self._from_hand(claim, now_us):
                self.share.deny(now_us, claim.cost, retry, self._around.chance())
                claim.wait = retry
                claim.settled(Outcome.REFUSED)
        for claim in waiting:
            if claim.ticket.open and not self._from_hand(claim, now_us) and not self.ask(claim):
                claim.settled(Outcome.AWAY)
        if self.share.hand is not None or self.share.owes():
            self._around.in_hand[self] = None
        if self._returning or self.share.urgent():
            self._around.store.want(self)

    def overdue(self) -> None:
        """Nobody waits any longer; what a late answer has charged goes back then."""
        for claim in (*(self._calling or ()), *(self._waiting or ())):
            _away(claim)
        self._waiting = None

    def unanswered(self, call: Any, now_us: int) -> None:
        """The store is away; whoever waits is told so. None: nothing was sent (another call may be under way)."""
        claims, self._waiting = list(self._waiting or ()), None
        self._renewing = self._returning = False
        if call is not None:
            claims += self._calling or ()
            self._calling = None
            self.share.unanswered(call, now_us)
            if self.share.owes():
                self._around.in_hand[self] = None
        for claim in claims:
            _away(claim)

    def _settle_up(self) -> None:
        """Say what is owed in the next turn of the loop; if the store is late or away, when the leases are looked through."""
        self.remember()
        if self._calling is None:
            self._around.store.want(self)

    def _charged(self, claim: Claim, at: int) -> None:
        ticket = claim.ticket
        if ticket.open and claim.outcome is Outcome.PENDING:
            claim.charged_at = at
            claim.settled(Outcome.CHARGED)
        elif not ticket.admitted and claim.cost:
            self.share.owe_refund(claim.cost, at)

    def _from_hand(self, claim: Claim, now: int) -> bool:
        """Serve a claim without the store, if what is in hand or remembered decides it."""
        wait = self.share.look(now, claim.cost) if claim.cost else ASK
        if wait == ASK:
            return False
        if wait:
            claim.wait = wait
            claim.settled(Outcome.REFUSED)
        else:
            claim.earmark = self.share.take(claim.cost)
            claim.settled(Outcome.LEASED)
        return True


def _away(claim: Claim) -> None:
    if claim.ticket.open and claim.outcome is Outcome.PENDING:
        claim.settled(Outcome.AWAY)
