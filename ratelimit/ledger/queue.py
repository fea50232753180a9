"""The queue of cases in SQL: who sees which in what order, page by page by key, and how many there are.

Whoever is barred from a second review does not see it. A case that somebody put off is in no other tab until it wakes.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Double, Subquery, and_, exists, false, func, or_, select, true, tuple_, union
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import CaseState, number_of
from ratelimit.ledger import part
from ratelimit.ledger.case_query import plain, rows_of
from ratelimit.ledger.cases import TABS, Money, Place, QueueFilter, QueuePage, QueueTotals, Sort, Tab
from ratelimit.ledger.tables.case import CASE, MENTION
from ratelimit.ledger.tables.part import LONGEST
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.ledger.upsert import listed, listing

DUE_SOON_S: Final = 3_600.0
_C: Final = CASE.c
_APART: Final = ("appeal", "quality")  # which have tabs of their own
_UNSAID: Final = ("model", "audit")  # nobody is told which of them it is while it is open
_MOST_ALIKE: Final = 500  # subjects whose long name has a long text in it
_MANY: Final = 1_000  # cases
_MOST: Final = 2**62  # of numbers that a database takes

_Test = ColumnElement[bool]


class _Asked(NamedTuple):
    test: _Test
    known: int | None  # how many cases pass it, if that is known already


class _Order(NamedTuple):
    column: Any
    falls: bool  # the greatest comes first


_ORDERS: Final[dict[Sort, _Order]] = {
    "priority": _Order(_C.rank, False),
    "due": _Order(_C.due_at, False),
    "money": _Order(_C.at_risk_minor, True),
    "opened": _Order(_C.opened_at, True),
    "blast": _Order(_C.blast_radius, True),
}
_CLOSED: Final = _Order(_C.closed_at, True)


def tab_test(tab: Tab, me: int, now: float) -> _Test:
    """Which cases a tab holds for somebody."""
    if tab == "closed":
        return _C.state == "closed"
    open_ = _C.state == "open"
    mine, apart = or_(_C.assignee == me, _named(me)), _C.opened_by.in_(_APART)
    tests: dict[Tab, _Test] = {
        "unassigned": and_(~apart, ~_C.escalated, _C.assignee.is_(None)),
        "mine": mine,
        "others": and_(~apart, _C.assignee.is_not(None), _C.assignee != me),
        "escalated": and_(~apart, _C.escalated),
        "appeals": _C.opened_by == "appeal",
        "quality": and_(_C.opened_by == "quality", or_(_C.barred.is_(None), _C.barred != me)),
        "campaigns": _C.campaign.is_not(None),
    }
    if tab == "snoozed":
        return and_(open_, _C.snoozed_until > now)
    return and_(open_, _is_awake(now), tests[tab])


def _is_awake(now: float) -> _Test:
    return or_(_C.snoozed_until.is_(None), _C.snoozed_until <= now)


async def page(connection: AsyncConnection, wanted: QueueFilter, me: int, now: float, *, whole: bool = False) -> QueuePage:
    """A page of the queue. `whole`: who asks sees names masked, and finds them by the whole of them alone."""
    (test, count), order = await _asked(connection, wanted, me, now, whole=whole), _order(wanted)
    rows = select(CASE).where(test)
    if (key := _key(order, wanted.after)) is not None:
        rows = rows.where(_beyond(order, key, forward=True))
    found = (await connection.execute(_in_order(rows, order).limit(wanted.most + 1))).all()
    shown = found[: wanted.most]
    total = await totals(connection, me, now)
    if count is None:
        count = total.tabs[wanted.tab] if _is_plain(wanted) and wanted.tab != "closed" else await _count(connection, test)
    following = _cursor(order, shown[-1]) if len(found) > len(shown) else None
    return QueuePage(rows=tuple(await rows_of(connection, shown, now)), found=count, totals=total, following=following)


async def totals(connection: AsyncConnection, me: int, now: float) -> QueueTotals:
    """How many cases are open, in which tabs, and what is at risk."""
    alike = (_C.currency, _C.opened_by, _C.escalated, _C.assignee, _C.barred)
    counts = {
        "number": func.count(),
        "off": func.count().filter(_C.snoozed_until > now),
        "joined": func.count().filter(_C.campaign.is_not(None), _is_awake(now)),
        "money": func.sum(_C.at_risk_minor),
        "late": func.count().filter(_C.due_at < now),
        "soon": func.count().filter(_C.due_at.between(now, now + DUE_SOON_S)),
    }
    query = select(*alike, *(count.label(name) for name, count in counts.items())).where(_C.state == "open").group_by(*alike)
    rows = (await connection.execute(query)).all()
    named = select(func.count()).where(tab_test("mine", me, now), or_(_C.assignee.is_(None), _C.assignee != me))
    tabs = Counter[Tab]()
    tabs["mine"] = int((await connection.execute(named)).scalar_one())
    money = Counter[str | None]()
    for row in rows:
        money[row.currency] += int(row.money)
        tabs["snoozed"] += row.off
        tabs["campaigns"] += row.joined
        for tab in _tabs_of(row, me):
            tabs[tab] += row.number - row.off
    return QueueTotals(
        open=sum(row.number for row in rows),
        overdue=sum(row.late for row in rows),
        due_soon=sum(row.soon for row in rows),
        at_risk=tuple(Money(minor, currency) for currency, minor in sorted(money.items(), key=lambda one: -one[1]) if minor),
        tabs={tab: tabs[tab] for tab in TABS if tab != "closed"},
    )


def _tabs_of(row: Any, me: int) -> Iterator[Tab]:
    """The tabs of cases that are alike, as tab_test has them, while they are awake and nobody is named."""
    if row.assignee == me:
        yield "mine"
    if row.opened_by == "appeal":
        yield "appeals"
    elif row.opened_by == "quality":
        if row.barred != me:
            yield "quality"
    else:
        if row.escalated:
            yield "escalated"
        if row.assignee is None and not row.escalated:
            yield "unassigned"
        if row.assignee not in {None, me}:
            yield "others"


async def place(connection: AsyncConnection, number: int, wanted: QueueFilter, me: int, now: float, *, whole: bool = False) -> Place:
    """Where a case stands among what is asked for, whatever page it is on; `whole` is as for `page`."""
    (test, count), order = await _asked(connection, wanted, me, now, whole=whole), _order(wanted)
    of = count if count is not None else await _count(connection, test)
    mine = (await connection.execute(select(CASE).where(_C.number == number, test))).first()
    if mine is None:
        first = (await connection.execute(_in_order(select(_C.number).where(test), order).limit(1))).scalar()
        return Place(0, of, None, first)
    key = (getattr(mine, order.column.name), number)
    before, after = _beyond(order, key, forward=False), _beyond(order, key, forward=True)
    back = _in_order(select(_C.number).where(test, before), order._replace(falls=not order.falls)).limit(1)
    forth = _in_order(select(_C.number).where(test, after), order).limit(1)
    ahead = await _count(connection, and_(test, before))
    return Place(ahead + 1, of, (await connection.execute(back)).scalar(), (await connection.execute(forth)).scalar())


async def _asked(connection: AsyncConnection, wanted: QueueFilter, me: int, now: float, *, whole: bool) -> _Asked:
    count, tests = None, [tab_test(wanted.tab, me, now)]
    if wanted.opened_by in _UNSAID and wanted.tab != "closed":
        tests.append(_C.opened_by.in_(_UNSAID) if wanted.opened_by == "model" else ~true())
    elif wanted.opened_by is not None:
        tests.append(_C.opened_by == wanted.opened_by)
    if wanted.priority is not None:
        tests.append(_C.priority == wanted.priority)
    if wanted.within_s is not None:
        tests.append(_C.opened_at >= now - wanted.within_s)
    if wanted.assignee is not None:
        tests.append(_C.assignee == wanted.assignee)
    if wanted.campaign is not None:
        tests.append(_C.campaign == wanted.campaign)
    if wanted.subject is not None:
        tests.append(exists().where(SUBJECT.c.id == _C.anchor, SUBJECT.c.kind == wanted.subject))
    if text := plain(wanted.text).strip():
        says, found = await _says(connection, text, "closed" if wanted.tab == "closed" else "open", whole=whole)
        tests.append(says)
        count = found if wanted.tab == "closed" and _is_plain(replace(wanted, text="")) else None
    return _Asked(and_(*tests), count)


async def _says(connection: AsyncConnection, text: str, state: CaseState, *, whole: bool) -> _Asked:
    """The case of that number, and those about somebody in whose name that text is, or beside whose name; `whole`: it is the name.

    They are looked for once and then known by number: several statements ask for them.
    """
    named = await _people(connection, text, whole=whole)
    numbers = [select(_C.number).join(named, named.c[0] == one).where(_C.state == state) for one in (_C.anchor, _C.beside)]
    if (number := number_of(text)) is not None:
        numbers.append(select(_C.number).where(_C.number == number, _C.state == state))
    all_ = union(*numbers).subquery()
    count, found = (await connection.execute(select(func.count(), listing(connection, all_.c.number)))).one()
    is_one = _C.number.in_(listed(connection, found))
    # of many it is quicker to go through the queue in its order than to fetch them all and to sort them: this keeps databases from it
    return _Asked(is_one if count < _MANY else func.coalesce(is_one, false()), count)


async def _people(connection: AsyncConnection, text: str, *, whole: bool) -> Subquery:
    if not whole and part.LEAST <= len(text) <= LONGEST:
        return part.named(text).subquery()
    look = part.being(connection, text) if whole or len(text) < part.LEAST else part.having(connection, text, _MOST_ALIKE)
    return listed(connection, await look).subquery()


def _named(me: int) -> _Test:
    return _C.number.in_(select(MENTION.c.case_number).where(MENTION.c.person == me, MENTION.c.seen_at.is_(None)))


def _is_plain(wanted: QueueFilter) -> bool:
    return wanted == QueueFilter(tab=wanted.tab, sort=wanted.sort, after=wanted.after, most=wanted.most)


def _order(wanted: QueueFilter) -> _Order:
    return _CLOSED if wanted.tab == "closed" and wanted.sort == "priority" else _ORDERS[wanted.sort]


def _in_order(query: Any, order: _Order) -> Any:
    column, falls = order
    return query.order_by(column.desc(), _C.number.desc()) if falls else query.order_by(column, _C.number)


def _beyond(order: _Order, key: tuple[float, int], *, forward: bool) -> _Test:
    pair = tuple_(order.column, _C.number)
    return pair < key if order.falls == forward else pair > key


def _cursor(order: _Order, row: Any) -> str:
    return f"{getattr(row, order.column.name)!r}:{row.number}"


def _key(order: _Order, text: str | None) -> tuple[float, int] | None:
    """What a cursor stands for; None also where it is none of ours."""
    value, _, number = (text or "").partition(":")
    try:
        key = (float(value) if isinstance(order.column.type, Double) else int(value)), int(number)
    except ValueError:
        return None
    return key if all(abs(part) < _MOST for part in key) else None


async def _count(connection: AsyncConnection, test: _Test) -> int:
    return int((await connection.execute(select(func.count()).select_from(CASE).where(test))).scalar_one())
