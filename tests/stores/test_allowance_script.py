"""`allowance.lua` on every kind of store: parts are taken while they fit, and not a unit more."""

from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core.allowance import KEPT_S, MOST, taking
from ratelimit.stores.link import SCRIPTS


class Allowance:
    """One of its own."""

    def __init__(self, client: Any) -> None:
        self.client, self.key = client, f"rl1:a:{uuid4()}"
        client.script_load(SCRIPTS["allowance"].source)

    def take(self, all_: int, *parts: int) -> list[int]:
        calls = [taking(self.key, all_, part) for part in parts]
        found: list[int] = self.client.evalsha(
            SCRIPTS["allowance"].sha, len(calls), *[self.key] * len(calls), *[call.argument for call in calls]
        )
        return found


@pytest.fixture
def allowance(client: Any) -> Allowance:
    return Allowance(client)


def test_parts_are_taken_while_they_fit(allowance: Allowance) -> None:
    """One that is too large takes nothing, and a smaller one after it may still fit, to the last unit."""
    assert allowance.take(100, 60, 41, 40, 1, 0) == [1, 0, 1, 0, 1]


def test_a_larger_sum_has_room_again(allowance: Allowance) -> None:
    """What it is in all is said with each call, as the policy may change."""
    assert allowance.take(100, 100, 1) == [1, 0]
    assert allowance.take(101, 1, 1) == [1, 0]


def test_large_sums_are_exact(allowance: Allowance) -> None:
    """Up to what a script's numbers hold."""
    assert allowance.take(MOST, MOST - 1, 2, 1, 1) == [1, 0, 1, 0]


def test_it_is_kept_from_its_first_part_on(allowance: Allowance) -> None:
    """So long, and a later part makes it live no longer."""
    allowance.take(100, 1)
    assert KEPT_S - 5 <= allowance.client.ttl(allowance.key) <= KEPT_S
    allowance.client.expire(allowance.key, 100)
    allowance.take(100, 1)
    assert allowance.client.ttl(allowance.key) <= 100
