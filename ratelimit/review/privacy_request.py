"""A request of a person about their data as it comes in and as it is shown, and what goes wrong. Times are seconds since the epoch."""

from typing import Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.answer import Outcome, answer_of
from ratelimit.core.privacy import RequestKind, RequestState
from ratelimit.core.retention import Retention
from ratelimit.ledger.privacy import RequestRow
from ratelimit.ledger.subjects import named


class PrivacyError(Exception):
    """It was not done; the text says why, and what would do."""


class NoRequestError(PrivacyError):
    """There is no such request."""


class NotYoursError(PrivacyError):
    """Whoever asks may not: a second person is needed."""


class PrivacyAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request as it is entered. `text` says what is wrong and what is right, of a correction; else what there is to know."""

    account: Annotated[str, Meta(min_length=1, max_length=512)]
    kind: RequestKind
    verified_by: Annotated[str, Meta(min_length=3, max_length=200)]
    text: Annotated[str, Meta(max_length=2_000)] = ""


class PrivacyView(Struct, frozen=True, kw_only=True):
    """A request as it is shown. `account` None: it is erased. `second_by`: who approved it; `report`: what was done, or why not.

    `answer` is what the person can be told now.
    """

    id: int
    account: str | None
    kind: RequestKind
    state: RequestState
    asked_at: float
    due_at: float
    done_at: float | None
    verified_by: str
    by: str
    by_id: int
    second_by: int | None
    text: str
    report: dict[str, Any] | None
    answer: str


def none_of(id: int) -> NoRequestError:
    """What to say where there is no such request."""
    return NoRequestError(f"there is no request {id}; /v1/privacy/requests lists those that are open")


async def views(connection: AsyncConnection, rows: list[RequestRow], retention: Retention) -> list[PrivacyView]:
    """Requests with the names of those who asked."""
    names = await named(connection, [row.subject for row in rows if row.subject is not None])
    return [
        PrivacyView(
            id=row.id,
            account=it.shown if (it := names.get(row.subject or 0)) is not None else None,
            kind=row.kind,
            state=row.state,
            asked_at=row.asked_at,
            due_at=row.due_at,
            done_at=row.done_at,
            verified_by=row.verified_by,
            by=row.by_login,
            by_id=row.by,
            second_by=row.second_by,
            text=str((row.detail or {}).get("text", "")),
            report=row.report,
            answer=answer_of(
                Outcome(kind=row.kind, state=row.state, due_at=row.due_at, done_at=row.done_at, report=row.report or {}), retention
            ),
        )
        for row in rows
    ]
