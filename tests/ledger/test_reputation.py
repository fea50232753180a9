"""Which accounts are good and which confirmed, and how many of them share a thing."""

from itertools import count

from sqlalchemy import insert, update

from ratelimit.core.message import Lived, Message
from ratelimit.ledger import links, purchases, reputation
from ratelimit.ledger.intake import Batch
from ratelimit.ledger.labels import LabelRow
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subject, Subjects, named
from ratelimit.ledger.tables.action import LABEL
from ratelimit.review.label import say, take_back
from tests.review.ledger_stream import KEYS, NOW, bought, concluded, decided, intake_of

DAY_S = 86_400.0
CARD = "CARDPSEUDONYM"
_NUMBERS = count()


async def write(ledger: Ledger, *messages: Message, now: float = NOW) -> None:
    await intake_of(ledger).write([Batch(f"b{next(_NUMBERS)}", messages)], now)


async def subject(ledger: Ledger, kind: str, value: str) -> Subject:
    async with ledger.read() as connection:
        id = await Subjects(KEYS).find(connection, kind, value)
        assert id is not None
        return (await named(connection, [id]))[id]


async def counts(ledger: Ledger, kind: str, value: str) -> tuple[int, int]:
    found = await subject(ledger, kind, value)
    return found.good, found.fraud


async def label(ledger: Ledger, verdict: str, account: str = "anna", purchase: str | None = None, source: str = "analyst") -> int:
    target = (await subject(ledger, "account", account)).id
    values = {"target_kind": "account" if purchase is None else "purchase", "target": target, "purchase": purchase, "attempt": 0}
    async with ledger.write() as connection:
        row = insert(LABEL).values(**values, verdict=verdict, source=source, known_at=NOW, by="otto").returning(LABEL.c.id)
        id = int((await connection.execute(row)).scalar_one())
        await reputation.settle(connection, [(purchase, 1)] if purchase is not None else [])
        await reputation.renew(connection, [target], NOW)
    return id


def paid(account: str, days_ago: float, *, card: str = CARD) -> list[Message]:
    """A purchase that succeeded so long ago."""
    return [
        bought(f"pi-{account}", account=account, card=card, at=NOW - days_ago * DAY_S),
        concluded(f"pi-{account}", "succeeded", account=account, known_at=NOW - days_ago * DAY_S),
    ]


async def test_good(ledger: Ledger) -> None:
    """Who paid more than a week ago is good, who paid since is not yet; what they share counts the good ones."""
    await write(ledger, *paid("anna", 8), *paid("otto", 6), *paid("karl", 9, card="OTHER"))
    assert [await counts(ledger, "account", name) for name in ("anna", "otto", "karl")] == [(1, 0), (0, 0), (1, 0)]
    assert await counts(ledger, "card", CARD) == (1, 0)
    assert await counts(ledger, "ip", "192.0.2.7") == (2, 0)


async def test_disputed(ledger: Ledger) -> None:
    """A purchase that is disputed, warned of or refunded makes nobody good any more."""
    for kind in ("disputed", "warned", "refunded", "dispute_lost"):
        await write(ledger, *paid(kind, 8, card=kind))
        assert await counts(ledger, "card", kind) == (1, 0)
        await write(ledger, concluded(f"pi-{kind}", kind, account=kind), now=NOW + len(kind))
        assert await counts(ledger, "card", kind) == (0, 0)
        assert await counts(ledger, "account", kind) == (0, 0)


async def test_known_for_long(ledger: Ledger) -> None:
    """Who comes for thirty days is good without a purchase, once time is looked at."""
    await write(ledger, Lived("e1", NOW - 31 * DAY_S, "login", "anna", None, "192.0.2.7"), now=NOW - 31 * DAY_S)
    await write(ledger, Lived("e2", NOW, "login", "anna", None, "192.0.2.7"), Lived("e3", NOW, "login", "otto", None, "192.0.2.7"))
    assert await counts(ledger, "ip", "192.0.2.7") == (0, 0)
    async with ledger.write() as connection:
        due = await reputation.due(connection, NOW - 3_600, NOW + 1, 10)
        assert len(due) == await reputation.renew(connection, due, NOW + 1) == 1
    assert await counts(ledger, "account", "anna") == (1, 0)
    assert await counts(ledger, "ip", "192.0.2.7") == (1, 0)


