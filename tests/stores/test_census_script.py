"""`census.lua` counts those of the sample who live, on every kind of store, and strikes out who lapsed."""

from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core.profile import Census
from ratelimit.stores.census import arguments
from ratelimit.stores.link import CENSUS

NOW = 1_790_000_000


@pytest.fixture
def key() -> str:
    return f"rl1:profiles:{uuid4()}"


def count(client: Any, key: str, now_s: int, **ends: int) -> int:
    client.script_load(CENSUS.source)
    (found,) = client.evalsha(CENSUS.sha, 1, key, *arguments(Census(now_s, tuple(ends.items()))))
    return int(found)


def test_who_lives_is_counted(client: Any, key: str) -> None:
    """Each once, however often it is told of, until the second in which it lapses."""
    assert count(client, key, NOW) == 0
    assert count(client, key, NOW, a=NOW + 10, b=NOW + 20) == 2
    assert count(client, key, NOW + 1, a=NOW + 11) == 2
    assert count(client, key, NOW + 10) == 2
    assert count(client, key, NOW + 11) == 1
    assert count(client, key, NOW + 20) == 0


def test_no_life_gets_shorter(client: Any, key: str) -> None:
    """What another sidecar told late moves no end forward."""
    count(client, key, NOW, a=NOW + 20)
    assert count(client, key, NOW, a=NOW + 10) == 1
    assert count(client, key, NOW + 15) == 1


def test_thousands_at_once(client: Any, key: str) -> None:
    """More than Lua can unpack go in one call."""
    assert count(client, key, NOW, **{f"n{number}": NOW + 10 for number in range(12_345)}) == 12_345
