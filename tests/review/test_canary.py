"""Canaries that go back by themselves, and what rules met."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import insert

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rule_hits import Appeals, Counted, appeals, counts, hits, of_records, request_counts, shadow_counts, trusted_hit
from ratelimit.ledger.tables.action import APPEAL
from ratelimit.ledger.tables.record import RECORD
from ratelimit.review.canary import SETTLED_S, CanaryWatch
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.review.rule_ledger import DAY_S, NOW, fill, purchase
from tests.review.rule_site import Site
from tests.stores.asker import clock
from tests.stores.conftest import Node

BLOCKED = {"decision": "block", "action": "refuse", "outcome": "", "reason": "rule_matched"}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as made:
        yield made


@pytest.fixture
async def site(ledger: Ledger, node: Node) -> AsyncIterator[Site]:
    node.client.flushall()
    store = RedisStore(Options(node.url, clock, 5.0, "check"))
    await store.open()
    yield await Site.open(ledger, store)
    await store.close()


@pytest.mark.parametrize(("hit", "step"), [(2, "canary"), (3, "shadow")])
async def test_rolls_back(site: Site, hit: int, step: str) -> None:
    """More than two trusted customers within an hour are too many; the others do not count."""
    version = await site.at("canary")
    now = site.now
    old, settled = now - SETTLED_S - DAY_S, range(10, 10 + hit)
    await fill(
        site.ledger,
        [
            *(purchase(number, old, {}, account=number) for number in settled),
            *(purchase(100 + number, now - 60, {}, account=number, rule="cards@1", **BLOCKED) for number in settled),
            purchase(1, now - DAY_S, {}, account=1),
            purchase(2, now - 60, {}, account=1, rule="cards@1", **BLOCKED),  # not settled
            purchase(3, old, {}, account=3, disputed=True),
            purchase(4, now - 60, {}, account=3, rule="cards@1", **BLOCKED),  # disputed then
            purchase(5, old, {}, account=5),
            purchase(6, now - DAY_S, {}, account=5, label="fraud"),
            purchase(7, now - 60, {}, account=5, rule="cards@1", **BLOCKED),  # fraud later
            purchase(8, old, {}, account=8),
            purchase(9, now - 60, {}, account=8, rule="cards", **BLOCKED),  # by another
        ],
    )
    watch = CanaryWatch(site.ledger, site.rules, lambda: now)
    await watch.look()
    await watch.look()
    assert (await site.rules.get("cards")).version(version.version).step == step
    assert watch.rolled_back == (1 if step == "shadow" else 0)


async def test_requests_count(ledger: Ledger) -> None:
    """Requests that a rule refused count as well, by the words and buckets that it has."""
    row = {"at": NOW - 60, "decision": "throttle", "reason": "rule_throttled", "method": "GET", "path": "/", "cost": 1, "weight": 1.0}
    names = ["rule:a_b@2", "rule:a_b@2:key", "rule:axb@2:key", "rule:a_b", "key"]
    records = [{**row, "id": name, "limit_name": name, "account": place} for place, name in enumerate(names)]
    await fill(ledger, [purchase(place, NOW - 300 * DAY_S, {}, account=place) for place in range(5)])
    async with ledger.write() as connection:
        await connection.execute(insert(RECORD), records)
    async with ledger.read() as connection:
        assert await trusted_hit(connection, "a_b@2", NOW - 3_600, NOW - SETTLED_S) == 2
        assert await request_counts(connection, NOW - 3_600) == {"a_b@2": 2, "axb@2": 1, "a_b": 1}


async def test_hits(ledger: Ledger) -> None:
    """What a rule decided and what it would have in shadow are found by its very name, latest first."""
    shadow = [{"limit": "a_b@2", "reason": "rule_matched"}]
    await fill(
        ledger,
        [
            purchase(1, NOW - 4, {}, shadow=shadow),
            purchase(2, NOW - 3, {}, rule="a_b@2", **BLOCKED),
            purchase(3, NOW - 2, {}, shadow=[{"limit": "axb@2", "reason": "rule_matched"}]),
            purchase(4, NOW - 1, {}, shadow=[]),
            purchase(5, NOW - 99, {}, shadow=shadow),
        ],
    )
    async with ledger.read() as connection:
        assert [(it.id, it.enforced) for it in await hits(connection, "a_b@2", NOW - 10, NOW)] == [("p2", True), ("p1", False)]
        assert await shadow_counts(connection, NOW - 10) == {"a_b@2": 1, "axb@2": 1}
        assert [it.id for it in await of_records(connection, ["r1", "r4", "gone"])] == ["p4", "p1"]


async def test_counts(ledger: Ledger) -> None:
    """Of what each rule decided the confirmed ones are told, and of appeals those that overturned it."""
    await fill(
        ledger,
        [
            purchase(1, NOW - 1, {}, rule="a", label="fraud"),
            purchase(2, NOW - 1, {}, rule="a", label="good"),
            purchase(3, NOW - 1, {}, rule="a"),
            purchase(4, NOW - 1, {}, rule="b"),
            purchase(5, NOW - 99, {}, rule="b"),
            purchase(6, NOW - 1, {}),
        ],
    )
    row = {"text": "x", "at": NOW, "case_number": 1, "by_login": "mira", "decision": {}}
    rows = [("upheld", "a"), ("overturned", "a@3"), ("open", "a"), ("upheld", "rule:a:key"), ("overturned", "ab")]
    async with ledger.write() as connection:
        await connection.execute(insert(APPEAL), [{**row, "reference": by, "state": state, "decided_first_by": by} for state, by in rows])
    async with ledger.read() as connection:
        assert await counts(connection, NOW - 10) == {"a": Counted(3, 1, 1), "b": Counted(1, 0, 0)}
        assert await appeals(connection) == {"a": Appeals(3, 1), "ab": Appeals(1, 1)}
