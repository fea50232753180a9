"""Overrides: what people say about subjects and entities. Each is a word that stands under an id of its own; an edit is its next version.

Who says what and why is written to the log with the word's id, never with whom it is about. Undoing one is taking it away. The site is
told of each change, where there is a queue: `override.set`, whose `state` is set or lifted.
"""

from collections.abc import Callable
from heapq import nlargest
from secrets import token_hex
from typing import Final, Literal

import structlog
from msgspec.structs import replace

from ratelimit.core.lockout import locks_out
from ratelimit.core.override import OverrideAsked, Pseudonyms, word_about, word_of
from ratelimit.core.policy import Policy
from ratelimit.core.standing import Standing, StandingSource, Target
from ratelimit.core.webhook import message_of
from ratelimit.service.standings import Standings
from ratelimit.service.webhook_queue import WebhookQueue

OVERRIDE_SET: Final = "override.set"  # the type of its webhooks
OF_DEED: Final = "act-"  # begins the ids of words that stand by a deed, see review/doing: these are undone, not edited
_ID_BYTES: Final = 6

_log = structlog.get_logger()


class NoOverrideError(LookupError):
    """No such override stands; it may have ended."""


class Overrides:
    """Of all standings those that people made. `policy` gives the one in force, `wall` seconds since the epoch.

    `queue` None: there is nobody to tell.
    """

    def __init__(
        self,
        standings: Standings,
        store_key: bytes,
        policy: Callable[[], Policy],
        wall: Callable[[], float],
        queue: WebhookQueue | None = None,
    ) -> None:
        self._standings, self._store_key, self._policy, self._wall, self._queue = standings, store_key, policy, wall, queue

    def target(self, text: str) -> Target:
        """Whom a text is about; raises ItemError."""
        return self._pseudonyms().target(text)

    def word(self, asked: OverrideAsked) -> Standing:
        """What is asked for, judged by the policy in force and not said; raises OverrideError."""
        return word_of(asked, self._policy(), self._pseudonyms(), self._wall())

    def word_about(self, target: Target, asked: OverrideAsked) -> Standing:
        """As `word`, about a target that is known already; raises OverrideError."""
        return word_about(asked, target, self._policy(), self._wall())

    def about(self, target: Target) -> list[Standing]:
        """What people said about this very target and stands, first made first."""
        met = [*self._standings.words([target], "request"), *self._standings.words([target], "purchase")]
        found = {word.id: word for word in met if word.source == "override" and word.target == target}
        return sorted(found.values(), key=lambda word: (word.made_at, word.id))

    def locks_out(self, word: Standing) -> bool:
        """Whether it is a block by the policy in force, whatever it is called."""
        return locks_out(word, self._policy().limits)

    def get(self, id: str) -> Standing:
        """The one with that id; raises NoOverrideError."""
        word = self._standings.get(id)
        if word is None or word.source != "override":
            raise NoOverrideError
        return word

    def stands(self, id: str) -> bool:
        """Whether there is one with that id."""
        return self._standings.get(id) is not None

    def latest(self, most: int, source: StandingSource = "override", target: Target | None = None) -> tuple[list[Standing], int]:
        """The latest of those that stand, latest first, and how many there are; of rules and holds as well, if theirs are asked for."""
        found = [word for word in self._standings.all() if word.source == source and target in {None, word.target}]
        return nlargest(most, found, key=lambda word: (word.made_at, word.id)), len(found)

    async def add(self, asked: OverrideAsked) -> Standing:
        """Say it; raises OverrideError, StoreAwayError and FullError."""
        word = replace(self.word(asked), id=token_hex(_ID_BYTES))
        await self.say(word, token_hex(_ID_BYTES))
        return word

    async def say(self, word: Standing, event: str) -> None:
        """Let this very word stand under its id; the same once more changes nothing. Raises StoreAwayError and FullError.

        The site is told once for each `event`.
        """

        def make(before: Standing | None) -> Standing:
            return before if before is not None and replace(before, version=word.version) == word else word

        await self._standings.change(word.id, make)
        _log.info("an override was made", override=word.id, then=word.then, author=word.author, reason=word.reason)
        await self._tell(word, "set", event)

    async def unsay(self, word: Standing, author: str, event: str) -> None:
        """Let the word with that id not stand any more; once more changes nothing. Raises StoreAwayError."""
        await self._standings.change(word.id, lambda _: None)
        _log.info("an override was taken away", override=word.id, author=author, reason=word.reason)
        await self._tell(word, "lifted", event)

    async def edit(self, id: str, asked: OverrideAsked) -> Standing:
        """Say something else in its place; raises NoOverrideError beside what `add` does."""
        self.get(id)
        word = self.word(asked)

        def make(before: Standing | None) -> Standing:
            if before is None:
                raise NoOverrideError
            return replace(word, made_at=before.made_at)

        after = await self._standings.change(id, make)
        assert after is not None, "it was made"  # noqa: S101
        await self._tell(after, "set", token_hex(_ID_BYTES))
        _log.info("an override was edited", override=id, then=after.then, version=after.version, author=after.author, reason=after.reason)
        return after

    async def drop(self, id: str, author: str, reason: str) -> Standing:
        """Take it away, and say what it was; raises NoOverrideError and StoreAwayError."""
        was = self.get(id)

        def make(before: Standing | None) -> None:
            nonlocal was
            if before is None:
                raise NoOverrideError
            was = before

        await self._standings.change(id, make)
        await self._tell(was, "lifted", token_hex(_ID_BYTES))
        _log.info("an override was taken away", override=id, author=author, reason=reason)
        return was

    async def _tell(self, word: Standing, state: Literal["set", "lifted"], event: str) -> None:
        if self._queue is not None:
            said = {
                "id": word.id,
                "state": state,
                "then": word.then,
                "target": str(word.target),
                "until": word.until,
                "scope": word.scope,
                "author": word.author,
            }
            await self._queue.add(message_of(OVERRIDE_SET, self._wall(), said, word.id, state, event))

    def _pseudonyms(self) -> Pseudonyms:
        return Pseudonyms.of(self._store_key, self._policy().identity.ipv6_prefix)
