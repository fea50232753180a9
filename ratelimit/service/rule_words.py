"""Makes verdicts of rules stand: puts them with the other words, which every sidecar obeys within a second.

A word that stands already is prolonged at half of its time, so a rule that holds each second costs the store little. Where the store is
away a verdict does not stand, and will when its rule holds again.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ratelimit.core.limit import Limit
from ratelimit.core.rule import Rule
from ratelimit.core.rule_program import is_guard
from ratelimit.core.rule_word import fresh, word_of
from ratelimit.core.standing import Standing, Target, TargetKind
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.rulebook import RuleHit
from ratelimit.service.standings import FullError, Standings


class RuleWords:
    """`limits` are those of the policy in force."""

    def __init__(self, standings: Standings, limits: Sequence[Limit]) -> None:
        self.limits = limits
        self.put = 0
        self.failed = 0  # the store was away, or full of words
        self._standings = standings

    async def of_purchase(self, hits: Iterable[RuleHit], targets: Mapping[TargetKind, Target], now_s: float) -> None:
        """Let what is enforced stand for as long as the rules say, for each of those `of` whom a rule is that the purchase has."""
        for rule, enforced in hits:
            if enforced and rule.for_ is not None and not is_guard(rule):
                for kind in rule.of:
                    if (target := targets.get(kind)) is not None:
                        await self._put(rule, target, None, now_s)

    async def of_request(self, hits: Iterable[RuleHit], target: Target, plan: str | None, now_s: float) -> None:
        """The same for a subject of requests."""
        for rule, enforced in hits:
            if enforced:
                await self._put(rule, target, plan, now_s)

    async def _put(self, rule: Rule, target: Target, plan: str | None, now_s: float) -> None:
        wanted = word_of(rule, target, self.limits, plan, now_s)
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
