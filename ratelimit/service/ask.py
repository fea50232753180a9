"""Asks the store and waits for the answers: for calls that each are somebody's own, and are not coalesced with another's."""

import asyncio
from collections.abc import Sequence
from typing import Any

from ratelimit.core.call import Call
from ratelimit.core.protocols import Store
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant


class StoreAwayError(Exception):
    """The store did not answer in time, or is known to be away; what was sent may have been executed."""


class Ask:
    """One call of several that are waited for together."""

    terms = None  # as a quota's asking has them

    def __init__(self, key: str, call: Any, done: asyncio.Future[Any]) -> None:
        self.key = key
        self._call, self._done = call, done

    def compose(self, now_us: int) -> Any:  # noqa: ARG002  (times are the protocol's)
        """The call, unless nobody waits for it any more."""
        return None if self._done.done() else self._call

    def answered(self, call: Any, answer: Any, sent_us: int, now_us: int) -> None:  # noqa: ARG002
        """What the script said."""
        if not self._done.done():
            self._done.set_result(answer)

    def overdue(self) -> None:
        """It takes too long to be waited for."""
        self._fail()

    def unanswered(self, call: Any, now_us: int) -> None:  # noqa: ARG002
        """There will be no answer."""
        self._fail()

    def _fail(self) -> None:
        if not self._done.done():
            self._done.set_exception(StoreAwayError())


async def ask(store: Store, calls: Sequence[Call]) -> list[Any]:
    """The answers, in order; all calls go out in one pipeline per node. Raises StoreAwayError if one of them has none."""
    return await _answers(store, [(call.key, call) for call in calls])


async def ask_quota(store: Store, key: str, call: QuotaCall) -> QuotaGrant:
    """What the store says to a call on a quota; raises StoreAwayError."""
    grant: QuotaGrant
    (grant,) = await _answers(store, [(key, call)])
    return grant


async def _answers(store: Store, calls: Sequence[tuple[str, Any]]) -> list[Any]:
    loop = asyncio.get_running_loop()
    waiting = [loop.create_future() for _ in calls]
    for (key, call), done in zip(calls, waiting, strict=True):
        if not store.want(Ask(key, call, done)):
            done.set_exception(StoreAwayError())
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers
