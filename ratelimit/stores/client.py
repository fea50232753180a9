"""The store that `RATELIMIT_REDIS_URL` names, single or cluster: who asks is sent to the node that keeps the key.

Which of the two it is the server says itself. A cluster's map of slots is read at the start, and again while one of its nodes is away; a
node that answers MOVED corrects it. Calls that a node proved not to have executed go to the right one as they are.
"""

import asyncio
from random import random, sample
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import structlog
from redis.crc import key_slot
from redis.exceptions import AskError, RedisError, ResponseError

from ratelimit.core.protocols import Asking, Clock
from ratelimit.core.store_key import META
from ratelimit.stores.frame import Frame, code
from ratelimit.stores.lane import Lane
from ratelimit.stores.link import Facts, Link

SLOTS: Final = 16_384
_MOST_HOPS: Final = 3
_RETRY_S: Final = 0.5  # between attempts to reach a store that is away
_LONGEST_RETRY_S: Final = 2.0  # between looks at the map of a cluster a part of which stays away

_log = structlog.get_logger()

Address = tuple[str, int]


class Options(NamedTuple):
    """How to reach the store; `deadline_s` is how long a decision may wait for it."""

    url: str
    clock: Clock
    deadline_s: float
    check_value: str = ""  # of the store key, which all sidecars of one store must share


