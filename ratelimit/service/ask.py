"""Asks the store and waits for the answers: for calls that each are somebody's own, and are not coalesced with another's."""

import asyncio
from collections.abc import Sequence
from typing import Any

from ratelimit.core.call import Call
from ratelimit.core.protocols import Store
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant


class StoreAwayError(Exception):
    """The store did not answer in time, or is known to be away; what was sent may have been executed."""


class _Together:
    """Calls that are waited for together: a future of their own for each would cost more than all else about it."""

    __slots__ = ("answers", "done", "left")

    def __init__(self, count: int, done: asyncio.Future[None]) -> None:
        self.answers: list[Any] = [None] * count
        self.left, self.done = count, done

    def take(self, place: int, answer: Any) -> None:
        self.answers[place] = answer
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)

    def fail(self) -> None:
        if not self.done.done():
            self.done.set_exception(StoreAwayError())


class Ask:
    """One of them."""

    __slots__ = ("_call", "_place", "_together", "key")

    terms = None  # as a quota's asking has them

    def __init__(self, key: str, call: Any, place: int, together: _Together) -> None:
        self.key = key
        self._call, self._place, self._together = call, place, together

    def compose(self, now_us: int) -> Any:  # noqa: ARG002  (times are the protocol's)
        """The call, unless nobody waits for it any more."""
        return None if self._together.done.done() else self._call

    def answered(self, call: Any, answer: Any, sent_us: int, now_us: int) -> None:  # noqa: ARG002
        """What the script said."""
        self._together.take(self._place, answer)

    def overdue(self) -> None:
        """It takes too long to be waited for."""
        self._together.fail()

    def unanswered(self, call: Any, now_us: int) -> None:  # noqa: ARG002
        """There will be no answer."""
        self._together.fail()


async def ask(store: Store, calls: Sequence[Call]) -> list[Any]:
    """The answers, in order; all calls go out in one pipeline per node. Raises StoreAwayError if one of them has none."""
    return await _answers(store, [(call.key, call) for call in calls])


async def ask_quota(store: Store, key: str, call: QuotaCall) -> QuotaGrant:
    """What the store says to a call on a quota; raises StoreAwayError."""
    grant: QuotaGrant
    (grant,) = await _answers(store, [(key, call)])
    return grant


async def _answers(store: Store, calls: Sequence[tuple[str, Any]]) -> list[Any]:
    if not calls:
        return []
    together = _Together(len(calls), asyncio.get_running_loop().create_future())
    for place, (key, call) in enumerate(calls):
        if not store.want(Ask(key, call, place, together)):
            together.fail()
            break
    await together.done
    return together.answers
