"""Makes verdicts of rules stand: puts them with the other words, which every sidecar obeys within a second.

A word that stands already is prolonged at half of its time, so a rule that holds each second costs the store little. Where the store is
away a verdict does not stand, and will when its rule holds again.
"""

from asyncio import gather
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from ratelimit.core.rule import Rule
from ratelimit.core.rule_word import fresh, word_of
from ratelimit.core.standing import Standing, Target, TargetKind
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.standings import FullError, Standings

_AT_ONCE: Final = 100  # words that are taken away together


class RuleWords:
    """`put` and `failed` count what was written, and what was not since the store was away, or full of words."""

    def __init__(self, standings: Standings) -> None:
        self.put = 0
        self.failed = 0
        self._standings = standings

    async def of_purchase(self, rules: Iterable[Rule], targets: Mapping[TargetKind, Target], now_s: float) -> None:
        """Let rules that are enforced stand for as long as they say, for each of those `of` whom they are that the purchase has."""
        lasting = [rule for rule in rules if rule.for_ is not None]
        await gather(*(self._put(rule, targets[kind], now_s) for rule in lasting for kind in rule.of if kind in targets))

    async def of_request(self, rules: Iterable[Rule], target: Target, now_s: float) -> None:
        """The same for a subject of requests."""
        await gather(*(self._put(rule, target, now_s) for rule in rules))

    async def lift(self, authors: Collection[str]) -> int:
        """Take away the words of those rules, and say how many there were. Raises StoreAwayError."""
        found = [word.id for word in self._standings.all() if word.source == "rule" and word.author in authors]
        for start in range(0, len(found), _AT_ONCE):
            await gather(*(self._standings.change(id, lambda _: None) for id in found[start : start + _AT_ONCE]))
        return len(found)

    async def _put(self, rule: Rule, target: Target, now_s: float) -> None:
        wanted = word_of(rule, target, now_s)
        if wanted is None or fresh(self._standings.get(wanted.id), wanted):
            return

        def make(before: Standing | None) -> Standing:
            """Never shorter than it was: another sidecar may have been later."""
            if before is None or before.until is None or wanted.until is None:
                return wanted
            return replace(wanted, made_at=before.made_at, until=max(before.until, wanted.until))

        try:
            await self._standings.change(wanted.id, make)
            self.put += 1
        except (StoreAwayError, FullError):
            self.failed += 1
