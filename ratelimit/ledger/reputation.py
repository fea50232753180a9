"""What purchases came to, and which accounts are good: followed from what was told and labelled, whenever that changes.

An account is of good standing if nothing confirmed speaks against it and

* one of its purchases succeeded more than 7 days ago, and was neither refunded, warned of nor disputed since: early warnings and most
  refunds of stolen cards come within a week, disputes later, and then it is good no more; or
* it is known for 30 days and still comes: most accounts made for abuse are used up within days.

It is confirmed as fraud if a label that stands says `fraud` or `abuse` of it or of one of its purchases. Other things count the accounts of
either kind that share them. `renew` and `follow_label` are to be called where an outcome or a label changes; `due` are those that time has
changed.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Exists, Select, bindparam, exists, literal, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.many import AT_ONCE
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.purchase import LINK, OUTCOME, PURCHASE
from ratelimit.ledger.tables.subject import SUBJECT

GOOD_AFTER_S: Final = 7 * 86_400.0
KNOWN_FOR_S: Final = 30 * 86_400.0
BAD: Final = ("fraud", "abuse")  # verdicts that confirm
AGAINST: Final = (*BAD, "first_party_dispute")  # verdicts with which nobody is of good standing
PEOPLE: Final = ("analyst", "appeal", "audit")  # sources that beat what payment services say
SETTLED: Final = ("outcome", "outcome_at", "refunded", "disputed", "warned", "label", "label_at")  # columns that follow what was told
DISPUTES: Final = frozenset({"disputed", "dispute_won", "dispute_lost"})  # kinds of what was told; an inquiry is none
_LABELS: Final = ("fraud", "first_party_dispute", "good")  # verdicts that a purchase carries

Attempts = Iterable[tuple[str, int]]  # purchase and attempt


async def settle(connection: AsyncConnection, attempts: Attempts) -> None:
    """Bring purchases' own columns up to what was told of them; one that is not there yet is settled when it comes."""
    wanted = sorted(set(attempts))
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        purchases = {purchase for purchase, _ in some}
        told: dict[tuple[str, int], list[Any]] = {}
        for row in await connection.execute(select(OUTCOME).where(OUTCOME.c.purchase.in_(purchases))):
            told.setdefault((row.purchase, row.attempt), []).append(row)
        labels: dict[str, list[Any]] = {}
        for row in await connection.execute(select(LABEL).where(LABEL.c.purchase.in_(purchases), _STANDS)):
            labels.setdefault(row.purchase, []).append(row)
        if told or labels:
            rows = [_settled(key, told.get(key, ()), labels.get(key[0], ())) for key in some]
            await connection.execute(_SETTLE, rows)


async def renew(connection: AsyncConnection, accounts: Iterable[int], now: float) -> int:
    """See how these accounts stand now, and let what they share know; of how many it changed."""
    wanted, changed = sorted(set(accounts)), 0
    for start in range(0, len(wanted), AT_ONCE):
        query = _look(now).where(SUBJECT.c.id.in_(wanted[start : start + AT_ONCE]), SUBJECT.c.kind == "account")
        for row in list(await connection.execute(query)):
            is_known = now - row.first_at >= KNOWN_FOR_S and row.last_at - row.first_at >= KNOWN_FOR_S
            good, fraud = int(not row.against and (bool(row.paid) or is_known)), int(bool(row.bad))
            if (good, fraud) != (row.good, row.fraud):
                await _change(connection, row.id, good - row.good, fraud - row.fraud)
                changed += 1
    return changed


async def follow_label(connection: AsyncConnection, target: int | None, purchase: str | None, now: float) -> None:
    """A label of this account, or of a purchase of it, has come or gone; `now` is when that was known."""
    if purchase is not None:
        attempts = (await connection.execute(select(PURCHASE.c.attempt).where(PURCHASE.c.id == purchase))).scalars()
        await settle(connection, [(purchase, attempt) for attempt in attempts])
    if target is not None:
        await renew(connection, [target], now)


