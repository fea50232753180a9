"""Opens, lists and closes cases. A record until there is a console; whoever closes one says what it was, which is a label.

That label goes the way of all others: as a fact into the inbox, once, and from there to the book and to what is known of card and account.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ratelimit.core import stored_case as cases
from ratelimit.core.call import Call
from ratelimit.core.protocols import Store
from ratelimit.core.purchase_entry import Fact
from ratelimit.core.standing import Target
from ratelimit.core.stored_case import Case, CaseKind, CaseReason, CaseState, Closing, case_of
from ratelimit.core.stripe_event import Heard
from ratelimit.core.stripe_fact import CASE_CLOSED
from ratelimit.core.stripe_inbox import FULL
from ratelimit.service.ask import StoreAwayError, ask
from ratelimit.service.stripe_inbox import StripeInbox


class ClosedError(Exception):
    """The case was closed before."""


class Cases:
    """Cases on a store; `wall` is seconds since the epoch."""

    def __init__(self, store: Store, inbox: StripeInbox, wall: Callable[[], float]) -> None:
        self._store, self._inbox, self._wall = store, inbox, wall

    async def open(  # noqa: PLR0913  what a case says
        self,
        anchor: Target,
        kind: CaseKind,
        reasons: Sequence[str],
        purchase: str | None = None,
        due_at: float | None = None,
        *,
        attempt: int = 0,
        source: str | None = None,
        at: float | None = None,
    ) -> str:
        """Open a case, or add to the open one, and say its id. `source` tells one reason from another; raises StoreAwayError."""
        text = "; ".join(reasons)
        reason = CaseReason(
            source=source or f"{kind}:{purchase}:{text}",
            kind=kind,
            text=text,
            at=self._wall() if at is None else at,
            purchase=purchase,
            attempt=attempt,
        )
        return str((await self._ask(cases.opening(anchor, reason, due_at))).decode())

    async def get(self, case: str) -> Case | None:
        """One case; raises StoreAwayError."""
        return case_of(await self._ask(cases.reading(case)))

    async def list(self, state: CaseState) -> list[Case]:
        """What is due first, or what was closed last, up to MOST_LISTED; raises StoreAwayError."""
        return [found for answer in await self._ask(cases.listing(state)) if (found := case_of(answer)) is not None]

    async def close(self, case: str, word: Closing) -> Case | None:
        """Close a case with a word, which labels its purchases; None if there is none. Raises ClosedError and StoreAwayError.

        The label goes first: if we end in between, the case is still open, and closing it again tells the same once more.
        """
        found = await self.get(case)
        if found is None:
            return None
        if found.state == "closed":
            raise ClosedError
        now = self._wall()
        for purchase, attempt in sorted({(one.purchase, one.attempt) for one in found.reasons if one.purchase is not None}):
            if await self._inbox.put(_said(found, purchase, attempt, word, now)) == FULL:
                raise StoreAwayError
        done, state = await self._ask(cases.closing(case, word, now))
        if not done:
            raise ClosedError
        return case_of(state)

    async def _ask(self, call: Call) -> Any:
        (answer,) = await ask(self._store, [call])
        return answer


def _said(case: Case, purchase: str, attempt: int, word: Closing, now_s: float) -> Heard:
    """The word as a fact about one purchase."""
    event = f"{case.id}:{word.verdict}:{attempt}:{purchase}"
    said: dict[str, str | int | bool | None] = {"purchase": purchase, "verdict": word.verdict}
    return Heard(Fact(int(now_s), event, CASE_CLOSED, case.id, attempt, said, now_s), f"{CASE_CLOSED}:{event}")
