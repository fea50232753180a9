"""Asks rules about subjects of requests when they are scored, lets their verdicts stand, and opens cases for reviews.

A subject is scored about once a second while it is busy. Verdicts wait in a short queue for the store, so that scoring does not. A review
opens a case, or adds to the open one, once a day for each rule and subject.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ratelimit.core.address import format_address
from ratelimit.core.rule import Rule
from ratelimit.core.rule_word import word_id
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.standing import Target
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.cases import Cases
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.watch import Watch

_MOST_WAITING: Final = 1_024
_MOST_REVIEWED: Final = 4_096
_DAY_S: Final = 86_400


class _Verdict(NamedTuple):
    rules: list[Rule]
    target: Target


class RequestRules:
    """`wall` is seconds since the epoch. Without `cases` none are opened."""

    def __init__(self, rulebook: Rulebook, words: RuleWords, wall: Callable[[], float]) -> None:
        self.cases: Cases | None = None
        self.found = self.told = 0  # verdicts that are enforced, and those of them that are with the store
        self.dropped = 0  # those that came faster than the store took them
        self._rulebook, self._words, self._wall = rulebook, words, wall
        self._reviewed: set[str] = set()  # lately, by rule, subject and day
        self._waiting: asyncio.Queue[_Verdict] = asyncio.Queue(_MOST_WAITING)

    def __call__(self, kind: Kind, watches: Sequence[Watch], rows: Rows) -> None:
        """These subjects were scored."""
        if not self._rulebook.of_requests:
            return
        for index, hits in self._rulebook.requests(kind, [(watch.value, watch.plan) for watch in watches], rows):
            if rules := [hit.rule for hit in hits if hit.enforced]:
                self._add(_Verdict(rules, self._target(watches[index])))

    async def run(self) -> None:
        """Let verdicts stand, for ever."""
        while True:
            verdict = await self._waiting.get()
            now_s = self._wall()
            await self._words.of_request(verdict.rules, verdict.target, now_s)
            for rule in verdict.rules:
                if rule.then == "review" and self.cases is not None:
                    await self._review(self.cases, rule, verdict.target, now_s)
            self.told += 1

    async def _review(self, cases: Cases, rule: Rule, target: Target, now_s: float) -> None:
        source = f"{word_id(rule.name, target)}:{int(now_s // _DAY_S)}"
        if source in self._reviewed:
            return
        try:
            await cases.open(target, "rule", [f"{rule.name}: {rule.reason}"], source=source)
        except StoreAwayError:  # the rule will hold again
            return
        if len(self._reviewed) >= _MOST_REVIEWED:
            self._reviewed.clear()  # the store knows as well
        self._reviewed.add(source)

    def _add(self, verdict: _Verdict) -> None:
        self.found += 1
        try:
            self._waiting.put_nowait(verdict)
        except asyncio.QueueFull:
            self.dropped += 1

    def _target(self, watch: Watch) -> Target:
        value = watch.value
        if isinstance(value, bytes):
            return Target(watch.kind, format_address(value, None if len(value) == 4 else self._rulebook.ipv6_prefix))
        return Target(watch.kind, value)