async def test_a_week_passes(ledger: Ledger) -> None:
    """A purchase that turns a week old makes its account good, once time is looked at."""
    await write(ledger, *paid("anna", 6.99))
    async with ledger.write() as connection:
        await reputation.renew(connection, await reputation.due(connection, NOW, NOW + 3_600, 10), NOW + 3_600)
    assert await counts(ledger, "card", CARD) == (1, 0)


async def test_labelled(ledger: Ledger) -> None:
    """A label of the account or of a purchase confirms it; when it stands no more, all is as before."""
    await write(ledger, *paid("anna", 8))
    for purchase in (None, "pi-anna"):
        id = await label(ledger, "fraud", purchase=purchase)
        assert await counts(ledger, "card", CARD) == (0, 1)
        assert await counts(ledger, "account", "anna") == (0, 1)
        async with ledger.write() as connection:
            await connection.execute(update(LABEL).where(LABEL.c.id == id).values(superseded_by=id))
            await reputation.renew(connection, [(await subject(ledger, "account", "anna")).id], NOW)
        assert await counts(ledger, "card", CARD) == (1, 0)


async def test_first_party(ledger: Ledger) -> None:
    """A buyer who disputes what they bought is neither confirmed nor good."""
    await write(ledger, *paid("anna", 8))
    await label(ledger, "first_party_dispute", purchase="pi-anna")
    assert await counts(ledger, "account", "anna") == (0, 0)


async def test_people_count_more(ledger: Ledger) -> None:
    """Of two labels that stand at a purchase a person's counts, whichever came first."""
    await write(ledger, *paid("anna", 8))
    await label(ledger, "good", purchase="pi-anna")
    await label(ledger, "fraud", purchase="pi-anna", source="dispute")
    async with ledger.read() as connection:
        (row,) = await purchases.find(connection, "pi-anna")
    assert (row.label, row.label_at) == ("good", NOW)


async def test_new_link(ledger: Ledger) -> None:
    """Something that a good account comes to share counts it, once, however it is shared."""
    await write(ledger, *paid("anna", 8))
    for number in range(3):
        lived = [Lived(f"e{number}-{time}", NOW + number, "login", "anna", None, "198.51.100.9") for time in range(2)]
        await write(ledger, *lived, now=NOW + number)
    assert await counts(ledger, "ip", "198.51.100.9") == (1, 0)
    both: list[Message] = [Lived("e9", NOW + 9, "signup", "anna", None, "198.51.100.9"), decided(9, account="anna", address="198.51.100.9")]
    await write(ledger, *both, now=NOW + 9)
    assert await counts(ledger, "ip", "198.51.100.9") == (1, 0)


async def test_blast_radius(ledger: Ledger) -> None:
    """An entity hits the good accounts that share it; an account those others that share something of its own with it."""
    await write(ledger, *paid("anna", 8), *paid("otto", 8), *paid("karl", 6))
    network, card, anna = [await subject(ledger, *what) for what in (("network", "192.0.2.0/24"), ("card", CARD), ("account", "anna"))]
    async with ledger.read() as connection:
        assert await links.blast_radius(connection, network.id) == 2
        assert await links.blast_radius(connection, card.id) == 2
        assert await links.blast_radius(connection, anna.id) == 1
        found = {link.shown: (link.kind, link.how, link.good) for link in await links.linked(connection, card.id)}
    assert found == {"anna": ("account", "paid", 1), "otto": ("account", "paid", 1), "karl": ("account", "paid", 0)}


async def test_said(ledger: Ledger) -> None:
    """A label that is said counts at once, of a purchase and of whose it is; when it is taken back it counts no more."""
    await write(ledger, *paid("anna", 8))
    anna = (await subject(ledger, "account", "anna")).id
    row = LabelRow(target_kind="purchase", target=anna, purchase="pi-anna", verdict="fraud", source="analyst", known_at=NOW, by="otto")
    async with ledger.write() as connection:
        id = await say(connection, row)
        (found,) = await purchases.find(connection, "pi-anna")
    assert found.label == "fraud"
    assert await counts(ledger, "card", CARD) == (0, 1)
    async with ledger.write() as connection:
        await take_back(connection, id)
        (found,) = await purchases.find(connection, "pi-anna")
    assert found.label == ""
    assert await counts(ledger, "card", CARD) == (1, 0)
