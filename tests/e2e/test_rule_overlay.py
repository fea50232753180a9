"""Rules that people put in force over the policy's file, over several processes on one store, from the first word to the last."""

import contextlib
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest

from ratelimit.stores.server import find_server
from tests.core.purchases import purchase
from tests.e2e.serving import PATIENCE_S, Serving, serving, until
from tests.stores.conftest import Node

POLICY = "version: 1\nlimits:\n  - {name: key, per: [api_key], bucket: {capacity: 100000, refill: 1000/s}}\n"
KEY, TOKEN = "5e" * 32, "t" * 32
RULE = {"name": "euros", "on": "purchase", "when": "purchase.currency == 'EUR'", "then": "throttle", "hold": 0.25, "reason": "euros"}
WHY = "a test of the whole way"
_NUMBER = count(1)


@contextlib.contextmanager
def sidecars(folder: Path, node: Node, many: int = 2, **settings: str) -> Iterator[list[Serving]]:
    """Some that share a store, and a ledger, each with a policy's file of its own; the first is the one that people use."""
    with contextlib.ExitStack() as stack:
        found = []
        for number in range(many):
            own = folder / f"sidecar{number}"
            own.mkdir(exist_ok=True)
            (own / "ratelimit.yaml").write_text(POLICY)
            told = {"REDIS_URL": node.url, "STORE_KEY": KEY, "DEADLINE_MS": "1000", "SIGNALS": "off", "OPERATOR_TOKEN": TOKEN, **settings}
            if number:
                told["DATABASE_URL"], told["LEDGER_KEY"] = f"sqlite://{folder / 'sidecar0' / 'ratelimit-data' / 'ledger.db'}", KEY
            found.append(stack.enter_context(serving(own, **told)))
        yield found


@pytest.fixture
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as one:
        yield one


def call(sidecar: Serving, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    content = None if body is None else json.dumps(body).encode()
    asked = Request(f"{sidecar.operator}/v1/rules{path}", content, {"Authorization": f"Bearer {TOKEN}"}, method=method)  # noqa: S310
    try:
        with urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except HTTPError as error:
        return error.code, json.loads(error.read())


def policy_of(sidecar: Serving) -> dict[str, Any]:
    """The policy in force, as the supervisor of workers tells of it."""
    asked = Request(f"{sidecar.operator}/v1/policy", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
    with urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
        found: dict[str, Any] = json.loads(answer.read())
        return found


def bought(found: list[Serving]) -> set[tuple[str, str | None, tuple[str, ...]]]:
    """What each says of a purchase: action, rule, and whose shadow."""
    said = set()
    for one in found:
        body = msgspec.to_builtins(purchase(id=f"p{next(_NUMBER)}"))
        asked = Request(f"{one.gateway}/v1/purchases", json.dumps(body).encode())  # noqa: S310
        with urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
            decision = json.loads(answer.read())
            said.add((decision["action"], decision.get("rule"), tuple(it["limit"] for it in decision.get("shadow", ()))))
    return said


def promote(sidecar: Serving, step: str, to: str, **more: Any) -> None:
    status, answer = call(sidecar, "POST", "/euros/versions/1/promote", {"step": step, "to": to, "why": WHY, **more})
    assert status == 200, answer


def test_the_whole_way(tmp_path: Path, node: Node) -> None:
    """A rule is written, tested, tried in shadow, put live on every sidecar, paused; and stands after a restart and in an emptied store."""
    with sidecars(tmp_path, node) as found:
        first = found[0]
        until(lambda: call(first, "GET", "")[0] == 200)
        until(lambda: bought(found) == {("accept", None, ())})
        assert call(first, "POST", "", {"rule": RULE})[0] == 201
        assert call(first, "POST", "/euros/versions/1/backtest", {"days": 30})[0] == 202
        until(lambda: call(first, "GET", "/euros/versions/1/backtest")[1]["state"] == "done")
        promote(first, "backtest", "shadow")
        until(lambda: bought(found) == {("accept", None, ("euros@1",))})
        promote(first, "shadow", "canary", share=1.0)
        until(lambda: bought(found) == {("hold", "euros@1", ())})
        promote(first, "canary", "live")
        until(lambda: bought(found) == {("hold", "euros", ())})

        node.client.delete("rl1:{rules}")
        until(lambda: bool(node.client.exists("rl1:{rules}")))
        until(lambda: bought(found) == {("hold", "euros", ())})

    with sidecars(tmp_path, node, 1, WORKERS="2") as found:
        until(lambda: {said for _ in range(6) for said in bought(found)} == {("hold", "euros", ())})  # a slow store is challenged
        until(lambda: "+" in policy_of(found[0])["digest"])
        assert [rule["name"] for rule in policy_of(found[0])["rules"]] == ["euros"]
        until(lambda: call(found[0], "POST", "/euros/versions/1/pause", {"why": WHY})[0] == 200)
        until(lambda: {said for _ in range(6) for said in bought(found)} == {("accept", None, ())})
