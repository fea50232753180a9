"""Flags, purchases and people for tests of cases."""

from secrets import token_hex
from typing import Any

from sqlalchemy import insert

from ratelimit.core.decision import UnusualSignal
from ratelimit.core.message import Entity, Flagged
from ratelimit.core.principal import Principal, Role
from ratelimit.ledger.case_query import get
from ratelimit.ledger.cases import CaseView
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.person import PERSON
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.review.daily import Daily
from ratelimit.review.flagged import FlagIntake

NOW = 1_790_000_000.0
LONG_S = 30 * 86_400.0  # for which people have had their accounts
HOUR = 3_600.0
DAY = 86_400.0
SUBJECTS = Subjects([bytes(range(32))])
ADDRESSES = UnusualSignal("addresses", 418.0, 1.0, 9.0, 0.0001)
COUNTRIES = UnusualSignal("countries", 31.0, 1.0, 3.0, 0.001)


def account(name: str) -> Entity:
    return Entity("account", name)


def rule(name: str = "card-testing", anchor: Entity | None = None, source: str | None = None, at: float = NOW, **more: Any) -> Flagged:
    """A rule wants a person to look."""
    reason = f"{name}: several cards tried"
    return Flagged(token_hex(8), anchor or account("a1"), "rule", source or token_hex(8), (reason,), at, word=name, **more)


def warning(anchor: Entity | None = None, source: str = "issfr_1", at: float = NOW, **more: Any) -> Flagged:
    """An issuer warns."""
    return Flagged(token_hex(8), anchor or account("a1"), "early_fraud_warning", source, ("early fraud warning: stolen",), at, **more)


def model(anchor: Entity | None = None, risk: float = 0.9994, at: float = NOW, **more: Any) -> Flagged:
    """The model finds it unusual."""
    more = {"signals": (ADDRESSES, COUNTRIES), **more}
    return Flagged(token_hex(8), anchor or account("a1"), "model", token_hex(8), (), at, risk=risk, **more)


async def flagged(ledger: Ledger, *flags: Flagged, now: float = NOW) -> None:
    """They come from the stream."""
    async with ledger.write() as connection:
        await FlagIntake(SUBJECTS, Daily(lambda: 50, lambda: 0.5))(connection, flags, now)


async def subject(ledger: Ledger, entity: Entity) -> int:
    async with ledger.write() as connection:
        return (await SUBJECTS.ids(connection, [entity], NOW))[entity.kind, entity.value]


async def view(ledger: Ledger, number: int, now: float = NOW) -> CaseView:
    async with ledger.read() as connection:
        found = await get(connection, number, now)
    assert found is not None
    return found


async def bought(ledger: Ledger, buyer: int, amount_minor: int = 10_000, tokens: int = 1_000, at: float = NOW - HOUR, **more: Any) -> None:
    """A purchase that went through."""
    row = {
        "id": token_hex(8), "attempt": 1, "record": token_hex(8), "at": at, "kind": "purchase", "account": buyer, "currency": "EUR",
        "amount_minor": amount_minor, "tokens": tokens,
        "decision": "allow", "action": "accept", "reason": "ok", "hold_ratio": 0.0, "held": 0,
    }  # fmt: skip
    async with ledger.write() as connection:
        await connection.execute(insert(PURCHASE).values({**row, **more}))


async def hired(ledger: Ledger, *people: Principal) -> None:
    """The first people of a ledger, who have had accounts for long; their ids count from 1."""
    async with ledger.write() as connection:
        for one in people:
            values = {"login": one.login, "name": one.name, "role": one.role, "password": "none", "made_at": 0.0, "made_by": "test"}
            made = (await connection.execute(insert(PERSON).values(values).returning(PERSON.c.id))).scalar_one()
            assert made == one.id


async def person(ledger: Ledger, login: str, role: Role = "analyst") -> Principal:
    """Somebody who works here."""
    async with ledger.write() as connection:
        values = {"login": login, "name": login.title(), "role": role, "made_at": NOW - LONG_S, "made_by": "test"}
        made = (await connection.execute(insert(PERSON).values(values).returning(PERSON.c.id))).scalar_one()
    return Principal(id=made, login=login, name=login.title(), role=role, via="session")
