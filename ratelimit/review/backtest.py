"""Tries a rule on what the ledger has of the past: purchases, or requests, each judged by the signals as they stood then.

What became of them is as it is known now. It reads piece by piece, so that it can say how far it is, and be left. Beside the rule its other
versions are tried on the same rows, which makes them comparable. Times are seconds since the epoch.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, Literal

import numpy as np
from msgspec import Struct
from sqlalchemy import Row, Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core import purchase_signals, signals
from ratelimit.core.purchase_entity import email_domain
from ratelimit.core.rule import OF_REQUESTS as KINDS_OF_REQUESTS
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review.backtest_found import OF_PURCHASES, OF_REQUESTS, BacktestFound, Bucket, Outcome
from ratelimit.review.backtest_tally import Judged, Tally
from ratelimit.review.trial import Fact, Rows, Trial

PIECE: Final = 2_000  # rows, some 3 MB
_DAY_S: Final = 86_400.0
_SETTLED_S: Final = 182 * _DAY_S
_ACCOUNT_AGES: Final = tuple(purchase_signals.COLUMN[name] for name in ("account_created_age_s", "account_age_s"))
_SHARING: Final = purchase_signals.COLUMN["ip_accounts_30d"]

Progress = Callable[[float], Awaitable[None]]


class Tried(Struct, frozen=True):
    """A version to be tried: the rule as the file writes it."""

    version: int
    rule: dict[str, Any]


class Job(Struct, frozen=True, kw_only=True):
    """What is asked for. The first version is the one that is tested, `live` the one in force, if there is one and it is another."""

    name: str
    on: Literal["purchase", "request"]
    tried: tuple[Tried, ...]
    live: int | None
    since: float
    until: float


async def backtest(ledger: Ledger, job: Job, progress: Progress) -> BacktestFound:
    """What the rule would have met; `progress` is told the share that is done, 0..1. Raises ConfigError for a rule that is none."""
    trials = [Trial(job.name, it.version, it.rule) for it in job.tried]
    outcomes = OF_PURCHASES if job.on == "purchase" else OF_REQUESTS
    found = BacktestFound(
        on=job.on,
        days=(job.until - job.since) / _DAY_S,
        buckets=[Bucket(outcome, under_live=None if job.live is None else 0) for outcome in outcomes],
    )
    tally = Tally(found, trials, job.live)
    async with ledger.read() as connection:
        pieces = _purchases(connection, job, trials) if job.on == "purchase" else _requests(connection, job, trials)
        async for judged in pieces:
            tally.take(judged)
            await progress((judged.at[-1] - job.since) / max(1.0, job.until - job.since))
    return tally.end()


async def _purchases(connection: AsyncConnection, job: Job, trials: Sequence[Trial]) -> AsyncIterator[Judged]:
    wanted = frozenset().union(*(trial.facts for trial in trials))
    columns = [PURCHASE, *_shown(wanted)]
    rows = _joined(select(*columns), wanted).where(PURCHASE.c.at >= job.since, PURCHASE.c.at < job.until)
    rows = rows.order_by(PURCHASE.c.at, PURCHASE.c.id, PURCHASE.c.attempt).limit(PIECE)
    key = tuple_(PURCHASE.c.at, PURCHASE.c.id, PURCHASE.c.attempt)
    after: tuple[Any, ...] | None = None
    while True:
        piece = (await connection.execute(rows if after is None else rows.where(key > after))).all()
        if not piece:
            return
        after = (piece[-1].at, piece[-1].id, piece[-1].attempt)
        yield _judged_purchases(piece)
        if len(piece) < PIECE:
            return


def _joined(rows: Select[Any], wanted: frozenset[str]) -> Select[Any]:
    source: Any = PURCHASE
    for name, (alias, column) in _NAMED.items():
        if name in wanted:
            source = source.outerjoin(alias, alias.c.id == column)
    return rows.select_from(source)


def _shown(wanted: frozenset[str]) -> list[Any]:
    return [alias.c.shown.label(f"shown_{name}") for name, (alias, _) in _NAMED.items() if name in wanted]


_NAMED: Final = {
    "account": (SUBJECT.alias("of_account"), PURCHASE.c.account),
    "device": (SUBJECT.alias("of_device"), PURCHASE.c.device),
    "email_domain": (SUBJECT.alias("of_domain"), PURCHASE.c.email_domain),
}  # facts that are subjects


def _judged_purchases(piece: Sequence[Row[Any]]) -> Judged:
    matrix, readable = _matrix([_readable(row, purchase_signals.VERSION) for row in piece], len(purchase_signals.NAMES), "<f8")
    ages = np.fmax(matrix[:, _ACCOUNT_AGES[0]], matrix[:, _ACCOUNT_AGES[1]])

    def fact(index: int, name: str) -> Fact:
        row = piece[index]
        if name in _NAMED:
            text = getattr(row, f"shown_{name}", None)
            return email_domain(text) if name == "email_domain" and text and "@" in text else text
        return _PURCHASE_FACTS[name](row) if name in _PURCHASE_FACTS else None

    return Judged(
        rows=matrix,
        readable=readable,
        at=[row.at for row in piece],
        facts=fact,
        outcomes=[_outcome(row) for row in piece],
        labels=[row.label for row in piece],
        accounts=[row.account for row in piece],
        amounts=[(row.currency or "", row.amount_minor) for row in piece],
        weights=[1.0] * len(piece),
        settled=(ages >= _SETTLED_S).tolist(),
        shared=(matrix[:, _SHARING] >= 2).tolist(),
        references=[row.record for row in piece],
    )


_PURCHASE_FACTS: Final[dict[str, Callable[[Any], Fact]]] = {
    "kind": lambda row: str(row.kind),
    "currency": lambda row: row.currency and row.currency.upper(),
    "tokens": lambda row: float(row.tokens),
    "card_country": lambda row: row.card_country,
    "card_funding": lambda row: row.funding,
    "card_brand": lambda row: row.brand and row.brand.lower(),
    "billing_country": lambda row: row.billing_country,
    "ip_country": lambda row: row.ip_country,
    "balance": lambda row: None if row.balance is None else float(row.balance),
    "user_agent": lambda row: row.user_agent,
}


def _outcome(row: Any) -> Outcome:
    if row.disputed or row.warned:
        return "disputed"
    if row.refunded:
        return "refunded"
    return "refused" if row.action == "refuse" or row.outcome == "failed" else "succeeded"


def _readable(row: Any, version: int) -> bytes | None:
    return row.signals if row.signals is not None and row.signal_version == version else None


def _matrix(blobs: Sequence[bytes | None], width: int, kind: str) -> tuple[Rows, list[bool]]:
    """A row of numbers each; of what cannot be read all are missing."""
    size = width * np.dtype(kind).itemsize
    readable = [blob is not None and len(blob) == size for blob in blobs]
    blank = np.full(width, np.nan, dtype=kind).tobytes()
    content = b"".join(blob if fits and blob is not None else blank for blob, fits in zip(blobs, readable, strict=True))
    return np.frombuffer(content, dtype=kind).reshape(len(blobs), width).astype(np.float64), readable


async def _requests(connection: AsyncConnection, job: Job, trials: Sequence[Trial]) -> AsyncIterator[Judged]:
    kinds = frozenset(trials[0].rule.of or KINDS_OF_REQUESTS)
    labels = await _labels(connection)
    rows = (
        select(RECORD, SUBJECT.c.kind.label("subject_kind"))
        .join(SUBJECT, SUBJECT.c.id == RECORD.c.risk_subject)
        .where(RECORD.c.at >= job.since, RECORD.c.at < job.until, RECORD.c.signals.is_not(None), SUBJECT.c.kind.in_(kinds))
    )
    rows = rows.order_by(RECORD.c.at, RECORD.c.id).limit(PIECE)
    after: tuple[Any, ...] | None = None
    while True:
        piece = (await connection.execute(rows if after is None else rows.where(tuple_(RECORD.c.at, RECORD.c.id) > after))).all()
        if not piece:
            return
        after = (piece[-1].at, piece[-1].id)
        yield _judged_requests(piece, labels)
        if len(piece) < PIECE:
            return


async def _labels(connection: AsyncConnection) -> dict[int, str]:
    """The verdict that holds on each account and key."""
    rows = select(LABEL.c.target, LABEL.c.verdict).where(
        LABEL.c.target.is_not(None),
        LABEL.c.superseded_by.is_(None),
        or_(LABEL.c.target_kind == "account", LABEL.c.target_kind == "api_key"),
    )
    return {row.target: row.verdict for row in await connection.execute(rows.order_by(LABEL.c.known_at))}


def _judged_requests(piece: Sequence[Row[Any]], labels: dict[int, str]) -> Judged:
    matrix, readable = _matrix([_readable(row, signals.VERSION) for row in piece], len(signals.NAMES), "<f4")
    named: dict[str, Callable[[Any], Fact]] = {"kind": lambda row: str(row.subject_kind), "plan": lambda row: row.plan}
    outcomes: dict[str, Outcome] = {"block": "blocked", "throttle": "throttled"}
    return Judged(
        rows=matrix,
        readable=readable,
        at=[row.at for row in piece],
        facts=lambda index, name: named[name](piece[index]) if name in named else None,
        outcomes=[outcomes.get(row.decision, "allowed") for row in piece],
        labels=[labels.get(row.account) or labels.get(row.api_key) or "" for row in piece],
        accounts=[row.account or row.risk_subject for row in piece],
        amounts=[("", 0)] * len(piece),
        weights=[float(row.weight) for row in piece],
        settled=[False] * len(piece),
        shared=[False] * len(piece),
        references=[row.id for row in piece],
    )


async def span_of(ledger: Ledger, on: Literal["purchase", "request"], since: float) -> int:
    """How many rows there are to look at from then on."""
    table = PURCHASE if on == "purchase" else RECORD
    async with ledger.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table).where(table.c.at >= since))).scalar_one())
