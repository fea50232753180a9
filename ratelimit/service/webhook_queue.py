"""The queue of messages to the site, in the store: none is lost when a process ends, and several processes share the work.

Whoever takes a message has it for a while; if nothing is heard of it until then, another takes it. So each comes at least once. All of it
raises StoreAwayError.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from ratelimit.core.protocols import Store
from ratelimit.core.webhook import KNOWN_S, MOST_DEAD, Message, call, decode, encode
from ratelimit.service.ask import ask

CLAIM_S: Final = 60.0  # longer than a receiver is waited for


class Size(NamedTuple):
    """How many messages are on their way, and how many are given up."""

    due: int
    dead: int


class WebhookQueue:
    """`wall` gives seconds since the epoch."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self._store, self._wall = store, wall

    async def add(self, message: Message) -> bool:
        """Have it told; False: it was told before, or will be."""
        now = self._wall()
        return bool(await self._call("add", now, now + KNOWN_S, message.id, encode(message)))

    async def take(self, most: int) -> list[Message]:
        """Messages that are due, for this process alone to send within CLAIM_S."""
        now = self._wall()
        return [decode(found) for found in await self._call("take", now, most, now + CLAIM_S)]

    async def put(self, message: Message, due: float) -> None:
        """It could not be told; it is due again then."""
        await self._call("put", message.id, due, encode(message))

    async def drop(self, message: Message) -> None:
        """It was told."""
        await self._call("drop", message.id)

    async def bury(self, message: Message) -> None:
        """It is given up."""
        await self._call("bury", message.id, self._wall(), MOST_DEAD, encode(message))

    async def dead(self, most: int) -> list[Message]:
        """What was given up, latest first."""
        return [decode(found) for found in await self._call("dead", most)]

    async def revive(self, reference: str) -> bool:
        """Try a message that was given up for another day; False: none of that id was."""
        message = next((dead for dead in await self.dead(MOST_DEAD) if dead.id == reference), None)
        if message is None:
            return False
        now = self._wall()
        return bool(await self._call("revive", message.id, now, encode(replace(message, at=now, tries=0))))

    async def size(self) -> Size:
        """How many there are."""
        return Size(*await self._call("size"))

    async def _call(self, what: str, *arguments: str | float) -> Any:
        (answer,) = await ask(self._store, [call(what, *arguments)])
        return answer
