"""`forget.lua` on every kind of store: what is about somebody goes, what only mentions something like it stays, and twice is as once."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest

from ratelimit.core import forgetting
from ratelimit.core.call import Call
from ratelimit.core.standing import Target
from ratelimit.core.velocity import ENTRY, HEAD
from ratelimit.stores.link import SCRIPTS

ANNA = [Target("account", "anna")]


@pytest.fixture
def key() -> str:
    return f"rl1:{{{uuid4()}}}"


@pytest.fixture
def run(client: Any) -> Callable[[Call], Any]:
    client.script_load(SCRIPTS["forget"].source)

    def called(call: Call) -> Any:
        return client.evalsha(SCRIPTS["forget"].sha, 1, call.key, call.argument)[0]

    return called


def packed(text: str) -> bytes:
    return msgspec.msgpack.encode(["x", text])


def test_a_key(client: Any, run: Callable[[Call], Any], key: str) -> None:
    """It is read, goes, and is not there the second time."""
    client.set(key, b"\x00\xffstate")
    assert run(forgetting.held(key)) == b"\x00\xffstate"
    assert [run(forgetting.without(key)) for _ in range(2)] == [1, 0]
    assert run(forgetting.held(key)) == b""


def test_a_log(client: Any, run: Callable[[Call], Any], key: str) -> None:
    """Only the account's tag is another one, in its own column alone, and the log lapses when it would have."""
    rows = np.zeros(3, ENTRY)
    rows["account"], rows["card"], rows["at"] = [7, 8, 7], [7, 7, 9], [1.5, 2.5, 3.5]
    client.set(key, HEAD.pack(0.0, 0.0, 0.0, 3, 0, 0, 3, 0) + rows.tobytes() + b"labels", ex=500)
    assert [run(forgetting.unlinked(key, 7, 99)) for _ in range(2)] == [2, 0]
    state = client.get(key)
    after = np.frombuffer(state[HEAD.size : HEAD.size + rows.nbytes], ENTRY)
    assert after["account"].tolist() == [99, 8, 99]
    assert after["card"].tolist() == [7, 7, 9]
    assert (state[-6:], 0 < client.ttl(key) <= 500) == (b"labels", True)
    assert run(forgetting.unlinked(f"{key}none", 7, 99)) == 0


def test_a_stream(client: Any, run: Callable[[Call], Any], key: str) -> None:
    """Gone through piece by piece; a name that only begins alike stays."""
    for name in ["anna", "annabel", "otto", "anna"] * 200:
        client.xadd(key, {"m": packed(name)})
    gone, after = 0, "-"
    while after:
        some, last = run(forgetting.unsaid(key, after, forgetting.packed_needles(ANNA)))
        gone, after = gone + some, last.decode()
    assert (gone, client.xlen(key)) == (400, 400)


def test_messages(client: Any, run: Callable[[Call], Any], key: str) -> None:
    """Due or dead, a message that quotes the account goes with its place in the order; another account's number in it is no quote."""
    said = {"a": '{"account":"anna"}', "b": '{"account":"annabel"}', "c": '{"subject":"account:anna"}', "d": '{"at":"anna-lena"}'}
    for number, (id, body) in enumerate(said.items()):
        client.hset(f"{key}:messages", id, msgspec.json.encode([id, body]))
        client.zadd(f"{key}:due" if number % 2 else f"{key}:dead", {id: number})
    needles = forgetting.written_needles(["anna", "account:anna"])
    assert [run(forgetting.unsent(key, needles)) for _ in range(2)] == [2, 0]
    assert sorted(client.hkeys(f"{key}:messages")) == [b"b", b"d"]
    assert client.zrange(f"{key}:due", 0, -1) == [b"b", b"d"]
    assert client.zrange(f"{key}:dead", 0, -1) == []


def test_facts_and_lists(client: Any, run: Callable[[Call], Any], key: str) -> None:
    """What waits or is dead goes with its time; members of a list go, too."""
    for shelf in ("parked", "dead"):
        for event, purchase in (("e1", "p1"), ("e2", "p11")):
            client.hset(f"{key}:{shelf}", event, f'{{"purchase":"{purchase}"}}')
            client.zadd(f"{key}:{shelf}.at", {event: 1})
    assert run(forgetting.unheard(key, forgetting.written_needles(["p1"]))) == 2
    assert client.hkeys(f"{key}:dead") == client.zrange(f"{key}:parked.at", 0, -1) == [b"e2"]
    client.rpush(f"{key}:refused", packed("anna"), packed("otto"), packed("anna"))
    assert run(forgetting.unrefused(f"{key}:refused", forgetting.packed_needles(ANNA))) == 2
    assert client.lrange(f"{key}:refused", 0, -1) == [packed("otto")]


def test_the_journal(client: Any, run: Callable[[Call], Any]) -> None:
    """The latest time of a name stays; what is older than is asked for goes."""
    client.delete(forgetting.JOURNAL)
    assert run(forgetting.noting(["aa", "bb"], 100.5)) == 2
    assert run(forgetting.noting(["aa"], 50.0)) == 0
    assert run(forgetting.noting(["aa"], 200.0)) == 1
    assert dict(zip(*[iter(run(forgetting.noted(0.0)))] * 2, strict=True)) == {b"aa": b"200.000", b"bb": b"100.500"}
    assert run(forgetting.noted(150.0)) == [b"aa", b"200.000"]
    client.delete(forgetting.JOURNAL)
