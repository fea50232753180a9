"""Which candidates of the model become cases: as many a day as people can look at, those with the greatest expected loss.

Nobody knows at nine in the morning what the day will bring. So candidates wait, the greatest expected loss first, and there is room:

- in any 24 hours for `per_day` cases of the model, and
- in any SHARE_S for an eighth of that, so that the night does not take what the day needs. A candidate that would be P1 need not wait for
  this: it takes of the day's room at once.

What had no room within 24 hours is let go; if it stays unusual it is told again the next day. A candidate whose anchor has an open case
goes to that at once.

Not blind: beside one in AUDIT_OF cases of the model another is opened for somebody by lot whom the model does not flag, so that what it
misses can be known. To whoever reviews it, it looks like the others: an equal number of the model's own cases, and twice as many again,
hide what opened them too. The verdict is a label of the source audit.
"""

from collections.abc import Callable
from math import ceil
from random import SystemRandom
from typing import Any, Final

import msgspec

from ratelimit.core.message import Flagged
from ratelimit.core.priority import LEAST_LOSS_MINOR, expected_loss_minor
from ratelimit.ledger import candidates, opening
from ratelimit.ledger.stake import stake_of
from ratelimit.review.opening import Opener

DAY_S: Final = 86_400.0
SHARE_S: Final = 3 * 3_600.0
AUDIT_OF: Final = 100
BLIND_SHARE: Final = 3 / AUDIT_OF  # of the model's own cases
UNFLAGGED_S: Final = 30 * DAY_S  # for which whom the lot falls for has had no case
_URGENT_MINOR: Final = dict(LEAST_LOSS_MINOR)[1]
_MOST_LOTS: Final = 20
_LOTS: Final = SystemRandom()

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final[Any] = msgspec.msgpack.Decoder(Flagged).decode


class Daily:
    """`per_day` is the policy's; `draw` gives numbers from 0 to 1 by lot."""

    def __init__(self, per_day: Callable[[], int], draw: Callable[[], float] = _LOTS.random) -> None:
        self._per_day, self._draw = per_day, draw

    async def add(self, opener: Opener, flag: Flagged, anchor: int, now: float) -> None:
        """A candidate has come."""
        connection = opener.connection
        if flag.kind != "audit" and await opening.open_case(connection, anchor) is not None:
            await opener.open(flag, anchor)
            return
        stake = await stake_of(connection, anchor, flag.anchor.kind, now)
        loss = expected_loss_minor(flag.kind, stake.at_risk_minor, flag.p_fraud)
        row = {"anchor": anchor, "kind": flag.kind, "at": flag.at, "expected_loss_minor": loss, "chance": flag.chance}
        await candidates.add(connection, {**row, "flag": _encode(flag)})

    async def open(self, opener: Opener, now: float) -> None:
        """Open as many as there is room for."""
        connection, per_day = opener.connection, self._per_day()
        await candidates.clean(connection, now)
        day = per_day - await candidates.opened_since(connection, "model", now - DAY_S)
        share = ceil(per_day * SHARE_S / DAY_S) - await candidates.opened_since(connection, "model", now - SHARE_S)
        for row in await candidates.best(connection, "model", max(0, day)):
            if share <= 0 and row.expected_loss_minor < _URGENT_MINOR:
                break  # those that follow are no more urgent
            share -= 1
            await self._open(opener, row, now, blind=self._draw() < BLIND_SHARE)
            if self._draw() < 1 / AUDIT_OF:
                await self._open_audit(opener, now)

    async def _open(self, opener: Opener, row: Any, now: float, *, blind: bool) -> None:
        flag: Flagged = _decode(row.flag)
        await candidates.drop(opener.connection, row.anchor, row.kind)
        await opener.open(flag, row.anchor, blind=blind, opened_at=now)

    async def _open_audit(self, opener: Opener, now: float) -> None:
        """For the one whom the lot falls for, of those who are not flagged."""
        for row in await candidates.best(opener.connection, "audit", _MOST_LOTS):
            if await candidates.was_flagged(opener.connection, row.anchor, now - UNFLAGGED_S):
                await candidates.drop(opener.connection, row.anchor, row.kind)
                continue
            await self._open(opener, row, now, blind=True)
            return
