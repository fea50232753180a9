"""Dispute packs: which earlier purchases qualify, what is proved, and what is never in one."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import insert

from ratelimit.core.message import Entity
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.purchase import LIFE, OUTCOME
from ratelimit.ledger.tables.record import RECORD
from ratelimit.review.audit import AuditFilter, entries
from ratelimit.review.case_error import ForbiddenError, NotFoundError
from ratelimit.review.dispute_pack import Element, Pack, Packs, suffices
from tests.review.case_site import DAY, NOW, account, bought, person, subject

ENTITIES = {
    "card": Entity("card", "c" * 22, "•4821"),
    "device": Entity("device", "d" * 22, "d7"),
    "address": Entity("ip", "198.51.100.7"),
    "email": Entity("email", "e" * 22, "ada@mailbox.test"),
}
OTHER = {"device": Entity("device", "x" * 22), "address": Entity("ip", "203.0.113.9"), "email": Entity("email", "y" * 22)}


async def buys(ledger: Ledger, id: str, days: float, *, other: tuple[str, ...] = (), lacks: tuple[str, ...] = (), **more: Any) -> None:
    """A purchase of a1 so many days ago, with all the same entities but these."""
    ids = {name: await subject(ledger, OTHER[name] if name in other else one) for name, one in ENTITIES.items() if name not in lacks}
    more = {"outcome": "succeeded", "last4": "4821", **ids, **more}
    await bought(ledger, await subject(ledger, account("a1")), id=id, at=NOW - days * DAY, **more)


async def pack(ledger: Ledger) -> Pack:
    await buys(ledger, "p0", 5, disputed=True)
    return await Packs(ledger, lambda: NOW).make(await person(ledger, "mia"), "p0", 7)


async def test_eligible(ledger: Ledger) -> None:
    """Two that agree in address and device suffice; the fields are those of the network's own vocabulary."""
    await buys(ledger, "p1", 130)
    await buys(ledger, "p2", 300, other=("email",))
    await buys(ledger, "p3", 200, disputed=True)
    await buys(ledger, "p4", 30)
    made = await pack(ledger)
    assert ([one.purchase for one in made.prior_undisputed_transactions], made.eligible, made.missing) == (["p1", "p2"], True, ())
    assert ([one.purchase for one in made.earlier], made.undisputed_before, made.spent_before_minor) == (["p4"], 3, 30_000)
    disputed = made.disputed_transaction
    assert (disputed.customer_account_id, disputed.customer_purchase_ip, disputed.customer_email_address, disputed.last4) == (
        "a1", "198.51.100.7", "ada@mailbox.test", "4821",
    )  # fmt: skip
    assert disputed.customer_device_fingerprint == "d" * 22
    assert made.prior_undisputed_transactions[0].matches == (
        "customer_purchase_ip", "customer_device_fingerprint", "customer_account_id", "customer_email_address",
    )  # fmt: skip
    assert b"c" * 22 not in msgspec.json.encode(made)


@pytest.mark.parametrize(
    ("days", "other", "lacks", "why"),
    [
        ((30, 40), (), (), "0 of them are from 120 to 365 days before"),
        ((130, 400), (), (), "1 of them are from 120"),
        ((130, 140), ("device", "address"), (), "0 of them agree in address or device"),
        ((130,), (), (), "1 earlier undisputed"),
        ((), (), (), "0 earlier undisputed"),
        ((130, 140), (), ("card",), "0 earlier undisputed"),
    ],
)
async def test_not_eligible(ledger: Ledger, days: tuple[int, ...], other: tuple[str, ...], lacks: tuple[str, ...], why: str) -> None:
    """Why it does not suffice is said."""
    for number, ago in enumerate(days):
        await buys(ledger, f"p{number + 1}", ago, other=other, lacks=lacks)
    made = await pack(ledger)
    assert (made.eligible, why in made.missing[0]) == (False, True), made.missing


async def test_agree_in_different_things(ledger: Ledger) -> None:
    """Both earlier ones must agree in the same elements."""
    await buys(ledger, "p1", 130, lacks=("device",))
    await buys(ledger, "p2", 140, other=("address", "email"))
    made = await pack(ledger)
    assert (made.eligible, "different things" in made.missing[0]) == (False, True)


async def test_proof(ledger: Ledger) -> None:
    """That tokens were used and from where, logins, age of the account and what was told of the purchase."""
    buyer, home = await subject(ledger, account("a1")), await subject(ledger, ENTITIES["address"])
    request = {"decision": "allow", "reason": "ok", "method": "GET", "path": "/", "cost": 4, "account": buyer, "weight": 100.0}
    lived = {"account": buyer, "address": home}
    async with ledger.write() as connection:
        for number, (at, address) in enumerate([(4, home), (3, None), (9, home)]):
            row = {**request, "id": f"r{number}", "at": NOW - at * DAY, "address": address}
            await connection.execute(insert(RECORD).values(row))
        for number, (kind, at) in enumerate([("signup", 400), ("login", 4), ("login", 8)]):
            await connection.execute(insert(LIFE).values({**lived, "source": f"l{number}", "type": kind, "at": NOW - at * DAY}))
        told = {"source": "evt_1", "purchase": "p0", "attempt": 1, "kind": "disputed", "at": NOW, "known_at": NOW, "detail": "fraudulent"}
        await connection.execute(insert(OUTCOME).values(told))
    made = await pack(ledger)
    assert (made.used.requests, made.used.tokens, made.used.from_buyer, made.used.last_at) == (200, 800, 100, NOW - 3 * DAY)
    assert ((made.logins.count, made.logins.from_buyer), made.account_age_days, made.tokens) == ((1, 1), 395, 1_000)
    assert [(one.kind, one.detail) for one in made.told] == [("disputed", "fraudulent")]
    async with ledger.read() as connection:
        (entry,) = await entries(connection, AuditFilter(kind="pack.made"), 10)
    assert (entry.actor, entry.case, entry.content) == ("mia", 7, {"purchase": "p0"})


async def test_who_may(ledger: Ledger) -> None:
    """A viewer sees masked data and so makes none; what is not known is not found."""
    packs = Packs(ledger, lambda: NOW)
    with pytest.raises(ForbiddenError):
        await packs.make(await person(ledger, "vic", "viewer"), "p0")
    for id in ("p0", "\0"):
        with pytest.raises(NotFoundError):
            await packs.make(await person(ledger, f"mia{len(id)}"), id)


@pytest.mark.parametrize(
    ("matches", "enough"),
    [
        (("customer_purchase_ip", "customer_device_fingerprint"), True),
        (("customer_purchase_ip", "customer_email_address"), True),
        (("customer_account_id", "customer_email_address"), False),
        (("customer_purchase_ip",), False),
        ((), False),
    ],
)
def test_suffices(matches: tuple[Element, ...], enough: bool) -> None:
    """Two main elements, or a main and a secondary one."""
    assert suffices(matches) is enough
