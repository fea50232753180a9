"""Rules on the operator lane, with a real ledger and a real store."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.backtests import Backtests
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from ratelimit.web.openapi_rule import rule_paths
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import error_reply
from ratelimit.web.route import PRINCIPAL, Handle
from ratelimit.web.rules import RULES, RuleCalls
from tests.review.rule_ledger import CARDS, DAY_S, fill, purchase
from tests.review.rule_site import ANA, MIRA, TEXT, TOM, WHY, Site
from tests.stores.asker import clock
from tests.stores.conftest import Node
from tests.web.server import Server
from tests.web.test_openapi import valid


class Lane:
    """Asks as the person that is set."""

    def __init__(self, calls: RuleCalls, backtests: Backtests, site: Site) -> None:
        self.who: Principal = TOM
        self.calls, self.backtests, self.site = calls, backtests, site

    async def start(self) -> None:
        @web.middleware
        async def known(request: web.Request, handler: Handle) -> web.StreamResponse:
            request[PRINCIPAL] = self.who
            try:
                return await handler(request)
            except ClientError as error:
                return error_reply(error)

        application = web.Application(middlewares=[known])
        for route in self.calls.routes():
            application.router.add_route(route.method, route.path, route.handle)
        self.server = Server(application)
        await self.server.start_server()
        self.session = ClientSession()

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        async with self.session.request(method, self.server.make_url(f"{RULES}{path}"), data=data) as answer:
            content = await answer.read()
            return answer.status, json.loads(content) if content else None

    async def close(self) -> None:
        await self.session.close()
        await self.server.close()
        await self.backtests.close()


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as made:
        yield made


@pytest.fixture
async def lane(ledger: Ledger, node: Node) -> AsyncIterator[Lane]:
    node.client.flushall()
    store = RedisStore(Options(node.url, clock, 5.0, "check"))
    await store.open()
    site = await Site.open(ledger, store)
    wall = lambda: site.now  # noqa: E731
    backtests = Backtests(ledger, wall)
    made = Lane(RuleCalls(site.rules, site.drafts, backtests, wall), backtests, site)
    await made.start()
    yield made
    await made.close()
    await store.close()


def test_document(lane_routes: set[tuple[str, str]]) -> None:
    """Every call is described, and nothing else is."""
    described = {
        (method.upper(), path) for path, node in rule_paths().items() for method in node if method not in {"servers", "parameters"}
    }
    assert described == lane_routes


@pytest.fixture
def lane_routes() -> set[tuple[str, str]]:
    nothing: Any = None
    return {(route.method, route.path) for route in RuleCalls(nothing, nothing, nothing, lambda: 0.0).routes()}


async def test_life_of_a_rule(lane: Lane) -> None:
    """It is written, tested, taken up to live by two people, paused, and put in force again."""
    site = lane.site
    known = {"cards_1h": 4.0}
    await fill(
        site.ledger,
        [purchase(number, site.now - DAY_S, known, account=number % 150, label="fraud", disputed=True) for number in range(150)],
    )
    status, made = await lane.ask("POST", "", {"rule": CARDS})
    assert (status, made["version"], made["step"], made["author"]) == (201, 1, "draft", "p3")
    valid("VersionView", made)
    status, begun = await lane.ask("POST", "/cards/versions/1/backtest", {"days": 30})
    assert (status, begun["found"]) == (202, None)
    await lane.backtests.wait("cards")
    status, tested = await lane.ask("GET", "/cards/versions/1/backtest")
    assert (status, tested["state"], tested["found"]["buckets"][0]["matches"]) == (200, "done", 150)
    valid("BacktestView", tested)
    assert (await lane.ask("POST", "/cards/versions/1/promote", {"step": "backtest", "to": "shadow"}))[0] == 200
    site.now += 8 * DAY_S
    lane.who = MIRA
    status, done = await lane.ask("POST", "/cards/versions/1/promote", {"step": "shadow", "to": "canary", "share": 0.1})
    assert (status, done["waits"], done["told"], done["version"]["share"]) == (200, False, True, 0.1)
    valid("PromotedView", done)
    assert (await lane.ask("POST", "/cards/versions/1/share", {"share": 0.5}))[0] == 200
    site.now += 2 * DAY_S
    lane.who = ANA
    assert (await lane.ask("POST", "/cards/versions/1/promote", {"step": "canary", "to": "live"}))[0] == 200
    assert await site.places() == [("cards", 1, "live")]
    assert (await lane.ask("POST", "/cards/versions/1/pause", {"why": WHY}))[0] == 200
    assert (await lane.ask("POST", "/cards/versions/1/restore", {"why": WHY}))[0] == 200
    status, shown = await lane.ask("GET", "/cards")
    assert (status, shown["live"], shown["candidate"]) == (200, 1, None)
    valid("RuleView", shown)
    status, everything = await lane.ask("GET", "")
    assert (status, [rule["name"] for rule in everything["rules"]]) == (200, ["cards"])
    valid("RulesView", everything)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/nobody", None, 404, "There is no rule 'nobody'"),
        ("GET", "/cards/versions/9/backtest", None, 404, "no version 9"),
        ("GET", "/cards/versions/%D9%A1/backtest", None, 404, "no such version"),
        ("GET", "/cards/versions/99999999999999999999/backtest", None, 404, "no such version"),
        ("POST", "", {"rule": {"name": "x"}}, 422, "$.on: is missing"),
        ("POST", "", {"rule": {**CARDS, "when": "purchase.vpm"}}, 422, "purchase.vpm is not a signal"),
        ("POST", "", {"rule": {**CARDS, "name": 7}}, 422, "name"),
        ("POST", "", {"rule": []}, 422, "rule"),
        ("POST", "", b"{", 400, "not JSON"),
        ("POST", "/cards/versions/1/backtest", {"days": 45}, 422, "45 days"),
        ("POST", "/cards/versions/1/promote", {"step": "draft", "to": "live"}, 409, "does not lead to live"),
        ("POST", "/cards/versions/1/promote", {"step": "shadow", "to": "canary"}, 409, "at the step draft by now"),
        ("POST", "/cards/versions/1/promote", {"step": "draft", "to": "backtest"}, 422, "backtest of this text is needed"),
        ("POST", "/cards/versions/1/promote", {"step": "draft"}, 422, "to"),
        ("POST", "/cards/versions/1/share", {"share": 0.5}, 403, "only an admin"),
        ("POST", "/cards/versions/1/restore", {"why": WHY}, 403, "only an admin"),
        ("POST", "/cards/versions/1/pause", {"why": "so"}, 422, "say why"),
        ("POST", "/cards/versions/1/pause", {"why": WHY}, 409, "not in force"),
        ("DELETE", "/cards/versions/1/backtest", None, 204, ""),
        ("DELETE", "/cards/versions/1", None, 204, ""),
        ("DELETE", "/cards/versions/2", None, 404, "no version 2"),
    ],
)
async def test_problems(lane: Lane, method: str, path: str, body: Any, status: int, says: str) -> None:
    """What cannot be done is a problem that says why."""
    await lane.site.drafts.draft(TOM, "cards", TEXT)
    found, problem = await lane.ask(method, path, body)
    assert found == status, problem
    if problem is not None:
        assert says in problem["detail"]
        valid("Problem", problem)


async def test_check(lane: Lane) -> None:
    """A text is checked without being saved."""
    assert await lane.ask("POST", "/check", {"name": "cards", "text": TEXT}) == (200, {"problems": []})
    status, found = await lane.ask("POST", "/check", {"name": "cards", "text": "on: purchase\nwhen: purchase.vpm\nthen: block\nreason: x"})
    assert (status, [(it["line"], it["column"]) for it in found["problems"]]) == (200, [(2, 7)])
    valid("RuleChecked", found)
    assert (await lane.ask("GET", ""))[1] == {"rules": []}