class RedisStore:
    """A Store. While a key's node is away `want` says no; until the store was reached for the first time it is away as a whole.

    A cluster was reached when its store key was checked. Nodes that answer are asked before: the check may be for one that does not.
    """

    def __init__(self, options: Options) -> None:
        self.facts: Facts | None = None
        self.key_matches = True  # whether this store was made with our store key
        self._options = options
        self._lanes: dict[Address, Lane] = {}
        self._slots: list[Lane] | None = None  # of a cluster
        self._only: Lane | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Every node that is spoken to."""
        return tuple(self._lanes.values())

    @property
    def away(self) -> bool:
        """Whether any part of the store cannot be asked now."""
        return self.facts is None or any(lane.away for lane in self._lanes.values())

    async def open(self) -> bool:
        """Reach the store; False if it is away, and then it is tried again in the background."""
        try:
            await self._reach()
        except (RedisError, OSError) as error:
            _log.warning("the store is away", node=_name(self._options.url), error=f"{type(error).__name__}: {error}"[:200])
            self._spawn(self._keep_reaching())
            return False
        return True

    async def close(self) -> None:
        """Drop every connection, after what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    def want(self, asking: Asking, *, urgent: bool = True) -> bool:
        """Put someone on the list of the node that keeps their key."""
        if self._only is not None:
            return self._only.want(asking, urgent=urgent)
        return self._slots is not None and self._slots[key_slot(asking.key.encode())].want(asking, urgent=urgent)

    async def _reach(self) -> None:
        options = self._options
        link = Link(options.url)
        try:
            facts = await link.open()
            if facts.cluster:
                await self._read_slots(link, _host(options.url))
        finally:
            await link.close()
        if facts.cluster:
            await self._check_key(Link(options.url, self._address_of(META)))
            self._spawn(self._keep_reading_slots())
        else:
            await self._check_key(Link(options.url))
            lane = Lane(_name(options.url), Link(options.url), options.clock, options.deadline_s)
            await lane.open()
            self._lanes["", 0] = self._only = lane
        self.facts = facts
        if facts.maxmemory_policy not in {"noeviction", "?"}:
            _log.warning(
                "the store may evict keys, and a forgotten bucket is a full one; set maxmemory-policy noeviction",
                node=_name(options.url),
                maxmemory_policy=facts.maxmemory_policy,
            )

    async def _check_key(self, link: Link) -> None:
        """Whoever comes first leaves the check value of its store key; with another key the same callers would have other buckets."""
        try:
            await link.open()
            made, found = await link.ask(("SET", META, self._options.check_value, "NX"), ("GET", META))
        finally:
            await link.close()
        for reply in (made, found):
            if isinstance(reply, ResponseError):
                raise reply
        self.key_matches = found == self._options.check_value.encode()
        if not self.key_matches:
            _log.error("RATELIMIT_STORE_KEY is not the one this store was first used with", key=META)

    def _address_of(self, key: str) -> Address:
        assert self._slots is not None  # noqa: S101  read just before
        lane = self._slots[key_slot(key.encode())]
        return next(address for address, known in self._lanes.items() if known is lane)

    async def _keep_reaching(self) -> None:
        while self.facts is None:
            await asyncio.sleep(_RETRY_S * (0.5 + random()))  # noqa: S311  spreads sidecars, hides nothing
            try:
                await self._reach()
            except (RedisError, OSError):
                continue
            _log.warning("the store is back", node=_name(self._options.url))

    async def _keep_reading_slots(self) -> None:
        """A replica that took over is known to the other nodes only; and if all have new addresses, the nodes to whom the URL leads."""
        wait = _RETRY_S
        while True:
            await asyncio.sleep(wait * (0.5 + random()))  # noqa: S311  spreads sidecars, hides nothing
            wait = min(_LONGEST_RETRY_S, wait * 2) if self.away else _RETRY_S
            if not self.away:
                continue
            there = [address for address, lane in self._lanes.items() if not lane.away]
            for address in (*sample(there, len(there)), None):  # hundreds of sidecars do not all ask the same node
                link = Link(self._options.url, address)
                try:
                    await link.open()
                    await self._read_slots(link, address[0] if address else _host(self._options.url))
                except (RedisError, OSError):
                    continue
                finally:
                    await link.close()
                break

    async def _read_slots(self, link: Link, asked: str) -> None:
        """Read the map from a node; `asked` is its host, which it means where it names none."""
        (ranges,) = await link.ask(("CLUSTER", "SLOTS"))
        if isinstance(ranges, ResponseError):
            raise ranges
        slots: list[Lane | None] = [None] * SLOTS
        for start, end, primary, *_ in ranges:
            host = (primary[0] or b"").decode()
            lane = await self._lane((asked if host in {"", "?"} else host, primary[1]))
            slots[start : end + 1] = [lane] * (end + 1 - start)
        missing = slots.count(None)
        if missing:
            raise ResponseError(f"{missing} of the cluster's {SLOTS} slots have no node")
        self._slots = [lane for lane in slots if lane is not None]
        for address, lane in list(self._lanes.items()):
            if lane not in self._slots:
                del self._lanes[address]
                self._spawn(lane.close())

    async def _lane(self, address: Address) -> Lane:
        lane = self._lanes.get(address)
        if lane is None:
            options = self._options
            host, port = address
            lane = Lane(f"{host}:{port}", Link(options.url, address), options.clock, options.deadline_s, self._reroute)
            self._lanes[address] = lane
            try:
                await lane.open()
            except (RedisError, OSError):
                lane.reopen()
        return lane

    async def _reroute(self, error: ResponseError, frame: Frame) -> None:
        """Send what a node did not execute to where it belongs. A node that has to be connected to first is for those who come later."""
        assert isinstance(error, AskError), "MOVED is one of them, too"  # noqa: S101
        address = (error.host or _host(self._options.url), error.port)
        if address not in self._lanes:
            for entry in frame:
                entry.asking.unanswered(entry.call, self._options.clock())
            frame = ()
        lane = await self._lane(address)
        if code(error) == "MOVED" and self._slots is not None:
            self._slots[error.slot_id] = lane
        for entry in frame:
            if entry.hops < _MOST_HOPS:
                lane.send([entry._replace(hops=entry.hops + 1)], asking=code(error) == "ASK")
            else:  # two nodes that send it to one another
                entry.asking.unanswered(entry.call, self._options.clock())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _name(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
