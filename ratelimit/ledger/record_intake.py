"""Writes decisions on requests, who asked from where, and how many decisions of each kind there were."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, cast, get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Counted, Decided, Entity
from ratelimit.core.standing import TargetKind
from ratelimit.ledger.link_intake import Met, link
from ratelimit.ledger.many import Insert
from ratelimit.ledger.row import Fitting, FittingInOrder, packed_tree
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.record import RECORD, TRAFFIC
from ratelimit.ledger.upsert import inserting

KEY_SHOWN: Final = 6  # characters of a key's digest that people see

_KINDS: Final = frozenset(get_args(TargetKind))
_COLUMNS: Final = (
    "id at decision reason limit_name subject account api_key address method path user_agent referrer plan cost weight remaining "
    "retry_after policy risk risk_subject model signal_version signals propensity shadow"
).split()
_fit, _fit_traffic, _INSERT = FittingInOrder(RECORD, _COLUMNS), Fitting(TRAFFIC), Insert(RECORD, _COLUMNS)

Ids = dict[tuple[str, str], int]


class RecordIntake:
    """A handler of Decided."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    async def take(self, connection: AsyncConnection, messages: Sequence[Decided], now: float) -> None:
        """Write those that are not there yet."""
        named = [_named_by(one) for one in messages]
        ids = await self._subjects.ids(connection, (entity for some in named for entity in some.all), now)
        rows = [_row(one, some, ids) for one, some in zip(messages, named, strict=True)]
        await _INSERT(connection, rows)
        await link(connection, (met for one in messages for met in _met(one, ids)))


async def take_counts(connection: AsyncConnection, messages: Sequence[Counted], _now: float) -> None:
    """Write how many there were; a handler of Counted."""
    rows = [
        _fit_traffic(
            {
                "at": one.at,
                "sidecar": one.sidecar,
                "decision": tally.decision,
                "reason": tally.reason,
                "count": tally.count,
                "latency_us": one.latency_us,
            }
        )
        for one in messages
        for tally in one.counts
    ]
    if rows:
        await connection.execute(inserting(connection, TRAFFIC).on_conflict_do_nothing(), rows)


def key_shown(digest: str) -> str:
    """How people see a key."""
    return f"key_{digest[:KEY_SHOWN]}"


def caller_entities(account: str | None, api_key: str | None, address: str | None) -> Iterator[Entity]:
    """Who asked, as subjects."""
    if account is not None:
        yield Entity("account", account)
    if api_key is not None:
        yield Entity("api_key", api_key, key_shown(api_key))
    if address is not None:
        yield Entity("ip", address)


def id_of(ids: Ids, kind: str, value: str | None) -> int | None:
    """The id of one of these, if there is one."""
    return None if value is None else ids.get((kind, value))


class _NamedBy(NamedTuple):
    """Whom a decision names: who asked, by whom it was decided where that is one subject, and whose risk it tells."""

    callers: tuple[Entity, ...]
    subject: Entity | None
    risk_subject: Entity | None

    @property
    def all(self) -> Iterator[Entity]:
        yield from self.callers
        yield from (one for one in (self.subject, self.risk_subject) if one is not None)


def _named_by(one: Decided) -> _NamedBy:
    callers = tuple(caller_entities(one.account, one.api_key, one.address))
    subject = next((entity for entity in callers if one.subject == f"{entity.kind}:{entity.value}"), None)
    if subject is None and one.subject is not None and "+" not in one.subject:  # several, such as a key and its address, have a plus
        subject = _named(one.subject)
    return _NamedBy(callers, subject, _named(one.risk_subject))


def _named(text: str | None) -> Entity | None:
    """The one that `kind:value` names."""
    kind, _, value = (text or "").partition(":")
    if kind not in _KINDS or not value:
        return None
    return Entity(cast(TargetKind, kind), value, key_shown(value) if kind == "api_key" else None)


def _row(one: Decided, named: _NamedBy, ids: Ids) -> tuple[Any, ...]:
    """What stands at _COLUMNS."""
    _, subject, risk_subject = named
    return _fit(
        [
            one.id,
            one.at,
            one.decision,
            one.reason,
            one.limit,
            ids[subject.kind, subject.value] if subject is not None else None,
            id_of(ids, "account", one.account),
            id_of(ids, "api_key", one.api_key),
            id_of(ids, "ip", one.address),
            one.method,
            one.path,
            one.user_agent,
            one.referrer,
            one.plan,
            one.cost,
            one.weight,
            one.remaining,
            one.retry_after,
            one.policy,
            one.risk,
            ids[risk_subject.kind, risk_subject.value] if risk_subject is not None else None,
            one.model,
            one.signal_version,
            one.signals,
            one.propensity,
            packed_tree(one.shadow),
        ]
    )


def _met(one: Decided, ids: Ids) -> Iterator[Met]:
    account, key, address = id_of(ids, "account", one.account), id_of(ids, "api_key", one.api_key), id_of(ids, "ip", one.address)
    count = round(one.weight)
    if account is not None and key is not None:
        yield Met(account, key, "owns", one.at, count)
    if address is not None:
        for subject in (account, key):
            if subject is not None:
                yield Met(subject, address, "requested", one.at, count)
