"""Asks rules about subjects of requests when they are scored, and lets their verdicts stand.

A subject is scored about once a second while it is busy. Verdicts wait in a short queue for the store, so that scoring does not.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ratelimit.core.address import format_address
from ratelimit.core.rule import Rule
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.standing import Target
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.watch import Watch

_MOST_WAITING: Final = 1_024


class _Verdict(NamedTuple):
    rules: list[Rule]
    target: Target


class RequestRules:
    """`wall` is seconds since the epoch."""

    def __init__(self, rulebook: Rulebook, words: RuleWords, wall: Callable[[], float]) -> None:
        self.found = self.told = 0  # verdicts that are enforced, and those of them that are with the store
        self.dropped = 0  # those that came faster than the store took them
        self._rulebook, self._words, self._wall = rulebook, words, wall
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
            await self._words.of_request(verdict.rules, verdict.target, self._wall())
            self.told += 1

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
