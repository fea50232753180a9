"""Writes purchases as they were decided, what became of them, and the life of accounts."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Bought, Concluded, Entity, Happened, Lived
from ratelimit.core.retention import OPTIONAL
from ratelimit.ledger.link_intake import Met, link
from ratelimit.ledger.record_intake import Ids, caller_entities, id_of
from ratelimit.ledger.reputation import SETTLED, renew, settle
from ratelimit.ledger.row import Fitting, shadow_tree
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.purchase import LIFE, OUTCOME, PURCHASE
from ratelimit.ledger.upsert import inserting

_LOGINS: Final = frozenset({"signup", "login"})  # not those that failed: who tries is not who owns
_OWNED: Final = frozenset({"key_created"})

_fit_purchase, _fit_outcome, _fit_life = Fitting(PURCHASE), Fitting(OUTCOME), Fitting(LIFE)

Keep = Callable[[], frozenset[str]]  # which of OPTIONAL


def _nothing() -> frozenset[str]:
    return frozenset()


class PurchaseIntake:
    """Handlers of Bought, Concluded (two) and Lived. `keep` says which of OPTIONAL the owner has turned on."""

    def __init__(self, subjects: Subjects, keep: Keep = _nothing) -> None:
        self._subjects, self._keep = subjects, keep

    async def take_bought(self, connection: AsyncConnection, messages: Sequence[Bought], now: float) -> None:
        """Write attempts; of one that was decided twice, since the store was away between, the later decision stands."""
        keep = self._keep()
        kept = {one.record: [entity for entity in one.entities if entity.kind in keep or entity.kind not in OPTIONAL] for one in messages}
        ids = await self._subjects.ids(connection, (entity for entities in kept.values() for entity in entities), now)
        latest = {(one.purchase, one.attempt): one for one in sorted(messages, key=lambda one: one.at)}
        rows = [_row(one, {entity.kind: ids[entity.kind, entity.value] for entity in kept[one.record]}, keep) for one in latest.values()]
        await connection.execute(_upsert(connection), rows)
        await link(connection, (met for one in messages for met in _paid(one, kept[one.record], ids)))
        await settle(connection, latest)
        await renew(connection, {row["account"] for row in rows}, now)

    async def take_concluded(self, connection: AsyncConnection, messages: Sequence[Concluded], _now: float) -> None:
        """Write what happened, each thing once."""
        rows = [_fit_outcome(_outcome(one, happened)) for one in messages for happened in one.happened]
        if rows:
            statement = inserting(connection, OUTCOME)
            new = statement.excluded
            moved = {"purchase": new.purchase, "attempt": new.attempt}  # another fact may tell which attempt it was about
            await connection.execute(statement.on_conflict_do_update(index_elements=[OUTCOME.c.source], set_=moved), rows)

    async def settle_concluded(self, connection: AsyncConnection, messages: Sequence[Concluded], now: float) -> None:
        """Bring purchases and accounts up to what was told; to come after whoever labels them."""
        await settle(connection, {(one.purchase, one.attempt) for one in messages})
        ids = await self._subjects.ids(connection, (Entity("account", one.account) for one in messages), now)
        await renew(connection, set(ids.values()), now)

    async def take_lived(self, connection: AsyncConnection, messages: Sequence[Lived], now: float) -> None:
        """Write what happened in accounts' lives, each thing once."""
        ids = await self._subjects.ids(
            connection, (entity for one in messages for entity in caller_entities(one.account, one.api_key, one.address)), now
        )
        await connection.execute(inserting(connection, LIFE).on_conflict_do_nothing(), [_life(one, ids) for one in messages])
        await link(connection, (met for one in messages for met in _lived(one, ids)))


def _upsert(connection: AsyncConnection) -> Any:
    statement = inserting(connection, PURCHASE)
    new = statement.excluded
    decided = [column.key for column in PURCHASE.c if column.key not in SETTLED and not column.primary_key]
    return statement.on_conflict_do_update(
        index_elements=[PURCHASE.c.id, PURCHASE.c.attempt],
        set_={name: new[name] for name in decided},
        where=PURCHASE.c.at <= new["at"],
    )


def _row(one: Bought, ids: dict[str, int], keep: frozenset[str]) -> dict[str, Any]:
    return _fit_purchase(
        {
            "id": one.purchase,
            "attempt": one.attempt,
            "record": one.record,
            "at": one.at,
            "kind": one.kind,
            "account": ids["account"],
            "address": ids.get("ip"),
            "card": ids.get("card"),
            "device": ids.get("device"),
            "email": ids.get("email"),
            "email_domain": ids.get("email_domain"),
            "amount_minor": one.amount_minor,
            "currency": one.currency.upper() if one.currency else None,
            "tokens": one.tokens,
            "balance": one.balance,
            "last4": one.last4,
            "exp_month": one.exp_month,
            "exp_year": one.exp_year,
            "card_country": one.card_country if "card_country" in keep else None,
            "brand": one.brand if "brand" in keep else None,
            "funding": one.funding if "funding" in keep else None,
            "billing_country": one.billing_country,
            "ip_country": one.ip_country,
            "user_agent": one.user_agent,
            "decision": one.decision,
            "action": one.action,
            "reason": one.reason,
            "rule": one.rule,
            "hold_ratio": one.hold_ratio,
            "held": one.held,
            "lapses_at": one.lapses_at,
            "policy": one.policy,
            "risk": one.risk,
            "p_fraud": one.p_fraud,
            "propensity": one.propensity,
            "model": one.model,
            "signal_version": one.signal_version,
            "signals": one.signals,
            "shadow": shadow_tree(one.shadow),
        }
    )


def _paid(one: Bought, entities: Sequence[Entity], ids: Ids) -> Iterator[Met]:
    account = next(ids[entity.kind, entity.value] for entity in entities if entity.kind == "account")
    for entity in entities:
        if entity.kind != "account":
            yield Met(account, ids[entity.kind, entity.value], "paid", one.at)


def _outcome(one: Concluded, happened: Happened) -> dict[str, Any]:
    return {
        "source": happened.source,
        "purchase": one.purchase,
        "attempt": one.attempt,
        "kind": happened.kind,
        "at": happened.at,
        "known_at": happened.known_at,
        "amount_minor": happened.amount_minor,
        "detail": happened.detail,
    }


def _life(one: Lived, ids: Ids) -> dict[str, Any]:
    return _fit_life(
        {
            "source": one.id,
            "at": one.at,
            "type": one.type,
            "account": id_of(ids, "account", one.account),
            "api_key": id_of(ids, "api_key", one.api_key),
            "address": id_of(ids, "ip", one.address),
            "user_agent": one.user_agent,
        }
    )


def _lived(one: Lived, ids: Ids) -> Iterator[Met]:
    account, key, address = id_of(ids, "account", one.account), id_of(ids, "api_key", one.api_key), id_of(ids, "ip", one.address)
    if account is not None and address is not None and one.type in _LOGINS:
        yield Met(account, address, "logged_in", one.at)
    if account is not None and key is not None and one.type in _OWNED:
        yield Met(account, key, "owns", one.at)