async def due(connection: AsyncConnection, since: float, until: float, most: int) -> list[int]:
    """Accounts that became good between these times only since time has passed, for `renew`."""
    paid = select(PURCHASE.c.account.label("id")).where(
        PURCHASE.c.at.between(since - GOOD_AFTER_S, until - GOOD_AFTER_S), PURCHASE.c.outcome == "succeeded", _UNDISPUTED
    )
    known = select(SUBJECT.c.id).where(
        SUBJECT.c.kind == "account", SUBJECT.c.last_at >= since, SUBJECT.c.last_at - SUBJECT.c.first_at >= KNOWN_FOR_S
    )
    candidates = union(paid, known).subquery()
    query = select(SUBJECT.c.id).where(SUBJECT.c.id.in_(select(candidates.c.id)), SUBJECT.c.good + SUBJECT.c.fraud == 0).limit(most)
    return list((await connection.execute(query)).scalars())


async def _change(connection: AsyncConnection, account: int, good: int, fraud: int) -> None:
    """Of the account itself, and of all that it shares."""
    # as one list of ids: for one id or those of a list PostgreSQL would read the whole table
    itself, shared = select(literal(account, BigInteger)), select(LINK.c.entity).where(LINK.c.subject == account)
    more = {"good": SUBJECT.c.good + good, "fraud": SUBJECT.c.fraud + fraud}
    await connection.execute(update(SUBJECT).where(SUBJECT.c.id.in_(union(itself, shared))).values(more))


def _look(now: float) -> Select[Any]:
    paid = exists().where(
        PURCHASE.c.account == SUBJECT.c.id,
        PURCHASE.c.at <= now - GOOD_AFTER_S,
        PURCHASE.c.outcome == "succeeded",
        _UNDISPUTED,
    )
    return select(
        SUBJECT.c.id,
        SUBJECT.c.first_at,
        SUBJECT.c.last_at,
        SUBJECT.c.good,
        SUBJECT.c.fraud,
        paid.label("paid"),
        _labelled(BAD).label("bad"),
        _labelled(AGAINST).label("against"),
    )


def _labelled(verdicts: Sequence[str]) -> Exists:
    """A label that stands says one of these of the account, or of a purchase of it."""
    kinds = ("account", "purchase")
    return exists().where(LABEL.c.target == SUBJECT.c.id, LABEL.c.target_kind.in_(kinds), LABEL.c.verdict.in_(verdicts), _STANDS)


def _settled(key: tuple[str, int], told: Sequence[Any], labels: Sequence[Any]) -> dict[str, Any]:
    """What an attempt's own columns should say."""
    kinds = {row.kind for row in told}
    ends = [row.known_at for row in told if row.kind in {"succeeded", "failed"}]
    label = max((row for row in labels if row.attempt in {0, key[1]}), key=_weight, default=None)
    stands = label is not None and label.verdict in _LABELS
    return {
        "its_id": key[0],
        "its_attempt": key[1],
        "outcome": "succeeded" if "succeeded" in kinds else "failed" if "failed" in kinds else "",
        "outcome_at": max(ends, default=None),
        "refunded": "refunded" in kinds,
        "disputed": not kinds.isdisjoint(DISPUTES),
        "warned": "warned" in kinds,
        "label": label.verdict if label is not None and stands else "",
        "label_at": label.known_at if label is not None and stands else None,
    }


def _weight(label: Any) -> tuple[bool, float, int]:
    """Which of several labels that stand counts: a person's, then the latest."""
    return label.source in PEOPLE, label.known_at, label.id


_UNDISPUTED: Final = ~(PURCHASE.c.refunded | PURCHASE.c.disputed | PURCHASE.c.warned)
_STANDS: Final = LABEL.c.superseded_by.is_(None)
_SETTLE: Final = (
    update(PURCHASE)
    .where(PURCHASE.c.id == bindparam("its_id"), PURCHASE.c.attempt == bindparam("its_attempt"))
    .values({name: bindparam(name) for name in SETTLED})
)
