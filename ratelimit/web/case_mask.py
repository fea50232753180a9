"""Cases as somebody may see them: to a viewer, addresses, accounts and emails are shown in part, also where people wrote them."""

from typing import TypeVar

from msgspec.structs import replace

from ratelimit.core.case import CaseReason
from ratelimit.core.masked import name_of, text_of
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CampaignRow, CaseRow, CaseView, QueuePage, SubjectRef

Seen = TypeVar("Seen", CaseRow, CaseView, QueuePage, CampaignRow)


def masked_for(principal: Principal, found: Seen) -> Seen:
    """The same, as this principal may see it."""
    if principal.may("analyst"):
        return found
    if isinstance(found, CaseView):
        openings = tuple(replace(one, text=text_of(one.text)) for one in found.openings)
        return replace(found, row=_row(found.row), openings=openings, why=text_of(found.why) if found.why is not None else None)
    if isinstance(found, QueuePage):
        return replace(found, rows=tuple(map(_row, found.rows)))
    if isinstance(found, CampaignRow):
        return replace(found, entity=_subject(found.entity))
    return _row(found)


def _row(row: CaseRow) -> CaseRow:
    beside = _subject(row.beside) if row.beside is not None else None
    return replace(row, anchor=_subject(row.anchor), beside=beside, reasons=tuple(map(_reason, row.reasons)))


def _reason(reason: CaseReason) -> CaseReason:
    return replace(reason, value=text_of(reason.value), words=text_of(reason.words))


def _subject(subject: SubjectRef) -> SubjectRef:
    return replace(subject, shown=name_of(subject.kind, subject.shown) if subject.shown is not None else None)
