"""Requests of people about their data: what is done at once, what waits for a second person, and what an export holds."""

import json
from datetime import datetime
from typing import Any, NamedTuple, get_args

import msgspec
import numpy as np
import pytest
from sqlalchemy import select

from ratelimit.core.decision import Reason
from ratelimit.core.principal import OPERATOR, Principal, Role
from ratelimit.core.privacy import MEANING, RequestKind, month_after
from ratelimit.core.profile import STATE, STATE_BYTES
from ratelimit.ledger import privacy
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.audit import AUDIT
from ratelimit.review.erasing import Erasing
from ratelimit.review.exporting import Exporting
from ratelimit.review.place import Place
from ratelimit.review.privacy import Privacy
from ratelimit.review.privacy_request import NoRequestError, NotYoursError, PrivacyAsked, PrivacyError
from ratelimit.service.spared import Spared
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.stores.client import RedisStore
from tests.review.case_site import hired
from tests.review.test_erasing import EMAIL, HOME, LEDGER_KEY, everything, fill
from tests.service.conftest import own_node, store
from tests.service.purchase_site import KEYS, Site, site
from tests.service.test_forgetting import ACCOUNT, KEY, OTHER, lived

__all__ = ["lived", "own_node", "site", "store"]  # fixtures

NOW = 1_800_000_000.0  # 15 January 2027


def person(id: int, role: Role = "analyst", via: Any = "session") -> Principal:
    return Principal(id=id, login=f"p{id}", name=f"Person {id}", role=role, via=via)


MIRA, ADA, BEA = person(1), person(2, "admin"), person(3, "admin")


class Room(NamedTuple):
    privacy: Privacy
    ledger: Ledger
    here: Site
    queue: WebhookQueue

    async def ask(self, kind: RequestKind, by: Principal = MIRA, account: str = ACCOUNT, text: str = "") -> Any:
        return await self.privacy.ask(PrivacyAsked(account=account, kind=kind, verified_by="reply from its mailbox", text=text), by)

    async def audited(self) -> list[str]:
        async with self.ledger.read() as connection:
            return list((await connection.execute(select(AUDIT.c.kind).order_by(AUDIT.c.seq))).scalars())


@pytest.fixture
async def room(ledger: Ledger, lived: Site, store: RedisStore) -> Room:
    subjects, queue = Subjects([LEDGER_KEY]), WebhookQueue(store, lived.wall)
    await hired(ledger, MIRA, ADA, BEA)
    place = Place(ledger, subjects, store, lived.standings, KEYS)

    def wall() -> float:
        return NOW

    made = Privacy(
        ledger,
        subjects,
        erasing=Erasing(place, wall),
        exporting=Exporting(place),
        spared=Spared(lived.standings, wall),
        told=lambda: queue,
        wall=wall,
    )
    return Room(made, ledger, lived, queue)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2027-01-15T08:00:00", "2027-02-15T08:00:00"),
        ("2027-01-31T08:00:00", "2027-02-28T08:00:00"),
        ("2028-01-31T08:00:00", "2028-02-29T08:00:00"),
        ("2027-12-31T23:59:00", "2028-01-31T23:59:00"),
    ],
)
def test_one_month(asked: str, due: str) -> None:
    """The same day of the next month, or its last one."""
    at = datetime.fromisoformat(f"{asked}+00:00").timestamp()
    assert month_after(at) == datetime.fromisoformat(f"{due}+00:00").timestamp()


def test_every_reason_has_a_meaning() -> None:
    """Whoever gets their data can read why each decision was made."""
    assert set(get_args(Reason)) <= set(MEANING)


async def test_export(room: Room) -> None:
    """All that is kept, with reasons in words and how decisions are made; nothing of the other account, nobody's name of the operator."""
    await fill(room.ledger)
    asked = await room.ask("export")
    assert (asked.state, asked.due_at) == ("asked", month_after(NOW))
    found = await room.privacy.export(asked.id, MIRA)
    text = json.dumps(found)
    assert (found["account"], len(found["requests"]), len(found["purchases"]), len(found["life"])) == (ACCOUNT, 1_501, 1, 1)
    assert found["requests"][0]["meaning"].startswith("more tokens were asked for")
    assert {row["address"] for row in found["requests"]} == {HOME}
    assert {one["shown"] for one in found["used"]} >= {EMAIL, HOME, "visa 4242"}
    assert {one["then"] for one in found["in_force"]} == {"block", "unscored", "hold", "allow"}
    assert found["complete"] is True
    assert found["cases"][0]["number"] == 1042
    assert len(found["how_decisions_are_made"]) >= 4
    for foreign in (OTHER, '"eve"'):
        assert foreign not in text
    assert (await room.privacy.get(asked.id)).state == "done"
    assert await room.audited() == ["noted", "blocked", "blocked", "privacy_asked", "privacy_exported"]


