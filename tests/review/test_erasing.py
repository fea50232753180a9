"""An account is erased from ledger and store, carried on after a fault, and erased again where an old backup is restored."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from ratelimit.core.message import Entity
from ratelimit.core.privacy import JOURNAL_S
from ratelimit.core.standing import Target
from ratelimit.ledger import privacy, views
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.action import ACTION, APPEAL, KNOWN_NORMAL, LABEL
from ratelimit.ledger.tables.audit import AUDIT_CONTENT
from ratelimit.ledger.tables.case import CANDIDATE, CASE, OPENING
from ratelimit.ledger.tables.every import SCHEMA
from ratelimit.ledger.tables.privacy import PRIVACY_REQUEST, RESTRICTION
from ratelimit.ledger.tables.purchase import LIFE, LINK, PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review import audit
from ratelimit.review.audit_check import verify
from ratelimit.review.erasing import Erasing
from ratelimit.review.place import Place
from ratelimit.service.ask import StoreAwayError
from ratelimit.stores.client import RedisStore
from tests.ledger.database import opened
from tests.service.conftest import own_node, store
from tests.service.purchase_site import KEYS, Site, site
from tests.service.test_forgetting import ACCOUNT, KEY, OTHER, dump, lived

__all__ = ["lived", "own_node", "site", "store"]  # fixtures

EMAIL, HOME, OFFICE = "quinn@mailbox.test", "203.0.113.77", "198.51.100.9"
LEDGER_KEY = b"l" * 32
T0 = 1_790_000_000.0
ENTITIES = {
    "account": Entity("account", ACCOUNT),
    "other": Entity("account", OTHER),
    "key": Entity("api_key", KEY),
    "home": Entity("ip", HOME),
    "office": Entity("ip", OFFICE),
    "email": Entity("email", "E" * 22, EMAIL),
    "card": Entity("card", "C" * 22, "visa 4242"),
}


def record(id: str, **columns: Any) -> dict[str, Any]:
    sound = {"at": T0, "decision": "throttle", "reason": "rate_exceeded", "method": "GET", "path": "/v1/x", "cost": 1}
    empty = dict.fromkeys(("account", "api_key", "address", "user_agent"))
    return {"id": id, **sound, **empty, **columns}


def purchase(id: str, **columns: Any) -> dict[str, Any]:
    sound = {"attempt": 1, "record": f"r-{id}", "at": T0, "kind": "purchase", "amount_minor": 100, "tokens": 5, "decision": "allow"}
    return {"id": id, **sound, "action": "accept", "reason": "ok", "hold_ratio": 0.0, "held": 0, **columns}


async def fill(ledger: Ledger) -> dict[str, int]:
    """An account with all that there can be of it, and another that shares a card and an office with it."""
    async with ledger.write() as connection:
        found = await Subjects([LEDGER_KEY]).ids(connection, ENTITIES.values(), T0)
        of = {name: found[it.kind, it.value] for name, it in ENTITIES.items()}
        mine, theirs = of["account"], of["other"]
        rows = [record(f"m{number}", account=mine, address=of["home"], path=f"/u/{ACCOUNT}") for number in range(1_500)]
        rows += [record("k", api_key=of["key"], address=of["home"], user_agent=f"app of {ACCOUNT}"), record("n", address=of["home"])]
        await connection.execute(insert(RECORD), [*rows, record("o", account=theirs, address=of["office"], user_agent=None)])
        links = [(mine, "key"), (mine, "home"), (mine, "office"), (mine, "email"), (mine, "card"), (theirs, "office"), (theirs, "card")]
        at = {"first_at": T0, "last_at": T0, "count": 3}
        await connection.execute(insert(LINK), [{"subject": whose, "entity": of[name], "how": "paid", **at} for whose, name in links])
        shared = {"address": of["office"], "card": of["card"], "user_agent": "Firefox"}
        await connection.execute(
            insert(PURCHASE),
            [
                purchase("p1", account=mine, email=of["email"], billing_country="AT", last4="4242", **shared),
                purchase("p2", account=theirs, email=None, billing_country="AT", last4="4242", **shared),
            ],
        )
        life = {"at": T0, "type": "login", "api_key": None, "user_agent": None}
        await connection.execute(insert(LIFE), [{"source": "l1", "account": mine, "address": of["home"], **life}])
        case = {"anchor": mine, "state": "closed", "opened_at": T0, "opened_by": "rule", "opened_word": ACCOUNT, "priority": 1, "rank": 1}
        case |= {"expected_loss_minor": 0, "at_risk_minor": 0, "blast_radius": 0, "reasons": [{"value": ACCOUNT}], "reasons_key": "x"}
        await connection.execute(insert(CASE), [{"number": 1042, **case, "due_at": T0, "why": f"{ACCOUNT} it is"}])
        opening = {"reference": "ref", "case_number": 1042, "source": "s", "kind": "rule", "text": f"about {ACCOUNT}", "at": T0}
        await connection.execute(insert(OPENING), [opening])
        action = {"then": "block", "target_kind": "account", "target": mine, "by": 1, "by_login": "eve", "at": T0, "state": "undone"}
        await connection.execute(
            insert(ACTION), [{**action, "reason": f"{EMAIL} asked", "before": {"target": ACCOUNT}, "detail": {}, "key": "k1"}]
        )
        label = {
            "target_kind": "account",
            "target": mine,
            "verdict": "fraud",
            "source": "analyst",
            "known_at": T0,
            "by": "eve",
            "told": f"x:{ACCOUNT}",
        }
        await connection.execute(insert(LABEL), [{**label, "told": f"x:{ACCOUNT}"}])
        flagged = {"anchor": mine, "kind": "model", "at": T0, "expected_loss_minor": 1, "chance": 0.5, "flag": ACCOUNT.encode()}
        await connection.execute(insert(CANDIDATE), [flagged])
        normal = {"subject": mine, "reasons_key": "x", "by": 1, "at": T0, "until": T0 + 9}
        await connection.execute(insert(KNOWN_NORMAL), [normal])
        await connection.execute(
            insert(APPEAL),
            [
                {
                    "reference": "r",
                    "text": f"I am {EMAIL}",
                    "at": T0,
                    "state": "open",
                    "case_number": 1042,
                    "by_login": "api",
                    "decision": {"subject": ACCOUNT},
                }
            ],
        )
        asked = {"subject": mine, "kind": "export", "state": "done", "asked_at": T0, "due_at": T0, "verified_by": EMAIL, "by": 1}
        await connection.execute(insert(PRIVACY_REQUEST), [{**asked, "by_login": "eve", "detail": {"why": ACCOUNT}}])
        await connection.execute(insert(RESTRICTION), [{"subject": mine, "kind": "object", "at": T0}])
        await audit.append(connection, "eve", "noted", {"text": f"asked {EMAIL}"}, at=T0, case=1042)
        await audit.append(connection, "eve", "blocked", {"who": ACCOUNT}, at=T0, subject=mine)
        await audit.append(connection, "eve", "blocked", {"who": OTHER}, at=T0, subject=theirs)
    return of


async def everything(ledger: Ledger) -> str:
    """All rows of all tables as text."""
    async with ledger.read() as connection:
        rows = [row for table in SCHEMA.sorted_tables for row in await connection.execute(select(table))]
    return json.dumps([[str(bytes(it) if isinstance(it, memoryview) else it) for it in row] for row in rows])


async def count(ledger: Ledger, table: Any) -> int:
    async with ledger.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@pytest.fixture
async def erasing(ledger: Ledger, lived: Site, store: RedisStore) -> Erasing:
    return Erasing(Place(ledger, Subjects([LEDGER_KEY]), store, lived.standings, KEYS), lambda: T0 + 100)


SECRETS = (ACCOUNT, EMAIL, HOME, KEY)


async def test_nothing_is_left(erasing: Erasing, ledger: Ledger, lived: Site) -> None:
    """Neither in any row nor in the store, and on SQLite not in any byte of its files; the chain of the audit still verifies."""
    of = await fill(ledger)
    before = await everything(ledger)
    assert [secret for secret in SECRETS if secret not in before] == []
    erased = await erasing.erase(of["account"])
    after = await everything(ledger)
    assert [secret for secret in SECRETS if secret in after] == []
    stored = dump(lived.client)
    assert [secret for secret in SECRETS if secret.encode() in stored] == []
    if ledger.dialect == "sqlite":
        folder = Path(ledger.url.removeprefix("sqlite+aiosqlite:///")).parent
        raw = b"".join(path.read_bytes() for path in folder.glob("ledger.db*"))
        assert b"robin" in raw
        assert [secret for secret in SECRETS if secret.encode() in raw] == []
    assert (erased.rows, erased.names, erased.audit) == (1_502, 4, 2)
    async with ledger.read() as connection:
        assert (await verify(connection)).whole


async def test_others_keep_what_is_theirs(erasing: Erasing, ledger: Ledger) -> None:
    """The shared office and card stay with the other account; books and labels stay, of nobody; so do requests of nobody in particular."""
    of = await fill(ledger)
    await erasing.erase(of["account"])
    async with ledger.read() as connection:
        names = set((await connection.execute(select(SUBJECT.c.shown))).scalars())
        assert names == {OTHER, OFFICE, "visa 4242"}
        bought = {row.id: row for row in await connection.execute(select(PURCHASE))}
        records = set((await connection.execute(select(RECORD.c.id))).scalars())
        links = list((await connection.execute(select(LINK.c.subject))).scalars())
        (contents,) = (await connection.execute(select(func.count()).where(AUDIT_CONTENT.c.subject == of["other"]))).one()
    assert (bought["p1"].amount_minor, bought["p1"].card, bought["p1"].email, bought["p1"].user_agent) == (100, None, None, None)
    assert (bought["p1"].billing_country, bought["p1"].last4) == (None, "4242")
    assert (bought["p2"].card, bought["p2"].billing_country) == (of["card"], "AT")
    assert (bought["p2"].address, bought["p2"].user_agent) == (of["office"], "Firefox")
    assert records == {"n", "o"}
    assert links == [of["other"]] * 2
    assert contents == 1
    assert await count(ledger, LABEL) == 1


async def test_carried_on(erasing: Erasing, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store goes away in between, the name is still there, and the next call does the rest."""
    of = await fill(ledger)

    async def away(*_: Any) -> None:
        raise StoreAwayError

    with monkeypatch.context() as patch:
        patch.setattr(erasing._forgetting, "forget", away)
        with pytest.raises(StoreAwayError):
            await erasing.erase(of["account"])
    assert ACCOUNT in await everything(ledger)
    await erasing.replay()  # the journal knows of it
    assert ACCOUNT not in await everything(ledger)
    assert (await erasing.erase(of["account"])).rows == 0


