"""Overrides over several processes on one store: what is said to one is obeyed by all, whatever happens to them meanwhile."""

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ratelimit.stores.server import find_server
from tests.e2e.serving import PATIENCE_S, Serving, serving, until
from tests.stores.conftest import Node

POLICY = "version: 1\nlimits:\n  - {name: key, per: [api_key], bucket: {capacity: 100000, refill: 1000/s}}\n"
KEY = "5e" * 32
BLOCK = {"target": "account:42", "then": "block", "reason": "stolen", "author": "eve"}


@contextlib.contextmanager
def sidecars(folder: Path, node: Node, count: int) -> Iterator[list[Serving]]:
    with contextlib.ExitStack() as stack:
        found = []
        for number in range(count):
            own = folder / f"sidecar{number}"
            own.mkdir(exist_ok=True)
            (own / "ratelimit.yaml").write_text(POLICY)
            found.append(stack.enter_context(serving(own, REDIS_URL=node.url, STORE_KEY=KEY, DEADLINE_MS="1000", SIGNALS="off")))
        yield found


@pytest.fixture
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as one:
        yield one


def change(sidecar: Serving, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, str]:
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{sidecar.operator}{path}", content, method=method), timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
        found: dict[str, str] = json.loads(answer.read())
        return found


def decisions(found: list[Serving]) -> set[str]:
    return {one.check(account="42")["decision"] for one in found}


def test_four_sidecars(tmp_path: Path, node: Node) -> None:
    """A block that is said to one is obeyed by all four, and so is its end, by one too that stood still meanwhile; and after a restart."""
    with sidecars(tmp_path, node, 4) as found:
        assert decisions(found) == {"allow"}
        id = change(found[0], "POST", "/v1/overrides", BLOCK)["id"]
        until(lambda: decisions(found) == {"block"})
        change(found[1], "DELETE", f"/v1/overrides/{id}?author=eve&reason=theirs")
        until(lambda: decisions(found) == {"allow"})

        stays = change(found[0], "POST", "/v1/overrides", {**BLOCK, "target": "account:43"})["id"]
        goes = change(found[0], "POST", "/v1/overrides", BLOCK)["id"]
        until(lambda: decisions(found) == {"block"})
        found[3].process.send_signal(signal.SIGSTOP)
        change(found[1], "DELETE", f"/v1/overrides/{goes}?author=eve&reason=theirs")
        found[3].process.send_signal(signal.SIGCONT)
        until(lambda: decisions(found) == {"allow"})
        assert [one.check(account="43")["decision"] for one in found] == ["block"] * 4

    with sidecars(tmp_path, node, 1) as found:
        assert [one.check(account="43")["limit"] for one in found] == [f"override:{stays}"]
        assert decisions(found) == {"allow"}


def test_workers(tmp_path: Path) -> None:
    """Every worker obeys what is said to their supervisor, on the embedded store, and after a restart as well."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    with serving(tmp_path, WORKERS="2") as running:
        change(running, "POST", "/v1/overrides", BLOCK)
        until(lambda: {running.check(account="42")["decision"] for _ in range(12)} == {"block"})
        status, metrics = running.operate("/metrics")
        assert (status, 'ratelimit_standings{source="override"} 1.0' in metrics) == (200, True)
    with serving(tmp_path, WORKERS="2") as running:
        assert {running.check(account="42")["decision"] for _ in range(12)} == {"block"}
