"""The page of lists and overrides: said, changed, ended, found again; tried before; hostile reasons and targets."""

from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from ratelimit.console.lists import ListPages
from ratelimit.console.lists_view import Filter, chosen
from ratelimit.console.render import Console
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.standing import Standing, Target
from ratelimit.ledger.intake import Batch
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT
from ratelimit.review.witness import Witness
from ratelimit.review.words import Words
from ratelimit.service.overrides import Overrides
from ratelimit.service.standings import Standings
from ratelimit.stores.client import RedisStore
from tests.console.conftest import NOW, Browser, Serve
from tests.review.ledger_stream import KEYS, decided, intake_of
from tests.service.conftest import own_node, store
from tests.web.lane import person

__all__ = ["own_node", "store"]  # fixtures

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 5, "refill": "1/h"}}
LIST = {"name": "office", "then": "allow", "reason": "our own office", "subjects": ["203.0.113.0/24", "account:we"]}
BLOCK = {"target": "ip:192.0.2.7", "then": "block", "for": "24h", "reason": "login spray"}
HOSTILE = "<script>alert(1)</script>\u202e"


class Site(NamedTuple):
    pages: ListPages
    standings: Standings
    words: Words
    ledger: Ledger

    async def audited(self) -> list[tuple[str, str]]:
        async with self.ledger.read() as connection:
            return [tuple(row) for row in await connection.execute(select(AUDIT.c.kind, AUDIT.c.actor).order_by(AUDIT.c.seq))]


@pytest.fixture
def site(ledger: Ledger, console: Console, store: RedisStore) -> Site:
    policy = Policy(parse_policy({"version": 1, "limits": [LIMIT], "lists": [LIST]}, "test"))

    def now() -> float:
        return NOW

    standings = Standings(store, now)
    overrides = Overrides(standings, bytes(32), lambda: policy, now)
    subjects = Subjects(KEYS)
    words = Words(overrides, ledger, subjects, Witness(ledger, subjects, now), now)
    return Site(ListPages(console, words, overrides, standings, lambda: policy), standings, words, ledger)


async def browser(site: Site, serve: Serve, role: Any = "analyst") -> Browser:
    return await serve(site.pages.routes(), person(1, role))


async def test_life_of_a_word(site: Site, serve: Serve) -> None:
    """Said by whoever is logged in, shown with who, why and until when, changed, ended with a reason, audited."""
    here = await browser(site, serve)
    status, _, headers = await here.post("/lists", BLOCK)
    assert (status, headers["Location"]) == (303, "/lists?said=made")
    (word,) = site.standings.all()
    assert (word.author, word.then, word.until) == ("p1", "block", NOW + 86_400)
    _, text, _ = await here.get("/lists?said=made")
    for said in ("192.0.2.7", "login spray", "24 h left", "p1", "Blocked made", "Said; every sidecar", "office", "our own office"):
        assert said in text
    _, text, _ = await here.get(f"/lists/{word.id}")
    assert "Change an override" in text
    assert 'value="ip:192.0.2.7"' in text
    assert (await here.post(f"/lists/{word.id}", {**BLOCK, "then": "allow", "reason": "it was us"}))[0] == 303
    (after,) = site.standings.all()
    assert (after.then, after.version, after.made_at) == ("allow", 2, word.made_at)
    assert (await here.post(f"/lists/{word.id}/end", {"reason": ""}))[0] == 422
    assert (await here.post(f"/lists/{word.id}/end", {"reason": "over"}))[0] == 303
    assert site.standings.all() == []
    assert (await here.post(f"/lists/{word.id}/end", {"reason": "over"}))[0] == 404
    assert await site.audited() == [("override_made", "p1"), ("override_edited", "p1"), ("override_ended", "p1")]
    assert "Allowed ended" in (await here.get("/lists"))[1]
    async with site.ledger.read() as connection:
        contents = list(await connection.execute(select(AUDIT_CONTENT.c.content, AUDIT_CONTENT.c.subject)))
    assert all("192.0.2.7" not in content and subject is not None for content, subject in contents)


@pytest.mark.parametrize(
    ("fields", "place", "said"),
    [
        ({"target": "nobody"}, "target", "expected"),
        ({"target": "network:10.0.0.0/8"}, "target", "wide"),
        ({"then": "throttle"}, "bucket.capacity", "missing"),
        ({"then": "bucket", "bucket.capacity": "5", "bucket.refill": "1/h", "limit": "kye"}, "limit", "key"),
        ({"then": "throttle", "bucket.capacity": "5", "bucket.refill": "soon"}, "bucket.refill", ""),
        ({"for": "0s"}, "for", "ends at once"),
        ({"target": "account:quinn", "for": "30d"}, "for", "72 h"),
        ({"target": "account:quinn", "for": ""}, "for", "72 h"),
        ({"reason": "x"}, "reason", ""),
    ],
)
async def test_what_cannot_be(site: Site, serve: Serve, fields: dict[str, str], place: str, said: str) -> None:
    """It is said beside its field, what was filled in is still there, and nothing stands."""
    here = await browser(site, serve)
    status, text, _ = await here.post("/lists", {**BLOCK, **fields})
    assert status == 422
    assert f'id="h-{place}"' in text
    assert said in text
    assert site.standings.all() == []
    _, text, _ = await here.post("/lists/check", {**BLOCK, **fields})
    assert 'role="alert"' in text


