"""`reach.lua` says how far each sidecar that lives has heard, on every kind of store."""

from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core.call import Call
from ratelimit.core.reach import Reach, asking, going, living, reach_of
from ratelimit.core.standing_change import NO_REVISION, revision
from ratelimit.stores.link import SCRIPTS

ONE, TWO = b"sidecar1", b"sidecar2"
LIVES_MS, TTL_S = 30_000, 60


class Sidecars:
    """The calls, on a store and under a name of its own."""

    def __init__(self, client: Any) -> None:
        self._client, self.name = client, f"rl1:{{standing{uuid4()}}}:reach"
        client.script_load(SCRIPTS["reach"].source)

    def ask(self, call: Call) -> Any:
        (answer,) = self._client.evalsha(SCRIPTS["reach"].sha, 1, self.name, call.argument)
        return answer

    def of(self, number: int) -> Reach:
        return reach_of(self.at(number), self.ask(asking()))

    def at(self, number: int) -> bytes:
        """A revision of this very second."""
        seconds, _ = self._client.time()
        return revision(f"{seconds * 1_000}-{number}".encode())


@pytest.fixture
def sidecars(client: Any) -> Sidecars:
    return Sidecars(client)


def test_nobody(sidecars: Sidecars) -> None:
    """Where no sidecar lives none has heard."""
    assert sidecars.of(1) == Reach(0, 0)


def test_one_after_another(sidecars: Sidecars) -> None:
    """Each counts from when it says that it has heard of this or of what came later."""
    sidecars.ask(living(ONE, NO_REVISION))
    sidecars.ask(living(TWO, NO_REVISION))
    assert sidecars.of(1) == Reach(2, 0)
    sidecars.ask(living(ONE, sidecars.at(1)))
    assert (sidecars.of(1).reached, sidecars.of(2).reached) == (1, 0)
    sidecars.ask(living(TWO, sidecars.at(2)))
    found = sidecars.of(1)
    assert (found.sidecars, found.reached, found.whole) == (2, 2, True)
    assert found.after_s is not None


def test_when_it_had_heard(sidecars: Sidecars, client: Any) -> None:
    """Saying the same again, to be known to live, does not move the time at which it was said first."""
    sidecars.ask(living(ONE, NO_REVISION))
    first = client.hget(sidecars.name, ONE)
    long_ago = client.zscore(f"{sidecars.name}:alive", ONE) - LIVES_MS + 5_000
    client.zadd(f"{sidecars.name}:alive", {ONE: long_ago})
    sidecars.ask(living(ONE, NO_REVISION))
    assert client.hget(sidecars.name, ONE) == first
    assert client.zscore(f"{sidecars.name}:alive", ONE) > long_ago


def test_who_goes_and_who_is_silent(sidecars: Sidecars, client: Any) -> None:
    """Who says that it goes is struck out at once, who says nothing for thirty seconds then."""
    for id in (ONE, TWO):
        sidecars.ask(living(id, NO_REVISION))
    sidecars.ask(going(ONE))
    assert sidecars.of(1).sidecars == 1
    client.zadd(f"{sidecars.name}:alive", {TWO: client.zscore(f"{sidecars.name}:alive", TWO) - LIVES_MS})
    assert sidecars.of(1).sidecars == 0
    assert client.exists(sidecars.name, f"{sidecars.name}:alive") == 0


def test_a_clock_that_was_set_back(sidecars: Sidecars, client: Any) -> None:
    """Who died before is not waited for until that time comes again."""
    for id in (ONE, TWO):
        sidecars.ask(living(id, NO_REVISION))
    client.zadd(f"{sidecars.name}:alive", {TWO: client.zscore(f"{sidecars.name}:alive", TWO) + 3_600_000})
    assert sidecars.of(1).sidecars == 1


def test_it_ends(sidecars: Sidecars, client: Any) -> None:
    """Without any sidecar nothing of it stays."""
    sidecars.ask(living(ONE, NO_REVISION))
    assert 0 < client.ttl(sidecars.name) <= TTL_S
    assert 0 < client.ttl(f"{sidecars.name}:alive") <= TTL_S