def _restore(folder: Path) -> None:
    for path in folder.glob("ledger.db*"):
        path.unlink()
    shutil.copy(folder / "backup.db", folder / "ledger.db")


async def test_a_restored_ledger(tmp_path: Path, lived: Site, store: RedisStore) -> None:
    """From a backup without the erasure and without its journal, the store's journal has it erased again; who came later is left alone."""
    url = f"sqlite://{tmp_path / 'ledger.db'}"
    async with opened(url) as ledger:
        of = await fill(ledger)
        await ledger.close()
        shutil.copy(tmp_path / "ledger.db", tmp_path / "backup.db")
        place = Place(ledger, Subjects([LEDGER_KEY]), store, lived.standings, KEYS)
        await Erasing(place, lambda: T0 + 100).erase(of["account"])
    _restore(tmp_path)
    async with opened(url) as ledger:
        assert ACCOUNT in await everything(ledger)
        again = Erasing(Place(ledger, Subjects([LEDGER_KEY]), store, lived.standings, KEYS), lambda: T0 + 5_000)
        assert await again.replay() == 1
        assert ACCOUNT not in await everything(ledger)
        async with ledger.write() as connection:
            await Subjects([LEDGER_KEY]).ids(connection, [ENTITIES["account"]], T0 + 4_000)
        assert await again.replay() == 0
        assert ACCOUNT in await everything(ledger)


