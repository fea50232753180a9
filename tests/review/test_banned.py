"""What is left of confirmed fraud once its data are gone: digests, by which the same card opens a case when it comes again."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from ratelimit.core.message import Bought, Entity, Message
from ratelimit.core.retention import DAY_S, Retention
from ratelimit.core.units import Duration
from ratelimit.ledger import bans
from ratelimit.ledger.intake import Batch
from ratelimit.ledger.labels import LabelRow
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.privacy import BAN
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review import label
from ratelimit.review.banned import BanIntake
from ratelimit.review.cases import Cases
from ratelimit.review.erasing import Erasing
from ratelimit.review.place import Place
from ratelimit.review.retention import RetentionJob
from ratelimit.stores.client import RedisStore
from tests.review.ledger_stream import KEYS, NOW, bought, intake_of
from tests.service.conftest import own_node, store
from tests.service.purchase_site import KEYS as STORE_KEYS
from tests.service.purchase_site import Site, site
from tests.service.test_forgetting import lived

__all__ = ["lived", "own_node", "site", "store"]  # fixtures

KEPT = Retention(keep=("card", "device"))


async def write(ledger: Ledger, *messages: Message, at: float = NOW, retention: Retention = KEPT) -> None:
    intake = intake_of(ledger, frozenset(retention.keep))
    intake.add(Bought, BanIntake(Subjects(KEYS), lambda: retention))
    await intake.write([Batch(f"b{at}", messages)], at)


async def known_as(ledger: Ledger, account: str, verdict: str, source: str = "analyst", at: float = NOW) -> int:
    """A word on an account; its id."""
    async with ledger.write() as connection:
        id = (await Subjects(KEYS).ids(connection, [Entity("account", account)], at))["account", account]
        await label.say(connection, LabelRow(target_kind="account", target=id, verdict=verdict, source=source, known_at=at, by="mira"))
    return id


async def rows(ledger: Ledger, query: Any) -> Sequence[Any]:
    async with ledger.read() as connection:
        return list(await connection.execute(query))


@pytest.fixture
def erasing(ledger: Ledger, lived: Site, store: RedisStore) -> Erasing:
    return Erasing(Place(ledger, Subjects(KEYS), store, lived.standings, STORE_KEYS), lambda: NOW + 5, retained=lambda: KEPT)


async def test_the_same_card_comes_again(erasing: Erasing, ledger: Ledger) -> None:
    """After the erasure nothing of the account is left but digests; who pays with its card gets a case, once, and no word stands."""
    await write(ledger, bought("p1", account="thief"))
    erased = await erasing.erase(await known_as(ledger, "thief", "fraud"))
    assert erased.bans == 3  # card, device, mailbox
    assert await rows(ledger, select(SUBJECT)) == []  # no pseudonym of what it had
    assert {row.kind for row in await rows(ledger, select(BAN))} == {"card", "device", "email"}
    digests = {bytes(row.digest) for row in await rows(ledger, select(SUBJECT.c.digest))}
    assert digests.isdisjoint(bytes(row.digest) for row in await rows(ledger, select(BAN)))
    await write(
        ledger, bought("p2", account="newcomer", device=None), bought("p3", account="other", card="ANOTHER", device=None), at=NOW + 9
    )
    await write(ledger, bought("p4", account="newcomer", device=None), at=NOW + 10)
    (row,) = await rows(ledger, select(CASE))
    found = await Cases(ledger, lambda: NOW + 20).get(row.number)
    assert (found.row.anchor.shown, found.row.opened_by, found.row.priority, found.row.state) == ("newcomer", "banned", 3, "open")
    (reason,) = found.row.reasons
    assert (reason.value, reason.words) == ("Card", "of an account that was confirmed as fraud and erased")
    assert [one.purchase for one in found.openings] == ["p2"]


@pytest.mark.parametrize(
    ("verdict", "source"), [("good", "analyst"), ("first_party_dispute", "analyst"), ("abuse", "analyst"), ("fraud", "dispute")]
)
async def test_nobody_else(erasing: Erasing, ledger: Ledger, verdict: str, source: str) -> None:
    """Only fraud that a person has confirmed leaves digests: all others are erased as a whole."""
    await write(ledger, bought("p1", account="anna"))
    assert (await erasing.erase(await known_as(ledger, "anna", verdict, source))).bans == 0
    assert await rows(ledger, select(BAN)) == []


async def test_what_good_customers_share(erasing: Erasing, ledger: Ledger) -> None:
    """A card that somebody of good standing pays with as well leaves none."""
    await write(ledger, bought("p1", account="thief"), bought("p2", account="honest", device=None))
    async with ledger.write() as connection:
        card = await Subjects(KEYS).find(connection, "card", "CARDPSEUDONYM")
        await connection.execute(SUBJECT.update().where(SUBJECT.c.id == card).values(good=1))
    await erasing.erase(await known_as(ledger, "thief", "fraud"))
    assert {row.kind for row in await rows(ledger, select(BAN))} == {"device", "email"}


async def test_in_good_hands(erasing: Erasing, ledger: Ledger) -> None:
    """Once a customer of good standing pays with the card, its ban is lifted for good."""
    await write(ledger, bought("p1", account="thief", device=None))
    await erasing.erase(await known_as(ledger, "thief", "fraud"))
    await write(ledger, bought("p2", account="honest", device=None), at=NOW + 9, retention=Retention())
    async with ledger.write() as connection:
        card = (await Subjects(KEYS).ids(connection, [Entity("card", "CARDPSEUDONYM")], NOW))["card", "CARDPSEUDONYM"]
        await connection.execute(SUBJECT.update().where(SUBJECT.c.id == card).values(good=1))
    await write(ledger, bought("p3", account="honest", device=None), at=NOW + 10)
    assert await rows(ledger, select(CASE)) == []
    assert {row.kind for row in await rows(ledger, select(BAN))} == {"email"}


async def test_its_term(erasing: Erasing, ledger: Ledger) -> None:
    """It counts from when the fraud was confirmed; later the digest goes, and is not asked for even before it went."""
    await write(ledger, bought("p1", account="thief"))
    await erasing.erase(await known_as(ledger, "thief", "fraud"))
    later = NOW + 366 * DAY_S
    await write(ledger, bought("p2", account="newcomer", at=later), at=later)
    assert await rows(ledger, select(CASE)) == []
    ran = await RetentionJob(ledger, lambda: KEPT, lambda: later, Subjects(KEYS)).once()
    assert ran.removed["bans"] == 3


async def test_what_is_not_kept_is_not_looked_for(erasing: Erasing, ledger: Ledger) -> None:
    """Where cards are off again, theirs is no ban that is met; the mailbox of everybody is."""
    await write(ledger, bought("p1", account="thief"))
    await erasing.erase(await known_as(ledger, "thief", "fraud"))
    await write(ledger, bought("p2", account="newcomer"), at=NOW + 9, retention=Retention())
    assert await rows(ledger, select(CASE)) == []


async def test_data_that_lapse(ledger: Ledger) -> None:
    """Where purchases lapse before the ban would, digests are made while it is still known what the account had used."""
    short = Retention(purchases=Duration.parse("180d"), cases=Duration.parse("180d"), keep=("card",))
    await write(ledger, bought("p1", account="thief"), retention=short)
    await known_as(ledger, "thief", "fraud")
    subjects = Subjects(KEYS)
    async with ledger.read() as connection:
        assert await bans.lapsing(connection, Retention(), NOW + 300 * DAY_S) == []
    for days in (100, 174, 190):
        await RetentionJob(ledger, lambda: short, lambda days=days: NOW + days * DAY_S, subjects).once()  # type: ignore[misc]
        assert len(await rows(ledger, select(BAN))) == (0 if days == 100 else 2)
    assert await rows(ledger, select(LABEL)) == []
    async with ledger.read() as connection:
        met = await bans.found(connection, Subjects([b"n" * 32, *KEYS]), [Entity("card", "CARDPSEUDONYM")], NOW)
    assert list(met) == [("card", "CARDPSEUDONYM")]  # also while the key is exchanged


async def test_an_id_that_comes_again(ledger: Ledger) -> None:
    """Databases give the id of a ban that was lifted to the next one, which is another thing all the same."""
    for number, card in enumerate(("FIRSTCARD", "SECONDCARD")):
        digest = Subjects(KEYS).ban_digests("card", card)[0]
        async with ledger.write() as connection:
            await connection.execute(BAN.delete())
            await connection.execute(BAN.insert().values(id=1, kind="card", digest=digest, confirmed_at=NOW - 100 + number))
        await write(ledger, bought(f"p{number}", account="newcomer", card=card, device=None), at=NOW + number)
    found = await Cases(ledger, lambda: NOW + 20).get((await rows(ledger, select(CASE)))[0].number)
    assert sorted(one.purchase or "" for one in found.openings) == ["p0", "p1"]
