"""Counts by day what rules on requests met: sidecars count them, and what was added since the last look is written down.

Purchases need no such counts, since each stands in the ledger. What a sidecar counted and did not tell before it ended is lost, a minute's
worth at most. A day is one of UTC.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ratelimit.core.overlay import rule_of
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.rules import RuleVersion, add_days, versions
from ratelimit.review.models import Figures

LOOK_EVERY_S: Final = 60.0
_MATCHES: Final = "ratelimit_rule_matches_total"

Key = tuple[str, bool]  # a rule as it is asked, and whether it was in force


class RuleCounter:
    """`figures` are what sidecars have counted since their start; `wall` is seconds since the epoch."""

    def __init__(self, ledger: Ledger, figures: Figures, wall: Callable[[], float]) -> None:
        self._ledger, self._figures, self._wall = ledger, figures, wall
        self._seen: dict[Key, float] | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            with contextlib.suppress(LedgerAwayError):
                await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Write down what came since the last look; the first only looks. Raises LedgerAwayError."""
        now = {
            (labels["rule"], labels["enforced"] == "true"): value
            for name, labels, value in _summed(list(await self._figures()))
            if name == _MATCHES
        }
        before, day = self._seen, datetime.fromtimestamp(self._wall(), UTC).date().isoformat()
        if before is not None and (added := _added(before, now)):
            async with self._ledger.write() as connection:
                rows = await versions(connection)
                await add_days(connection, _by_version(rows, added, day))
        self._seen = now


def _summed(samples: list[tuple[str, dict[str, str], float]]) -> list[tuple[str, dict[str, str], float]]:
    """Of several workers each has a sample of its own."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for name, labels, value in samples:
        key = name, tuple(sorted(labels.items()))
        found[key] = found.get(key, 0.0) + value
    return [(name, dict(labels), value) for (name, labels), value in found.items()]


def _added(before: dict[Key, float], now: dict[Key, float]) -> dict[Key, int]:
    """What is more than it was; a count that fell began anew."""
    more = {key: int(value - before.get(key, 0.0) if value >= before.get(key, 0.0) else value) for key, value in now.items()}
    return {key: count for key, count in more.items() if count}


def _by_version(rows: list[RuleVersion], added: dict[Key, int], day: str) -> dict[tuple[str, int, str, bool], int]:
    of_requests = {row.name for row in rows if row.rule.get("on") == "request"}
    live = {row.name: row.version for row in rows if row.step == "live" or (row.from_file and row.step in {"shadow", "canary"})}
    found: dict[tuple[str, int, str, bool], int] = {}
    for (named, enforced), count in added.items():
        name, _, text = named.partition("@")
        version = int(text) if text.isdigit() else live.get(name)
        if rule_of(named) in of_requests and version is not None:
            found[name, version, day, not enforced] = count
    return found