async def test_the_profile_is_in_it(room: Room) -> None:
    """What the store remembers of how the account was used comes out as signals with their meaning."""
    state = np.zeros(1, STATE)
    state["first"], state["last"], state["at"] = NOW - 60, NOW, NOW
    room.here.client.set(KEYS.profile_namer("account")(ACCOUNT), state.tobytes()[:STATE_BYTES])
    found = await room.privacy.export((await room.ask("export")).id, MIRA)
    (profile,) = found["profiles"]
    assert profile["of"] == f"account:{ACCOUNT}"
    assert {"name": "attempts_10s", "unit": "requests", "value": 0.0}.items() <= profile["signals"][0].items()
    assert msgspec.json.encode(found)


@pytest.mark.parametrize("kind", ["restrict", "object"])
async def test_no_model(room: Room, kind: RequestKind) -> None:
    """In force at once for the account and its own keys, known to whoever trains; lost words come back; ends when withdrawn."""
    of = await fill(room.ledger)
    asked = await room.ask(kind)
    assert asked.state == "done"
    assert room.here.standings.unscored == {("account", ACCOUNT), ("api_key", KEY)}
    async with room.ledger.read() as connection:
        assert of["account"] in await privacy.restricted(connection)
    await room.privacy._spared.end(room.privacy._spared.all())
    await room.privacy.carry_on()
    assert room.here.standings.unscored == {("account", ACCOUNT), ("api_key", KEY)}
    if kind == "restrict":  # the fixture has an objection as well
        await room.privacy.withdraw(asked.id, MIRA)
        assert room.here.standings.unscored != set()
    else:
        await room.privacy.withdraw(asked.id, MIRA)
        assert room.here.standings.unscored == set()
        assert (await room.privacy.get(asked.id)).state == "withdrawn"


async def test_erasure_needs_another_admin(room: Room) -> None:
    """Not an analyst, not who entered it, no token; a second admin in person, and then nothing is left."""
    await fill(room.ledger)
    asked = await room.ask("erase", ADA)
    token = Principal(id=-7, login="token:ops", name="ops", role="admin", via="token", scopes=frozenset({"privacy:write"}))
    for who in (MIRA, ADA, OPERATOR, token):
        with pytest.raises(NotYoursError):
            await room.privacy.approve(asked.id, who)
    assert ACCOUNT in await everything(room.ledger)
    done = await room.privacy.approve(asked.id, BEA)
    assert (done.state, done.account, done.second_by) == ("done", None, BEA.id)
    assert done.report is not None
    assert done.report["rows"] == 1_502
    after = await everything(room.ledger)
    assert [secret for secret in (ACCOUNT, EMAIL, HOME, KEY) if secret in after] == []
    with pytest.raises(PrivacyError, match="done already"):
        await room.privacy.approve(asked.id, BEA)
    assert [json.loads(one.body)["type"] for one in await room.queue.take(10)].count("account.erased") == 1
    assert (await room.audited())[-3:] == ["privacy_approved", "forgotten", "privacy_erased"]


async def test_a_correction(room: Room) -> None:
    """A person makes it, and says what was done."""
    asked = await room.ask("correct", text="the label of p1 is wrong: it was me")
    assert [it.id for it in await room.privacy.requests()] == [asked.id]
    assert await room.privacy.waiting() == 1
    done = await room.privacy.close(asked.id, ADA, "labelled good")
    assert (done.state, done.report) == ("done", {"text": "labelled good"})
    assert await room.privacy.waiting() == 0
    assert [it.id for it in await room.privacy.requests(closed=True)] == [asked.id]


async def test_mistakes(room: Room) -> None:
    """What cannot be is said in words: no such request, the same twice, not of that kind, closed before."""
    with pytest.raises(NoRequestError, match="no request 99"):
        await room.privacy.get(99)
    asked = await room.ask("export")
    with pytest.raises(PrivacyError, match=f"request {asked.id} is open"):
        await room.ask("export")
    with pytest.raises(PrivacyError, match="needs no second person"):
        await room.privacy.approve(asked.id, BEA)
    with pytest.raises(PrivacyError, match="only a correction"):
        await room.privacy.close(asked.id, MIRA, "x")
    refused = await room.privacy.refuse(asked.id, MIRA, "not the holder of the account")
    assert refused.state == "refused"
    with pytest.raises(PrivacyError, match="refused already"):
        await room.privacy.withdraw(asked.id, MIRA)
    other = await room.ask("correct")
    with pytest.raises(PrivacyError, match="not for an export"):
        await room.privacy.export(other.id, MIRA)