async def test_tried_first(site: Site, serve: Serve) -> None:
    """What the target did in the last day, an estimate from a sample; of who is not known that is said. Nothing stands by it."""
    sampled = decided(99, at=NOW - 60, address="192.0.2.7", decision="allow", reason="ok", weight=1_000.0)
    refused = [decided(n, at=NOW - 60, address="192.0.2.7") for n in range(3)]
    await intake_of(site.ledger).write([Batch("b", [*refused, sampled])], NOW)
    here = await browser(site, serve)
    status, text, _ = await here.post("/lists/check", BLOCK)
    assert status == 200
    assert "about 1,003, of which 3 were refused" in text
    assert (await here.post("/lists/check", {**BLOCK, "reason": " "}))[1] == text  # why is thought of afterwards
    assert "nothing is known of it" in (await here.post("/lists/check", {**BLOCK, "target": "ip:192.0.2.8"}))[1]
    assert site.standings.all() == []


async def test_hostile(site: Site, serve: Serve) -> None:
    """Neither a reason nor a target runs, and no direction is turned around."""
    here = await browser(site, serve)
    assert (await here.post("/lists", {**BLOCK, "target": f"account:{HOSTILE}", "reason": HOSTILE}))[0] == 303
    _, text, _ = await here.get("/lists")
    assert "<script>alert" not in text
    assert "\u202e" not in text
    (word,) = site.standings.all()
    assert "<script>alert" not in (await here.get(f"/lists/{word.id}"))[1]
    assert "<script>alert" not in (await here.post("/lists/check", {**BLOCK, "target": f"account:{HOSTILE}"}))[1]


async def test_a_viewer_changes_nothing(site: Site, serve: Serve) -> None:
    """No form, no reason, and addresses without their last part."""
    await (await browser(site, serve)).post("/lists", BLOCK)
    _, text, _ = await (await browser(site, serve, "viewer")).get("/lists")
    for secret in ("192.0.2.7", "login spray", "Say something", ">End<"):
        assert secret not in text


@pytest.mark.parametrize(
    "query",
    ["source=rule", "source=nothing", "soon=true", "q=spray", "q=%00%ff", "page=999999999999", "page=-1", "page=%F0%9F%92%A5"],
)
async def test_any_query(site: Site, serve: Serve, query: str) -> None:
    """Whatever stands in the address is a page."""
    assert (await (await browser(site, serve)).get(f"/lists?{query}"))[0] == 200


def word(id: str, **fields: Any) -> Standing:
    sound = {"target": Target("ip", "192.0.2.1"), "then": "block", "source": "override", "reason": "r", "author": "a", "made_at": NOW}
    return Standing(id=id, **{**sound, **fields})


def test_filter() -> None:
    """By source, word, text in any of its parts, and by what ends within a day, that first."""
    words = [
        word("1", made_at=NOW - 5, reason="Login spray"),
        word("2", until=NOW + 5_000, author="mira"),
        word("3", until=NOW + 3_000, then="allow", target=Target("account", "Quinn")),
        word("4", source="rule"),
        word("5", until=NOW + 90_000),
    ]

    def found(**fields: Any) -> list[str]:
        return [one.id for one in chosen(words, Filter(**fields), NOW, "analyst")]

    assert found() == ["2", "3", "5", "1"]
    assert found(source="rule") == ["4"]
    assert found(then="allow") == ["3"]
    assert found(q="LOGIN") == ["1"]
    assert found(q="quinn") == ["3"]
    assert found(q="mira") == ["2"]
    assert found(soon=True) == ["3", "2"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("192.0.2.", ["1"]),  # so much of an address is shown
        ("192.0.2.7", ["1"]),
        ("IP:192.0.2.7", ["1"]),
        ("0.2.7", []),
        ("quinn", ["2"]),
        ("quinn-4711", ["2"]),
        ("quinn-4", []),
        ("4711", []),
        ("spray", []),  # reasons are not shown
        ("mira", ["2"]),
    ],
)
def test_a_viewer_spells_nothing_out(q: str, found: list[str]) -> None:
    """Whoever sees names masked finds words by what is shown of them, or by the whole of a name."""
    words = [
        word("1", target=Target("ip", "192.0.2.7"), reason="login spray"),
        word("2", target=Target("account", "quinn-4711"), author="mira"),
    ]
    assert [one.id for one in chosen(words, Filter(q=q), NOW, "viewer")] == found