async def test_a_restored_store(erasing: Erasing, ledger: Ledger, lived: Site) -> None:
    """A word that an old store brings back goes again, since the ledger's journal has it; a new one stays."""
    of = await fill(ledger)
    await erasing.erase(of["account"])
    lived.client.delete("rl1:{forgotten}")
    await lived.put(Target("account", ACCOUNT), "block", id="old", made_at=T0)
    assert await erasing.replay() == 1
    assert lived.standings.get("old") is None
    assert lived.client.hlen("rl1:{forgotten}") == 1
    await lived.put(Target("account", ACCOUNT), "block", id="new", made_at=T0 + 9_000)
    assert await erasing.replay() == 0
    assert lived.standings.get("new") is not None


async def test_the_journal_ends(erasing: Erasing, ledger: Ledger, lived: Site) -> None:
    """What no backup has any more is not kept in the journals either."""
    of = await fill(ledger)
    await erasing.erase(of["account"])
    later = Erasing(Place(ledger, Subjects([LEDGER_KEY]), erasing._store, lived.standings, KEYS), lambda: T0 + 200 + JOURNAL_S)
    await later.replay()
    async with ledger.read() as connection:
        assert await privacy.journalled(connection) == []
    assert lived.client.hlen("rl1:{forgotten}") == 0


