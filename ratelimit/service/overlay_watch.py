"""Keeps what lies on the policy's rules in step with the store: asks twice a second, puts in force what is sound, keeps the last good one.

A store that was emptied says nothing, which is not that nothing lies on the rules: whoever keeps the versions writes it there again.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from ratelimit.core.errors import ConfigError
from ratelimit.core.overlay import Overlay, decode_overlay, overlaid, read_of, reading
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import Store
from ratelimit.core.reach import of_rules
from ratelimit.service.ask import StoreAwayError, ask

LOOK_EVERY_S: Final = 0.5
_MOST_SAID: Final = 5

_log = structlog.get_logger()


class OverlayWatch:
    """`put` is given each policy that comes into force. `revision` is that of what was read last, '' before; `problems` are its own."""

    def __init__(self, store: Store, policy: Policy, put: Callable[[Policy], None]) -> None:
        self.policy = policy  # in force
        self.revision = ""
        self.failed = 0  # overlays that could not be used, each counted once
        self.problems: list[str] = []
        self.heard = of_rules("")  # what is in force, as it is told
        self.moved = asyncio.Event()  # `heard` has changed; whoever waits for it clears it
        self._store, self._put, self._base, self._overlay = store, put, policy, Overlay()

    def adopt(self, base: Policy) -> None:
        """Another policy is in force below it."""
        self._base = base
        try:
            self._swap(overlaid(base, self._overlay))
        except ConfigError as error:  # such as too many rules together
            self._refuse(error)
            self._swap(base)

    async def look(self) -> None:
        """Ask once, and act on what has changed. Raises StoreAwayError."""
        (answer,) = await ask(self._store, [reading(self.revision)])
        revision, document = read_of(answer)
        if document is not None and revision:
            await self._judge(revision, document)

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except StoreAwayError:
                continue

    async def _judge(self, revision: str, document: bytes) -> None:
        self.revision = revision
        try:
            overlay = decode_overlay(document)
            base = self._base
            policy = await asyncio.to_thread(overlaid, base, overlay)
        except ConfigError as error:
            self._refuse(error)
            return
        self._overlay, self.problems = overlay, []
        self._swap(policy if base is self._base else overlaid(self._base, overlay))
        self.heard = of_rules(revision)
        self.moved.set()
        _log.info("another overlay of rules is in force", revision=revision, digest=self.policy.digest)

    def _swap(self, policy: Policy) -> None:
        self.policy = policy
        self._put(policy)

    def _refuse(self, error: ConfigError) -> None:
        self.failed += 1
        self.problems = error.problems
        _log.error("the overlay of rules cannot be used; what was in force stays so", problems=error.problems[:_MOST_SAID])
