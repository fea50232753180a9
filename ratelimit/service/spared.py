"""Whom no model may look at, since they have restricted the use of their data or objected to it: one word that stands for each subject.

Limits, rules and what people say go on counting for them. The words last until they are taken away; times are seconds since the epoch.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from ratelimit.core.standing import Standing, Target
from ratelimit.service.standings import Standings

_REASON: Final = "no model looks at it"


class Spared:
    """Says and takes back the words; both raise StoreAwayError, and may be done again. `wall` gives the time."""

    def __init__(self, standings: Standings, wall: Callable[[], float]) -> None:
        self._standings, self._wall = standings, wall

    def all(self) -> list[Target]:
        """Whom they are about."""
        return [word.target for word in self._standings.all() if word.then == "unscored"]

    async def spare(self, targets: Iterable[Target], author: str) -> None:
        """From within a second on no sidecar's model looks at them."""
        for target in targets:
            await self._standings.change(word_id(target), partial(self._spared, target, author))

    async def end(self, targets: Iterable[Target]) -> None:
        """Models may look at them again."""
        for target in targets:
            await self._standings.change(word_id(target), lambda _: None)

    def _spared(self, target: Target, author: str, before: Standing | None) -> Standing:
        if before is not None:
            return before
        now = self._wall()
        return Standing(id="", target=target, then="unscored", source="privacy", reason=_REASON, author=author, made_at=now)


def word_id(target: Target) -> str:
    """The id of the word about a subject."""
    return f"unscored:{target}"
