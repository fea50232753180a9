"""Labels on the operator lane, page by page by id, as JSON or as CSV: what learns from them, and what the site books them by."""

import csv
import io
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct, structs

from ratelimit.core.deed import LabelVerdict
from ratelimit.core.message import LabelSource
from ratelimit.ledger import labels, subjects
from ratelimit.ledger.labels import LabelFilter, LabelRow
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import clean
from ratelimit.web.case_problem import query_of
from ratelimit.web.reply import Reply, json_reply, lines
from ratelimit.web.route import Route

LABELS: Final = "/v1/labels"
SCOPE: Final = "cases:read"
_MOST: Final = 5_000
_FORMULA: Final = tuple("=+-@\t\r")  # with which a spreadsheet begins to compute


class LabelsAsked(Struct, frozen=True, kw_only=True):
    """Which; null: all. `standing`: not superseded. Known from `since` on and before `until`. Those of ids above `after`."""

    verdict: LabelVerdict | None = None
    source: LabelSource | None = None
    purchase: Annotated[str, Meta(max_length=255)] | None = None
    case: Annotated[int, Meta(ge=1, lt=2**53)] | None = None
    since: float | None = None
    until: float | None = None
    standing: bool = True
    after: Annotated[int, Meta(ge=0, lt=2**53)] = 0
    most: Annotated[int, Meta(ge=1, le=_MOST)] = 1_000
    format: Literal["json", "csv"] = "json"


class LabelView(Struct, frozen=True, kw_only=True):
    """One label. `target` is whom it is about as words name it, such as `account:42`; null: it was erased, or is a purchase's alone."""

    id: int
    target: str | None
    target_kind: str
    purchase: str | None
    attempt: int
    verdict: str
    source: str
    known_at: float
    by: str
    case: int | None
    supersedes: int | None
    superseded_by: int | None


class LabelsView(Struct, frozen=True):
    """By id; `following` is the `after` of the next page, null on the last."""

    labels: list[LabelView]
    following: int | None


class LabelCalls:
    """Shows them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", LABELS, self.page, role="analyst", scope=SCOPE, early=True)]

    async def page(self, request: web.Request) -> Reply:
        """A page."""
        wanted = query_of(request, LabelsAsked)
        found = await self._find(wanted)
        if wanted.format == "csv":
            kind = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": 'attachment; filename="labels.csv"'}
            return Reply(200, lines(kind), written(found))
        return json_reply(200, LabelsView(found, found[-1].id if len(found) == wanted.most else None))

    async def _find(self, wanted: LabelsAsked) -> list[LabelView]:
        known = LabelFilter(
            purchase=clean(wanted.purchase) if wanted.purchase is not None else None, verdict=wanted.verdict, source=wanted.source,
            case=wanted.case, known_since=wanted.since, known_before=wanted.until, standing=wanted.standing, after=wanted.after,
        )  # fmt: skip
        async with self._ledger.read() as connection:
            rows = await labels.some(connection, known, wanted.most)
            whom = await subjects.named(connection, [row.target for row in rows if row.target is not None])
        names = {id: f"{one.kind}:{one.value}" for id, one in whom.items() if one.value is not None}
        return [_view(row, names) for row in rows]


def written(found: list[LabelView]) -> bytes:
    """As CSV; what a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(LabelView.__struct_fields__)
    for one in found:
        writer.writerow([_safe(value) for value in structs.astuple(one)])
    return text.getvalue().encode()


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _view(row: LabelRow, names: dict[int, str]) -> LabelView:
    return LabelView(
        id=row.id,
        target=names.get(row.target) if row.target is not None else None,
        target_kind=row.target_kind,
        purchase=row.purchase,
        attempt=row.attempt,
        verdict=row.verdict,
        source=row.source,
        known_at=row.known_at,
        by=row.by,
        case=row.case_number,
        supersedes=row.supersedes,
        superseded_by=row.superseded_by,
    )
