"""How good decisions are: a second person looks at one in SECOND_OF cases, without knowing what the first has said, or that there was one.

The second review says nothing about the subject: it makes no label and changes no word. It is not shown to whoever closed the first, and
they cannot take it. An hour passes before the lot is drawn, in which people undo what they did by mistake.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from random import SystemRandom
from typing import Any, Final

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.anomaly.evaluation_report import Share
from ratelimit.core.agreement import Agreement, agreement
from ratelimit.core.priority import DUE_OF_KIND_S
from ratelimit.ledger import opening, quality
from ratelimit.ledger.api_tokens import person_behind
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.quality import Pair
from ratelimit.review.audit import append

SECOND_SHARE: Final = 0.05
AFTER_S: Final = 3_600.0
LOOK_S: Final = 60.0
_AT_ONCE: Final = 200
_MOST_SHOWN: Final = 100
_LOTS: Final = SystemRandom()
_SAME: Final = (
    "anchor priority expected_loss_minor at_risk_minor currency blast_radius risk beside plan money reasons reasons_key more"
).split()

_log = structlog.get_logger()


class RuleQuality(Struct, frozen=True, kw_only=True):
    """Of `decided` cases that a rule opened `good` were good; deeds that were `undone`, and appeals `overturned`."""

    rule: str
    decided: int
    good: Share
    undone: int
    overturned: int


class Figures(Struct, frozen=True, kw_only=True):
    """`disagreements` are the latest. `missed`: the share of subjects that nothing flags, drawn by lot, that were bad all the same."""

    since: float
    reviews: Agreement
    disagreements: list[Pair]
    rules: list[RuleQuality]
    missed: Share


class Quality:
    """On a ledger; `wall` is seconds since the epoch, `draw` gives numbers from 0 to 1 by lot."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float], draw: Callable[[], float] = _LOTS.random) -> None:
        self._ledger, self._wall, self._draw = ledger, wall, draw

    async def run(self) -> None:
        """Draw lots for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                while await self.look() == _AT_ONCE:
                    pass
            except LedgerAwayError as error:
                _log.debug("lots for second reviews are drawn later", why=str(error))

    async def look(self) -> int:
        """Draw a lot for each of some cases that were closed, and say how many; raises LedgerAwayError."""
        now = self._wall()
        async with self._ledger.write() as connection:
            rows = await quality.undrawn(connection, now - AFTER_S, _AT_ONCE)
            if rows:
                await quality.drew(connection, [row.number for row in rows])
            for row in rows:
                if quality.is_decision(row) and self._draw() < SECOND_SHARE:
                    await self._second(connection, row, now)
        return len(rows)

    async def figures(self, span_s: float) -> Figures:
        """Of the last `span_s`; raises LedgerAwayError."""
        since = self._wall() - span_s
        async with self._ledger.read() as connection:
            pairs = await quality.pairs(connection, since)
            missed = Share.of(*await quality.audited(connection, since))
            rules = await _rules(connection, since)
        return Figures(
            since=since,
            reviews=agreement((pair.verdict, pair.second_verdict) for pair in pairs),
            disagreements=[pair for pair in pairs if pair.verdict != pair.second_verdict][:_MOST_SHOWN],
            rules=rules,
            missed=missed,
        )

    async def _second(self, connection: AsyncConnection, row: Any, now: float) -> None:
        values = {name: getattr(row, name) for name in _SAME}
        values |= {"opened_at": now, "opened_by": "quality", "opened_word": "second review", "due_at": now + DUE_OF_KIND_S["quality"]}
        barred = row.closed_by if row.closed_by is None else await person_behind(connection, row.closed_by)
        values |= {"second_of": row.number, "barred": barred, "blind": True, "announced": True, "drawn": True}
        number = await opening.insert_case(connection, values)
        await append(connection, "lot", "case.opened", {"opened_by": "quality"}, at=now, case=number, subject=row.anchor)


async def _rules(connection: AsyncConnection, since: float) -> list[RuleQuality]:
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in await quality.of_rules(connection, since):
        verdicts[one.rule][one.verdict] += one.count
    undone, overturned = await quality.undone(connection, since), await quality.overturned(connection, since)
    return [
        RuleQuality(
            rule=rule,
            decided=verdicts[rule].total(),
            good=Share.of(verdicts[rule]["good"], verdicts[rule].total()),
            undone=undone.get(rule, 0),
            overturned=overturned.get(rule, 0),
        )
        for rule in sorted({*verdicts, *undone})
    ]
