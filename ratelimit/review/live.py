"""The latest decisions as they come in, in memory only: what a console follows live. Fed by whoever brings messages into the ledger.

There are as many of them as there are; whoever follows is shown a few a second, and told how many were not shown. Times are seconds.
"""

from collections import deque
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Decided
from ratelimit.ledger.record_intake import key_shown

KEPT: Final = 500


class Shown(Struct, frozen=True):
    """A decision as a live list has it; `kind` and `subject` are whom it is about, as people see them."""

    number: int
    id: str
    at: float
    decision: str
    reason: str
    limit: str | None
    kind: str
    subject: str
    method: str
    path: str


class Heard(NamedTuple):
    """What came since: the latest few, latest first, how many others there were, and the number to go on from."""

    rows: list[Shown]
    hidden: int
    number: int


class LiveTail:
    """The latest decisions; `take` is a handler of Decided."""

    def __init__(self, kept: int = KEPT) -> None:
        self._rows: deque[Shown] = deque(maxlen=kept)
        self._ids: deque[str] = deque(maxlen=4 * kept)
        self.number = 0

    async def take(self, _connection: AsyncConnection, messages: Sequence[Decided], _now: float) -> None:
        """Remember them; what comes a second time, since its transaction was tried again, is known."""
        known = set(self._ids)
        for one in messages:
            if one.id not in known:
                self.number += 1
                self._ids.append(one.id)
                self._rows.append(_shown(self.number, one))

    def forget(self, account: str, api_keys: Collection[str]) -> None:
        """Whoever was erased is not shown any more."""
        names = {("account", account), *(("api_key", key_shown(key)) for key in api_keys)}
        kept = [row for row in self._rows if (row.kind, row.subject) not in names and account not in row.path]
        self._rows = deque(kept, maxlen=self._rows.maxlen)

    def since(self, number: int, most: int, *, refused: bool) -> Heard:
        """What came after that number; with `refused` without what was allowed."""
        new = [row for row in self._rows if row.number > number and not (refused and row.decision == "allow")]
        lost = max(0, self.number - number - len(self._rows))  # more came than are kept
        return Heard(new[: -most - 1 : -1], max(0, len(new) - most) + lost, self.number)


def _shown(number: int, one: Decided) -> Shown:
    kind, value = _whom(one)
    shown = key_shown(value) if kind == "api_key" else value
    return Shown(number, one.id, one.at, one.decision, one.reason, one.limit, kind, shown, one.method, one.path)


def _whom(one: Decided) -> tuple[str, str]:
    if one.subject is not None and "+" not in one.subject:
        kind, _, value = one.subject.partition(":")
        return kind, value
    for kind, known in (("api_key", one.api_key), ("account", one.account), ("ip", one.address)):
        if known is not None:
            return kind, known
    return "ip", ""
