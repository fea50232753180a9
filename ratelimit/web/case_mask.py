"""Cases as somebody may see them: to a viewer, addresses, accounts and emails are shown in part."""

from typing import TypeVar

from msgspec.structs import replace

from ratelimit.core.masked import name_of
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CampaignRow, CaseRow, CaseView, QueuePage, SubjectRef

Seen = TypeVar("Seen", CaseRow, CaseView, QueuePage, CampaignRow)


def masked_for(principal: Principal, found: Seen) -> Seen:
    """The same, as this principal may see it."""
    if principal.may("analyst"):
        return found
    if isinstance(found, CaseView):
        return replace(found, row=_row(found.row))
    if isinstance(found, QueuePage):
        return replace(found, rows=tuple(map(_row, found.rows)))
    if isinstance(found, CampaignRow):
        return replace(found, entity=_subject(found.entity))
    return _row(found)


def _row(row: CaseRow) -> CaseRow:
    return replace(row, anchor=_subject(row.anchor), beside=_subject(row.beside) if row.beside is not None else None)


def _subject(subject: SubjectRef) -> SubjectRef:
    return replace(subject, shown=name_of(subject.kind, subject.shown) if subject.shown is not None else None)
