"""What is older than it may be: found by reading, which holds up nobody, and removed in pieces by key."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.privacy import JOURNAL_S
from ratelimit.core.retention import BATCHES_S, DAY_S, INVITATIONS_S, REQUESTS_S, RUNS_S, Retention, cut
from ratelimit.ledger.tables.action import ACTION, APPEAL, KNOWN_NORMAL, LABEL
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT
from ratelimit.ledger.tables.case import CAMPAIGN, CANDIDATE, CASE, MENTION, OPENING
from ratelimit.ledger.tables.person import INVITATION
from ratelimit.ledger.tables.privacy import BAN, ERASURE, PRIVACY_REQUEST, RESTRICTION, RETENTION_RUN
from ratelimit.ledger.tables.purchase import LIFE, LINK, OUTCOME, PURCHASE
from ratelimit.ledger.tables.record import BATCH, RECORD, TRAFFIC
from ratelimit.ledger.tables.rule import RULE_DAY
from ratelimit.ledger.tables.subject import SUBJECT

FADED_S: Final = 32 * DAY_S  # what was faded is of its month: so long a record of it may be younger than `last_at` says
# no lists of values in conditions: many keys at once go with none of them
_IS_USE: Final = or_(LINK.c.how == "requested", LINK.c.how == "logged_in")
_IS_OVER: Final = and_(ACTION.c.state != "in_force", ACTION.c.state != "proposed")


class Rule(Struct, frozen=True):
    """Rows of a table that go, and how their number is called in reports."""

    name: str
    table: Table
    condition: ColumnElement[bool]


def rules(retention: Retention, now: float) -> Iterator[Rule]:
    """What happened long ago."""
    records, lives, purchases = (cut(span, now) for span in (retention.records, retention.lives, retention.purchases))
    cases, traffic, addresses = (cut(span, now) for span in (retention.cases, retention.traffic, retention.addresses))
    yield Rule("records", RECORD, RECORD.c.at < records)
    yield Rule("lives", LIFE, LIFE.c.at < lives)
    yield Rule("purchases", PURCHASE, PURCHASE.c.at < purchases)
    yield Rule("outcomes", OUTCOME, OUTCOME.c.known_at < purchases)
    yield from _links(addresses, purchases)
    yield Rule("traffic", TRAFFIC, TRAFFIC.c.at < traffic)
    yield Rule("rule_days", RULE_DAY, RULE_DAY.c.day < datetime.fromtimestamp(traffic, UTC).date().isoformat())
    yield from _cases(cases)
    yield Rule("batches", BATCH, BATCH.c.at < now - BATCHES_S)
    yield Rule("invitations", INVITATION, INVITATION.c.until < now - INVITATIONS_S)
    yield Rule("privacy_requests", PRIVACY_REQUEST, PRIVACY_REQUEST.c.done_at < now - REQUESTS_S)
    yield Rule("erasures", ERASURE, ERASURE.c.at < now - JOURNAL_S)
    yield Rule("bans", BAN, BAN.c.confirmed_at < cut(retention.bans, now))
    yield Rule("runs", RETENTION_RUN, RETENTION_RUN.c.at < now - RUNS_S)


def _links(addresses: float, purchases: float) -> Iterator[Rule]:
    is_address = exists().where(SUBJECT.c.id == LINK.c.entity, SUBJECT.c.kind == "ip")
    yield Rule("links", LINK, LINK.c.last_at < purchases)
    yield Rule("address_links", LINK, and_(LINK.c.last_at < addresses, _IS_USE, is_address))


def _cases(before: float) -> Iterator[Rule]:
    of_case = select(CASE.c.number)
    yield Rule("cases", CASE, CASE.c.closed_at < before)
    yield Rule("openings", OPENING, and_(OPENING.c.at < before, OPENING.c.case_number.not_in(of_case)))
    yield Rule("mentions", MENTION, and_(MENTION.c.at < before, MENTION.c.case_number.not_in(of_case)))
    yield Rule("candidates", CANDIDATE, CANDIDATE.c.at < before)
    yield Rule("campaigns", CAMPAIGN, CAMPAIGN.c.closed_at < before)
    yield Rule("labels", LABEL, LABEL.c.known_at < before)
    yield Rule("actions", ACTION, and_(ACTION.c.at < before, _IS_OVER))
    yield Rule("known_normal", KNOWN_NORMAL, KNOWN_NORMAL.c.until < before)
    yield Rule("appeals", APPEAL, APPEAL.c.decided_at < before)


def nameless(retention: Retention, now: float) -> Iterator[Rule]:
    """Whom nothing names any more after that. An address of usage that is part of a purchase, a case or a deed stays with that."""
    addresses, records = cut(retention.addresses, now), cut(retention.records, now)
    all_rows = min(records, *(cut(span, now) for span in (retention.lives, retention.purchases, retention.cases)))
    is_address, is_whole = SUBJECT.c.kind == "ip", SUBJECT.c.value.is_not(None)
    is_named = or_(
        exists().where(PURCHASE.c.address == SUBJECT.c.id),
        exists().where(LINK.c.entity == SUBJECT.c.id),
        exists().where(CASE.c.anchor == SUBJECT.c.id),
        exists().where(ACTION.c.target == SUBJECT.c.id),
        exists().where(LABEL.c.target == SUBJECT.c.id),
    )
    is_restricted = exists().where(RESTRICTION.c.subject == SUBJECT.c.id)
    yield Rule("addresses", SUBJECT, and_(is_address, is_whole, SUBJECT.c.last_at < addresses - DAY_S, ~is_named))
    yield Rule("faded_addresses", SUBJECT, and_(is_address, ~is_whole, SUBJECT.c.last_at < records - FADED_S, ~is_named))
    yield Rule("subjects", SUBJECT, and_(~is_address, SUBJECT.c.last_at < all_rows - DAY_S, ~is_named, ~is_restricted))


async def audit_seqs(connection: AsyncConnection, before: float, most: int) -> list[int]:
    """Entries of the audit older than that whose contents are about somebody, for the audit to forget."""
    query = select(AUDIT_CONTENT.c.seq).join(AUDIT, AUDIT.c.seq == AUDIT_CONTENT.c.seq)
    about = query.where(AUDIT.c.at < before, AUDIT_CONTENT.c.subject.is_not(None)).order_by(AUDIT_CONTENT.c.seq).limit(most)
    return list((await connection.execute(about)).scalars())


async def find(connection: AsyncConnection, rule: Rule, most: int) -> list[Mapping[str, Any]]:
    """The keys of some that are due."""
    query = select(*rule.table.primary_key.columns).where(rule.condition).limit(most)
    return [dict(row._mapping) for row in await connection.execute(query)]


async def remove(connection: AsyncConnection, rule: Rule, keys: Sequence[Mapping[str, Any]]) -> None:
    """Remove those that are still due: one that was used since it was found stays."""
    columns = rule.table.primary_key.columns
    of_key = [column == bindparam(f"its_{column.key}") for column in columns]
    rows = [{f"its_{name}": value for name, value in key.items()} for key in keys]
    await connection.execute(delete(rule.table).where(*of_key, rule.condition), rows)
