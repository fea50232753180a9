"""Takes away the words that a rule let stand, when people take the rule out of force: else who was blocked for a day would stay so.

It does so twice: at once, and again when every sidecar has heard that the rule is not in force and none lets its verdicts stand any more.
"""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Final

import structlog

from ratelimit.service.ask import StoreAwayError
from ratelimit.service.overlay_watch import LOOK_EVERY_S
from ratelimit.service.rule_words import RuleWords

HEARD_S: Final = 3 * LOOK_EVERY_S

_log = structlog.get_logger()


class RuleLift:
    """`lifted` counts the words."""

    def __init__(self, words: RuleWords, heard_s: float = HEARD_S) -> None:
        self.lifted = 0
        self._words, self._heard_s = words, heard_s
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, names: Collection[str]) -> None:
        """Of the rules of these names, as decisions name them."""
        await self._lift(names)
        task = asyncio.create_task(self._again(names))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Do now what would be done later."""
        waiting = list(self._tasks)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _again(self, names: Collection[str]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(self._heard_s)
        await self._lift(names)

    async def _lift(self, names: Collection[str]) -> None:
        try:
            self.lifted += await self._words.lift(names)
        except StoreAwayError:
            _log.warning("the store is away; words of a rule that is out of force stand until they end", rules=sorted(names))
