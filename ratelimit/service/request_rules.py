"""Asks rules about subjects of requests when they are scored, lets their verdicts stand, and opens cases for reviews.

A subject is scored about once a second while it is busy. Verdicts wait in a short queue for the store, so that scoring does not. A review
asks for a case once a day for each rule and subject.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ratelimit.core.rule import Rule
from ratelimit.core.rule_word import word_id
from ratelimit.core.signal_reason import SignalReason, unusual
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.standing import Target
from ratelimit.service.flags import Flags, target_of
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.watch import Watch

Reasons = Callable[[Kind, bytes], tuple[SignalReason, ...]]

_MOST_WAITING: Final = 1_024
_MOST_REVIEWED: Final = 4_096
_DAY_S: Final = 86_400


class _Verdict(NamedTuple):
    rules: list[Rule]
    target: Target
    watch: Watch
    signals: bytes


class RequestRules:
    """`wall` is seconds since the epoch. Without `flags` no cases are asked for; `reasons` says what is unusual."""

    def __init__(self, rulebook: Rulebook, words: RuleWords, wall: Callable[[], float]) -> None:
        self.flags: Flags | None = None
        self.reasons: Reasons = lambda _kind, _signals: ()
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
                self._add(self._verdict(rules, watches[index]))

    async def run(self) -> None:
        """Let verdicts stand, for ever."""
        while True:
            verdict = await self._waiting.get()
            now_s = self._wall()
            await self._words.of_request(verdict.rules, verdict.target, now_s)
            for rule in verdict.rules:
                if rule.then == "review" and self.flags is not None:
                    self._review(self.flags, rule, verdict, now_s)
            self.told += 1

    def _review(self, flags: Flags, rule: Rule, verdict: _Verdict, now_s: float) -> None:
        day = int(now_s // _DAY_S)
        name = f"{word_id(rule.name, verdict.target)}:{day}"
        if name in self._reviewed:
            return
        signals = map(unusual, self.reasons(verdict.watch.kind, verdict.signals)) if verdict.signals else ()
        flags.request(verdict.target, rule, day, now_s, signals, verdict.watch.plan)
        if len(self._reviewed) >= _MOST_REVIEWED:
            self._reviewed.clear()  # the ledger knows as well
        self._reviewed.add(name)

    def _add(self, verdict: _Verdict) -> None:
        self.found += 1
        try:
            self._waiting.put_nowait(verdict)
        except asyncio.QueueFull:
            self.dropped += 1

    def _verdict(self, rules: list[Rule], watch: Watch) -> _Verdict:
        return _Verdict(rules, target_of(watch.kind, watch.value, self._rulebook.ipv6_prefix), watch, watch.signals)
