"""The page of models, and its calls."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ratelimit.console.models import ModelPages
from ratelimit.console.render import Console
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.rule_dossier import RuleFacts
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from ratelimit.web.models import ModelCalls
from ratelimit.web.openapi_rule import model_paths
from tests.console.conftest import NOW, Serve
from tests.review.model_site import ModelSite
from tests.review.rule_site import MIRA, TOM, WHY
from tests.stores.asker import clock
from tests.stores.conftest import Node
from tests.web.test_openapi import valid


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as made:
        yield made


@pytest.fixture
async def site(tmp_path: Path, ledger: Ledger, node: Node) -> AsyncIterator[ModelSite]:
    node.client.flushall()
    store = RedisStore(Options(node.url, clock, 5.0, "check"))
    await store.open()
    yield ModelSite(tmp_path, ledger, store)
    await store.close()


async def test_page(site: ModelSite, ledger: Ledger, console: Console, serve: Serve) -> None:
    """It says what each model is, what promoting would change, and takes that back; an analyst only looks."""
    await site.overlay.look()
    pages = ModelPages(console, site.models, RuleFacts(ledger, lambda: NOW))
    analyst = await serve(pages.routes(), TOM)
    _, page, _ = await analyst.get("/models")
    for words in (
        "Champion",
        "models/one",
        "Not calibrated",
        "8 % of purchases would be held instead of 5",
        "An admin promotes it",
        "in force",
    ):
        assert words in page.replace("\u00a0", " "), words
    assert "/promote" not in page
    assert "style=" not in page
    admin = await serve(pages.routes(), MIRA)
    status, page, _ = await admin.post("/models/purchases/promote", {"model": "models/two", "why": "so"})
    assert (status, "Not done: say why" in page) == (422, True)
    status, _, headers = await admin.post("/models/purchases/promote", {"model": "models/two", "why": f"{WHY} <b>"})
    assert (status, headers["Location"]) == (303, "/models?done=promoted")
    _, page, _ = await admin.get(headers["Location"])
    assert "risk.purchases.model: models/two" in page
    assert "<b>\n" not in page
    assert "&lt;b&gt;" in page
    status, _, headers = await admin.post("/models/purchases/back", {"why": WHY})
    assert headers["Location"] == "/models?done=back"
    assert (await admin.post("/models/emails/back", {"why": WHY}))[0] == 404


async def test_calls(site: ModelSite, serve: Serve) -> None:
    """The same as calls, which are as the document has them."""
    calls = ModelCalls(site.models)
    await site.overlay.look()
    described = {(method.upper(), path) for path, node in model_paths().items() for method in node if method in {"get", "post"}}
    assert described == {(route.method, route.path) for route in calls.routes()}
    browser = await serve(calls.routes(), MIRA)
    status, text, _ = await browser.get("/v1/models")
    assert status == 200
    valid("ModelsView", json.loads(text))
    async with browser.session.post(f"{browser.base}/v1/models/purchases/promote", json={"model": "models/two", "why": WHY}) as answer:
        assert await answer.json() == {"told": True}
    async with browser.session.post(f"{browser.base}/v1/models/purchases/back", json={"why": WHY}) as answer:
        assert await answer.json() == {"told": True}
    async with browser.session.post(f"{browser.base}/v1/models/purchases/back", json={"what": WHY}) as answer:
        assert answer.status == 422
