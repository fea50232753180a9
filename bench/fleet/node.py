"""The store in memory: real buckets of `ratelimit.core.bucket` behind the bytes that a lane sends to `acquire.lua`.

A call takes its time to get there, is executed whole at one instant, and its answer takes its time to come back. The node itself takes
none: what it costs a core is counted here and priced by `nodes.py`. That `Bucket` and `acquire.lua` are the same is tested elsewhere.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from struct import unpack_from
from typing import Any, Final

from bench.fleet.timeline import Timeline
from ratelimit.core.bucket import Acquire, Bucket, Terms
from ratelimit.stores.link import ACQUIRE, Command, Facts

EPOCH_US: Final = 1_760_000_000_000_000
_NUMBERS: Final = 13  # before the needs; the script's header has them by name
_FACTS: Final = Facts("simulated", "0", "master", cluster=False, loading=False, maxmemory_policy="noeviction")


class Node:
    """All buckets, and how often each was asked."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._buckets: dict[str, Bucket] = {}
        self.asked: list[tuple[int, str]] = []  # instant and bucket of every call

    def execute(self, command: Command) -> tuple[list[list[int]], dict[str, int]]:
        """What the script answers, and how many needs it charged to each of the buckets."""
        _, sha, count, *rest = command
        if sha != ACQUIRE.sha or not isinstance(count, int):
            raise ValueError(f"only acquire.lua is spoken here, not {command[:3]}")
        replies, charged = [], {}
        for key, call in zip(rest[:count], rest[count + 1 :], strict=True):
            assert isinstance(key, str)
            assert isinstance(call, bytes)
            reply = self._acquire(key, call)
            replies.append(reply)
            charged[key] = reply[5:].count(0)
        return replies, charged

    def kept(self) -> list[str]:
        """The buckets that the store would still hold: neither full nor with anything out on lease."""
        now = EPOCH_US + self._timeline.now
        return [key for key, bucket in self._buckets.items() if now < bucket.at + bucket.full_in()]

    def _acquire(self, key: str, packed: bytes) -> list[int]:
        now = EPOCH_US + self._timeline.now
        numbers = [int(number) for number in unpack_from(f"<{_NUMBERS}d", packed)]
        needs = [int(need) for need in unpack_from(f"<{numbers[12]}d", packed, 8 * _NUMBERS)]
        self.asked.append((self._timeline.now, key))
        bucket = self._buckets.get(key)
        if bucket is None or now >= bucket.at + bucket.full_in():  # a key that has expired
            bucket = self._buckets[key] = Bucket(numbers[1], numbers[2], now)
        grant = bucket.acquire(now, Terms(*numbers[:6]), Acquire(needs, *numbers[6:12]))
        return [*grant[:5], *grant.retries]


class Wire:
    """What a lane takes for its link: one sidecar's connection to the node."""

    def __init__(self, node: Node, timeline: Timeline, chance: Random, round_trip_us: int) -> None:
        self._node, self._timeline, self._chance = node, timeline, chance
        self._each_way_us = round_trip_us / 2
        self.charged: dict[str, tuple[int, int]] = {}  # by bucket, of the latest call: the instant, and how many needs were charged

    async def open(self) -> Facts:
        """It is always there."""
        return _FACTS

    async def close(self) -> None:
        """Nothing is held."""

    async def exchange(self, commands: Sequence[Command], _asking: Sequence[bool] = ()) -> list[Any]:
        """There, executed, and back; each way takes between half and one and a half of its mean."""
        await self._pass()
        replies = []
        for command in commands:
            reply, charged = self._node.execute(command)
            replies.append(reply)
            self.charged.update({key: (self._timeline.now, count) for key, count in charged.items()})
        await self._pass()
        return replies

    async def _pass(self) -> None:
        await asyncio.sleep(self._each_way_us * self._chance.uniform(0.5, 1.5) / 1e6)
