"""Overrides by people and tokens on the operator lane: who the author is, what is audited, what needs two, and what a viewer sees."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.principal import OPERATOR, Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.audit import AUDIT
from ratelimit.review.witness import Witness
from ratelimit.review.words import Words
from ratelimit.service.overrides import Overrides
from ratelimit.service.standings import Standings
from ratelimit.stores.client import RedisStore
from ratelimit.web.overrides import OVERRIDES, OverrideCalls
from tests.review.ledger_stream import KEYS
from tests.service.conftest import own_node, store
from tests.web.lane import Lane, person, serving

__all__ = ["own_node", "store"]  # fixtures

HOUR = 3_600.0
LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 5, "refill": "1/h"}}
BLOCK = {"target": "account:halden-studio", "then": "block", "for": "72h", "reason": "stolen key", "author": "somebody else"}
TOKEN = Principal(id=-1, login="token:ci", name="ci", role="analyst", via="token", scopes=frozenset({"overrides:write"}))


class Site(NamedTuple):
    lane: Lane
    ledger: Ledger
    clock: list[float]

    async def audited(self) -> list[tuple[str, str]]:
        async with self.ledger.read() as connection:
            return [tuple(row) for row in await connection.execute(select(AUDIT.c.kind, AUDIT.c.actor).order_by(AUDIT.c.seq))]

    async def edit(self, id: str, **more: Any) -> tuple[int, Any]:
        return await self.lane.ask("PUT", f"{OVERRIDES}/{id}", {**BLOCK, **more})


@pytest.fixture
async def site(ledger: Ledger, store: RedisStore) -> AsyncIterator[Site]:
    policy, clock = Policy(parse_policy({"version": 1, "limits": [LIMIT]}, "test")), [1_800_000_000.0]

    def now() -> float:
        return clock[0]

    overrides = Overrides(Standings(store, now), bytes(32), lambda: policy, now)
    subjects = Subjects(KEYS)
    words = Words(overrides, ledger, subjects, Witness(ledger, subjects, now), now)
    calls = OverrideCalls(overrides, lambda: policy, now, words.note)
    async with serving(calls.routes()) as lane:
        yield Site(lane, ledger, clock)


async def test_author(site: Site) -> None:
    """A person or a token is the author, whoever they say is; the deployment's token says it. All of it is audited."""
    made: Any = None
    for who, author in ((person(1, "analyst"), "p1"), (TOKEN, "token:ci"), (OPERATOR, "somebody else")):
        site.lane.who = who
        status, made = await site.lane.ask("POST", OVERRIDES, {**BLOCK, "then": "allow"})
        assert (status, made["author"]) == (201, author)
    site.lane.who = person(2, "analyst")
    assert (await site.edit(made["id"], then="allow"))[1]["author"] == "p2"
    await site.lane.ask("DELETE", f"{OVERRIDES}/{made['id']}?author=eve&reason=over")
    made_by = [("override_made", who) for who in ("p1", "token:ci", "operator")]
    assert await site.audited() == [*made_by, ("override_edited", "p2"), ("override_ended", "p2")]


@pytest.mark.parametrize("who", [person(1, "admin"), TOKEN])
async def test_nobody_alone_blocks_an_account_for_longer(site: Site, who: Principal) -> None:
    """Not at once, not by an edit before it ends, and not by one block behind the other; it can be made shorter."""
    site.lane.who = who
    assert (await site.lane.ask("POST", OVERRIDES, {**BLOCK, "for": "73h"}))[0] == 422
    status, made = await site.lane.ask("POST", OVERRIDES, BLOCK)
    assert status == 201
    site.clock[0] += 71 * HOUR
    for method, path in (("PUT", f"{OVERRIDES}/{made['id']}"), ("POST", OVERRIDES)):
        status, problem = await site.lane.ask(method, path, BLOCK)
        assert (status, "72 h at most" in problem["detail"]) == (422, True)
    assert (await site.edit(made["id"], **{"for": "30m"}))[0] == 200


async def test_a_viewer_sees_in_part(site: Site) -> None:
    """Whom it is about in part, and not why."""
    _, made = await site.lane.ask("POST", OVERRIDES, BLOCK)
    await site.lane.ask("POST", OVERRIDES, {**BLOCK, "target": "ip:203.0.113.77"})
    site.lane.who = person(3, "viewer")
    _, seen = await site.lane.ask("GET", OVERRIDES)
    assert {(one["target"], one["reason"]) for one in seen["overrides"]} == {("account:halde•••", ""), ("ip:203.0.113.•", "")}
    assert (await site.lane.ask("GET", f"{OVERRIDES}/{made['id']}"))[1]["target"] == "account:halde•••"
