"""Tells the site what is in the queue: tries each message until it is taken, ever more seldom, for a day; then it is given up, and kept.

A receiver that is slow or away holds up no other message for longer than it is waited for, and no decision at all.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import random
from typing import Final, Literal

import structlog

from ratelimit.core.webhook import Message, failed, headers_of, next_try
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.webhook_queue import Size, WebhookQueue

AT_ONCE: Final = 8  # messages on their way
LOOK_EVERY_S: Final = 0.5

Told = Literal["taken", "failed", "given_up"]
OUTCOMES: Final[tuple[Told, ...]] = ("taken", "failed", "given_up")
Post = Callable[[Mapping[str, str], bytes], Awaitable[str | None]]  # headers and body; what was wrong, None if it was taken

_log = structlog.get_logger()


class WebhookSender:
    """Sends with `post`, signed by each of `secrets`. `told` counts the tries by what became of them."""

    def __init__(self, queue: WebhookQueue, post: Post, secrets: Sequence[str], wall: Callable[[], float]) -> None:
        self.told = Counter[Told]()
        self.size = Size(0, 0)  # when it was last looked at
        self._queue, self._post, self._secrets, self._wall = queue, post, secrets, wall

    async def run(self) -> None:
        """Look for what is due, for ever."""
        while True:
            if not await self.turn():
                await asyncio.sleep(LOOK_EVERY_S)

    async def turn(self) -> int:
        """Send what is due now, some of it; how many messages that were."""
        try:
            messages = await self._queue.take(AT_ONCE)
            await asyncio.gather(*(self._send(message) for message in messages))
            self.size = await self._queue.size()
        except StoreAwayError:  # what was sent meanwhile is sent once more, when its claim is over
            return 0
        return len(messages)

    async def _send(self, message: Message) -> None:
        now = self._wall()
        error = await self._post(headers_of(message, self._secrets, now), message.body.encode())
        if error is None:
            self.told["taken"] += 1
            await self._queue.drop(message)
            return
        self.told["failed"] += 1
        message = failed(message, error)
        due = next_try(message, self._wall(), random())  # noqa: S311  spreads tries, hides nothing
        if due is not None:
            await self._queue.put(message, due)
            return
        self.told["given_up"] += 1
        _log.error("the site did not take a webhook for a day; it is given up, see /v1/webhooks/dead", id=message.id, error=message.error)
        await self._queue.bury(message)
