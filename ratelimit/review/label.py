"""Labels: what an account, a key, a card or a purchase turned out to be, who says so, and since when it is known.

The latest word stands and supersedes the one before, save that what a payment service says never supersedes a person: a dispute that comes
after somebody looked is kept, and marked as superseded at once. Nothing is deleted, so what was known at any time can be told.

    10:00 dispute says fraud            stands
    11:00 an analyst says good          stands, supersedes the dispute's
    12:00 a second dispute says fraud   is kept, superseded by the analyst's
    13:00 the analyst's is undone       the last one that it hid stands again
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.deed import LabelVerdict
from ratelimit.core.message import Concluded, Entity, LabelSource
from ratelimit.ledger import labels, reputation
from ratelimit.ledger.labels import LabelRow
from ratelimit.ledger.subjects import Subjects

OF_SUBJECTS: Final = frozenset({"account", "api_key", "card"})  # kinds of subjects that can have one; addresses change hands
VERDICTS: Final[tuple[LabelVerdict, ...]] = get_args(LabelVerdict)
SOURCES: Final[tuple[LabelSource, ...]] = get_args(LabelSource)
_PEOPLE: Final[Mapping[str, int]] = {"analyst": 1, "appeal": 1, "audit": 1}  # of other sources 0


async def say(connection: AsyncConnection, row: LabelRow) -> int:
    """Label it, in the caller's write transaction, and say the label's id. It supersedes what stands, or is hidden by it."""
    known = await labels.told(connection, row.told) if row.told is not None else None
    if known is not None:
        return known
    of_purchase = row.purchase if row.target_kind == "purchase" else None
    before = await labels.standing(connection, target=row.target, purchase=of_purchase, attempt=row.attempt)
    stronger = [one for one in before if _rank(one.source) > _rank(row.source)]
    id = await labels.add(connection, replace(row, supersedes=before[0].id if before and not stronger else None))
    if stronger:
        await labels.supersede(connection, id, stronger[0].id)
    for one in before if not stronger else ():
        await labels.supersede(connection, one.id, id)
    await reputation.follow_label(connection, row.target, row.purchase, row.known_at)
    return id


async def take_back(connection: AsyncConnection, id: int) -> None:
    """Let a label not stand any more. Of those that it superseded the last one known stands again."""
    row = await labels.find(connection, id)
    if row is None or row.superseded_by == id:
        return
    was_standing = row.superseded_by is None
    await labels.supersede(connection, id, id)
    hidden = await labels.hidden_by(connection, id)
    if was_standing and hidden:
        await labels.restore(connection, hidden[0].id)
    await reputation.follow_label(connection, row.target, row.purchase, row.known_at)


class LabelIntake:
    """What payment services conclude about purchases, as messages tell it, becomes labels of these. A handler of the ledger's intake."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    async def take(self, connection: AsyncConnection, messages: Sequence[Any], now: float) -> None:
        """Label what is told; the same told again is the same label, and "" takes back what services said."""
        told = [one for one in messages if isinstance(one, Concluded) and one.label_at is not None and not _rank(one.label_by)]
        accounts = await self._subjects.ids(connection, [Entity("account", one.account) for one in told], now) if told else {}
        for one in told:
            if one.label:
                await say(connection, _row_of(one, accounts["account", one.account]))
            else:
                await self._forget(connection, one)

    async def _forget(self, connection: AsyncConnection, told: Concluded) -> None:
        for row in await labels.standing(connection, purchase=told.purchase, attempt=told.attempt):
            if not _rank(row.source):
                await take_back(connection, row.id)


def _row_of(told: Concluded, account: int) -> LabelRow:
    assert told.label_at is not None, "whoever calls has looked"  # noqa: S101
    return LabelRow(
        target_kind="purchase",
        target=account,
        purchase=told.purchase,
        attempt=told.attempt,
        verdict=told.label,
        source=told.label_by,
        known_at=told.label_at,
        by="stripe",
        told=f"{told.label_by}:{told.label}:{told.label_at!r}:{told.attempt}:{told.purchase}",
    )


def _rank(source: str) -> int:
    return _PEOPLE.get(source, 0)