async def test_what_was_written_of_it_elsewhere(erasing: Erasing, ledger: Ledger) -> None:
    """Notes and reasons of others' cases that name it lose that; what only looks like its name stays, and the chain verifies."""
    of = await fill(ledger)
    async with ledger.write() as connection:
        named = {"then": "block", "target_kind": "account", "target": of["other"], "by": 1, "by_login": "eve", "at": T0, "state": "ended"}
        reasons = [f"the same hand as {ACCOUNT.upper()}, see {EMAIL}", f"not {ACCOUNT}2 nor un{ACCOUNT}"]
        rows = [{**named, "reason": text, "before": {}, "detail": {}, "key": text[:9]} for text in reasons]
        await connection.execute(insert(ACTION), rows)
        for text in (f'shares with "{EMAIL}"', f"never heard of {ACCOUNT}2"):
            await audit.append(connection, "eve", "case.noted", {"text": text, "mentions": []}, at=T0, subject=of["other"])
    erased = await erasing.erase(of["account"])
    assert erased.struck == 1
    async with ledger.read() as connection:
        left = set((await connection.execute(select(ACTION.c.reason).where(ACTION.c.target == of["other"]))).scalars())
        notes = list((await connection.execute(select(AUDIT_CONTENT.c.content).where(AUDIT_CONTENT.c.subject == of["other"]))).scalars())
        assert (await verify(connection)).whole
    assert left == {"the same hand as [erased], see [erased]", f"not {ACCOUNT}2 nor un{ACCOUNT}"}
    assert not any(EMAIL in note for note in notes)
    assert any(f"{ACCOUNT}2" in note for note in notes)


async def test_however_it_is_written(erasing: Erasing, ledger: Ledger) -> None:
    """Behind a line's end or a quotation mark a name is one, also in letters of which databases know no small ones, and in a rule's why."""
    async with ledger.write() as connection:
        ids = await Subjects([LEDGER_KEY]).ids(connection, [Entity("account", "özgür"), ENTITIES["other"]], T0)
        named = {"then": "block", "target_kind": "account", "target": ids["account", OTHER], "by": 1, "by_login": "eve", "at": T0}
        reasons = ["like ÖZGÜR", "like Özgür", "özgür " * 83]
        rows = [{**named, "state": "ended", "reason": text, "before": {}, "detail": {}, "key": text[:12]} for text in reasons]
        await connection.execute(insert(ACTION), rows)
        for text in ("first\nözgür", "“ÖZGÜR”", "—Özgür"):
            await audit.append(connection, "eve", "case.noted", {"text": text, "mentions": []}, at=T0, subject=ids["account", OTHER])
        await audit.append(connection, "eve", "rule.promoted", {"rule": "r", "why": "stops özgür"}, at=T0)
        await audit.append(connection, "eve", "person.changed", {"login": "özgür", "person": 1}, at=T0)
    erased = await erasing.erase(ids["account", "özgür"])
    assert erased.struck == 3
    async with ledger.read() as connection:
        left = list((await connection.execute(select(ACTION.c.reason))).scalars())
        contents = [json.loads(text) for text in (await connection.execute(select(AUDIT_CONTENT.c.content))).scalars()]
    assert [text for text in left if "zg" in text.lower()] == []
    assert [content for content in contents if "zg" in str(content).lower()] == [{"login": "özgür", "person": 1}]


async def test_a_view_that_looks_for_it(erasing: Erasing, ledger: Ledger) -> None:
    """What people saved to look for it goes, however its name stands in the address; what looks for others stays."""
    of = await fill(ledger)
    async with ledger.write() as connection:
        for name, query in (("mine", "text=quinn%40mailbox.test&tab=mine"), (f"about {ACCOUNT}", "tab=mine"), ("all", "text=quinn")):
            await views.save(connection, 1, "queue", name, query)
    await erasing.erase(of["account"])
    async with ledger.read() as connection:
        assert [view.name for view in await views.of_person(connection, 1, "queue")] == ["all"]


async def test_a_reason_in_the_store(erasing: Erasing, ledger: Ledger, lived: Site) -> None:
    """A word about another that gives it as the reason stands on without its name, and no version of before is left."""
    of = await fill(ledger)
    await lived.put(Target("account", OTHER), "block", id="like", reason=f"like {ACCOUNT.title()} and {EMAIL}")
    assert (await erasing.erase(of["account"])).struck == 1
    word = lived.standings.get("like")
    assert word is not None
    assert (word.then, word.reason) == ("block", "like [erased] and [erased]")
    assert [secret for secret in (ACCOUNT.title(), EMAIL) if secret.encode() in dump(lived.client)] == []
