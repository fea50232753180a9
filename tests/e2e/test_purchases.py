"""`POST /v1/purchases` over real processes: one answer to an attempt, whichever worker is asked or killed; and with no store."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from ratelimit.stores.server import find_server
from tests.core.purchases import purchase
from tests.e2e.serving import Serving, serving
from tests.e2e.test_workers import workers_of
from tests.stores.conftest import Node

BODY: dict[str, Any] = msgspec.to_builtins(purchase())
AT_ONCE = 12  # connections: that all of them come to the same worker of two is one chance in two thousand

Serve = Callable[..., AbstractContextManager[Serving]]


class Told(NamedTuple):
    status: int
    body: bytes


async def ask(running: Serving, **fields: Any) -> Told | None:
    """One purchase on a connection of its own; None if that was cut before the answer."""
    content = json.dumps({**BODY, **fields}).encode()
    host, _, port = running.gateway.removeprefix("http://").partition(":")
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(
                b"POST /v1/purchases HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(content) + content
            )
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            return Told(int(head.split()[1]), body) if body else None
        finally:
            writer.close()
    return None


def is_kept(told: Told | None) -> bool:
    """Whether it was answered with the store's help: on a busy machine that may be late, and then nothing is kept."""
    return told is not None and told.status == 200 and json.loads(told.body)["reason"] != "store_unavailable"


async def kept(running: Serving, **fields: Any) -> Told:
    """The answer that is kept, asked for as often as that takes."""
    for _ in range(200):
        told = await ask(running, **fields)
        if told is not None and is_kept(told):
            return told
        await asyncio.sleep(0.05)
    pytest.fail("nobody answers")


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    return partial(serving, tmp_path, WORKERS="2", DEADLINE_MS="1000")


@pytest.fixture
def node() -> Iterator[Node]:
    """A store that can be held up."""
    with contextlib.closing(Node(find_server())) as found:
        yield found


async def test_two_workers_give_one_answer(serve: Serve) -> None:
    """However many ask at once; another body is a conflict at each of them; what was decided is counted once."""
    with serve() as running:
        for number in range(5):
            account = f"a{number}"
            told = await asyncio.gather(*(kept(running, id=f"p{number}", account=account) for _ in range(AT_ONCE)))
            assert len(set(told)) == 1
            others = await asyncio.gather(*(ask(running, id=f"p{number}", account=account, amount=1) for _ in range(AT_ONCE)))
            assert {one.status for one in others if one is not None} == {409}
        _, metrics = running.operate("/metrics")
        decided = [line for line in metrics.splitlines() if line.startswith('ratelimit_purchases_total{action="accept"')]
        assert sum(float(line.rsplit(" ", 1)[1]) for line in decided) == 5


async def test_a_worker_is_killed(serve: Serve) -> None:
    """In the middle of many attempts: each that was answered has that answer for ever, and all of them have one in the end."""
    with serve() as running:
        attempts = [{"id": f"p{number}", "account": f"a{number}"} for number in range(60)]
        asked = [asyncio.ensure_future(ask(running, **attempt)) for attempt in attempts]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        os.kill(workers_of(running)[0], signal.SIGKILL)
        first = await asyncio.gather(*asked)
        again = [await kept(running, **attempt) for attempt in attempts]
        for one, two in zip(first, again, strict=True):
            assert one == two or not is_kept(one)
        assert len({json.loads(told.body)["id"] for told in again}) == len(attempts)


async def test_a_store_that_says_nothing(tmp_path: Path, node: Node) -> None:
    """The checkout is answered all the same, as the policy says; when the store is back its purchases are known again."""
    with serving(tmp_path, REDIS_URL=node.url, STORE_KEY="6b" * 32, DEADLINE_MS="100") as running:
        before = await kept(running)
        node.pause()
        told = [await ask(running, id=f"p{number}") for number in range(2, 6)]
        said = [json.loads(one.body) for one in told if one is not None]
        assert {(one["action"], one["reason"]) for one in said} == {("challenge", "store_unavailable")}
        assert json.loads(running.operate("/v1/records")[1])["records"][0]["id"] == said[-1]["id"]
        node.resume()
        assert await kept(running) == before
