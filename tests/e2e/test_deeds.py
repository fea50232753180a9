"""Deeds over several processes: what a person decides at one desk is obeyed by every sidecar, and finished by another desk after a kill."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from ratelimit.stores.server import find_server
from tests.e2e.serving import PATIENCE_S, Serving, serving, until
from tests.stores.conftest import Node

POLICY = "version: 1\nlimits:\n  - {name: key, per: [api_key], bucket: {capacity: 100000, refill: 1000/s}}\n"
KEY = "5e" * 32
BLOCK = {"then": "block", "target": "account:42", "pick": "takeover"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deeds")


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[list[Serving]]:
    """Two that serve on one store and one ledger, to which account 42 is known; the last test kills the first of them."""
    with ExitStack() as stack:
        node = stack.enter_context(closing(Node(find_server())))
        both = []
        for number in range(2):
            own = folder / f"sidecar{number}"
            own.mkdir()
            (own / "ratelimit.yaml").write_text(POLICY)
            ledger = {"DATABASE_URL": f"sqlite://{folder}/ledger.db", "LEDGER_KEY": KEY, "ALLOW_SAMPLE": "1"}
            one = serving(own, REDIS_URL=node.url, STORE_KEY=KEY, DEADLINE_MS="1000", SIGNALS="off", **ledger)
            both.append(stack.enter_context(one))
        assert both[0].check(account="42")["decision"] == "allow"
        until(lambda: asked(both[0], "/v1/actions/preview", {**BLOCK, "key": "preview-1"})[0] == 200)
        yield both


def asked(one: Serving, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """A call of the operator lane, and its answer."""
    try:
        with urlopen(Request(f"{one.operator}{path}", json.dumps(body).encode()), timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
            return answer.status, json.loads(answer.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


def decisions(found: list[Serving]) -> set[str]:
    return {one.check(account="42")["decision"] for one in found}


def test_every_sidecar(found: list[Serving]) -> None:
    """Blocked at one desk, refused by both; undone at the other, allowed by both."""
    status, done = asked(found[0], "/v1/actions", {**BLOCK, "key": "of-the-test-1"})
    assert (status, done["state"]) == (200, "in_force")
    until(lambda: decisions(found) == {"block"})
    assert asked(found[1], f"/v1/actions/{done['id']}/undo", {"reason": "theirs"})[1]["state"] == "undone"
    until(lambda: decisions(found) == {"allow"})
    assert asked(found[1], "/v1/actions", {**BLOCK, "key": "of-the-test-1"})[1]["repeated"]


def test_a_kill_in_between(found: list[Serving], folder: Path) -> None:
    """A desk that is killed after it has written a deed down, and before the store was told, is finished for by the other one."""
    status, done = asked(found[0], "/v1/actions", {**BLOCK, "key": "of-the-test-2"})
    assert status == 200
    until(lambda: decisions(found) == {"block"})
    found[0].process.send_signal(signal.SIGKILL)
    found[0].process.wait()
    with closing(
        sqlite3.connect(folder / "ledger.db", timeout=PATIENCE_S)
    ) as ledger:  # as it would be, had it been killed a moment earlier
        ledger.execute("UPDATE action SET state = 'undoing', at = at - 60, undone_by = 'operator' WHERE id = ?", (done["id"],))
        ledger.commit()
    until(lambda: decisions(found[1:]) == {"allow"})
