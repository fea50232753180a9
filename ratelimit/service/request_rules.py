"""Asks rules about subjects of requests when they are scored, and lets their verdicts stand.

A subject is scored about once a second while it is busy. Verdicts wait in a short queue for the store, so that scoring does not.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ratelimit.core.address import format_address
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.standing import Target
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook, RuleHit
from ratelimit.service.watch import Watch

_MOST_WAITING: Final = 1_024


class _Verdict(NamedTuple):
    hits: list[RuleHit]
    target: Target
    plan: str | None


class RequestRules:
    """`wall` is seconds since the epoch; `ipv6_prefix` how many bits of an IPv6 address are a subject."""

    def __init__(self, rulebook: Rulebook, words: RuleWords, wall: Callable[[], float], ipv6_prefix: int) -> None:
        self.ipv6_prefix = ipv6_prefix
        self.dropped = 0  # verdicts that came faster than the store took them
        self._rulebook, self._words, self._wall = rulebook, words, wall
        self._waiting: asyncio.Queue[_Verdict] = asyncio.Queue(_MOST_WAITING)

    def __call__(self, kind: Kind, watches: Sequence[Watch], rows: Rows) -> None:
        """These subjects were scored."""
        if not self._rulebook.of_requests:
            return
        for watch, row in zip(watches, rows.tolist(), strict=True):
            hits = self._rulebook.request(kind, watch.value, watch.plan, row)
            if any(hit.enforced for hit in hits):
                self._add(_Verdict(hits, self._target(watch), watch.plan))

    async def run(self) -> None:
        """Let verdicts stand, for ever."""
        while True:
            verdict = await self._waiting.get()
            await self._words.of_request(verdict.hits, verdict.target, verdict.plan, self._wall())

    def _add(self, verdict: _Verdict) -> None:
        try:
            self._waiting.put_nowait(verdict)
        except asyncio.QueueFull:
            self.dropped += 1

    def _target(self, watch: Watch) -> Target:
        value = watch.value
        if isinstance(value, bytes):
            return Target(watch.kind, format_address(value, None if len(value) == 4 else self.ipv6_prefix))
        return Target(watch.kind, value)
