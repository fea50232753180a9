"""`book.lua` on every kind of store: an entry is written by whoever saw it last, and lives as long as it is said."""

from collections.abc import Callable
from struct import pack
from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core.purchase_entry import KEPT_S, Attempt, PurchaseEntry, read, reading, writing
from ratelimit.stores.link import SCRIPTS


@pytest.fixture
def key() -> str:
    return f"rl1:o:{uuid4()}"


@pytest.fixture
def run(client: Any) -> Callable[..., list[Any]]:
    """Runs calls of one key in one script call."""
    client.script_load(SCRIPTS["book"].source)

    def called(*calls: Any) -> list[Any]:
        found: list[Any] = client.evalsha(
            SCRIPTS["book"].sha, len(calls), *[call.key for call in calls], *[call.argument for call in calls]
        )
        return found

    return called


def entry(*numbers: int, version: int = 0) -> PurchaseEntry:
    attempts = tuple(Attempt(number, 0.0, bytes(range(256)), b"", "purchase", "a", 0, "", 0, {}, ()) for number in numbers)
    return PurchaseEntry("p1", attempts, {}, version)


def test_a_new_one_is_written_and_read(run: Callable[..., list[Any]], key: str) -> None:
    """Byte for byte, with the version that counts from 1."""
    assert run(reading(key)) == [[1, b""]]
    assert run(writing(key, entry(1))) == [[1, b""]]
    ((found, state),) = run(reading(key))
    assert (found, read("p1", state)) == (1, entry(1, version=1))


def test_whoever_saw_it_last_writes(run: Callable[..., list[Any]], key: str) -> None:
    """Of two who read the same, the second is shown what the first wrote, and writes after that."""
    run(writing(key, entry(1)))
    assert run(writing(key, entry(1, 2, version=1))) == [[1, b""]]
    ((written, state),) = run(writing(key, entry(1, 3, version=1)))
    assert (written, read("p1", state)) == (0, entry(1, 2, version=2))
    assert run(writing(key, entry(1, 2, 3, version=2))) == [[1, b""]]
    assert read("p1", run(reading(key))[0][1]) == entry(1, 2, 3, version=3)


def test_two_in_one_call(run: Callable[..., list[Any]], key: str) -> None:
    """The second of them meets what the first has written."""
    first, second = run(writing(key, entry(1)), writing(key, entry(2)))
    assert first == [1, b""]
    assert (second[0], read("p1", second[1])) == (0, entry(1, version=1))


def test_one_that_is_gone(run: Callable[..., list[Any]], key: str) -> None:
    """Whoever saw an entry that has lapsed meanwhile is told that there is none, and does not bring it back unseen."""
    assert run(writing(key, entry(1, version=4))) == [[0, b""]]
    assert run(reading(key)) == [[1, b""]]


def test_it_is_kept_for_so_long(run: Callable[..., list[Any]], client: Any, key: str) -> None:
    """From the latest writing on; reading does not keep it."""
    run(writing(key, entry(1)))
    assert KEPT_S - 60 < client.ttl(key) <= KEPT_S
    client.expire(key, 100)
    run(reading(key))
    assert client.ttl(key) <= 100
    run(writing(key, entry(1, 2, version=1)))
    assert client.ttl(key) > KEPT_S - 60


def test_a_version_of_many_writes(run: Callable[..., list[Any]], client: Any, key: str) -> None:
    """Versions are compared as numbers beyond what one byte holds."""
    client.set(key, pack("<I", 0x01020304) + b"\x91\xa2p1")
    assert run(writing(key, entry(1, version=0x04030201)))[0][0] == 0
    assert run(writing(key, entry(1, version=0x01020304))) == [[1, b""]]
    assert read("p1", run(reading(key))[0][1]).version == 0x01020305
