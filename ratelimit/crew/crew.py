"""The workers of one `serve`, kept at their number and seen as one.

Each is a sidecar of its own with its own connection to the store, so nothing has to be agreed among them: leases are exact between
sidecars, wherever these run. The supervisor has what is there once: embedded store, operator lane, policy file, signals, and the gateway
lane's place. A worker that ends is replaced, at once unless it just was; what it had counted until a moment before stays counted.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import structlog
from prometheus_client.core import Metric

from ratelimit.core.errors import RatelimitError
from ratelimit.core.policy import Policy
from ratelimit.core.record import Record
from ratelimit.crew.member import Member
from ratelimit.crew.message import Adopt, Find, Found, Latest, Question, Seen, Start, Told
from ratelimit.loop import keep_running
from ratelimit.sidecar import Terms
from ratelimit.web.health import Health
from ratelimit.web.merge import counters, merged
from ratelimit.web.place import Place

LOOK_EVERY_S: Final = 1.0  # so much of what a worker counted is forgotten if it is killed
BACKOFF_S: Final = (0.0, 0.5, 2.0, 5.0)  # before the first replacement, the second, ...; the last one stays
STEADY_S: Final = 60.0  # a worker that ran this long is replaced at once again
NOBODY: Final = "no worker serves"

_log = structlog.get_logger()


class Crew:
    """Workers with the numbers from 1 to `count`. As `Sidecars` it asks all of them, and leaves out whoever does not answer."""

    def __init__(self, terms: Terms, policy: Policy, count: int, log_level: str, log_format: str) -> None:
        self.overlaid: Callable[[Policy], Policy] = lambda it: it  # with what lies on its rules, which each worker finds by itself
        self.worker_restarts = 0
        self._policy = policy
        self.health: Final = Health(lambda: any(seen.store_away for seen in self._seen()), self._problem)
        self._terms, self._numbers, self._logs = terms, range(1, count + 1), (log_level, log_format)
        self._members: dict[int, Member] = {}
        self._gone: list[Metric] = []  # what those counted that ended

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.overlaid(self._policy)

    @property
    def sidecars(self) -> "Crew":
        """As an operator looks at them."""
        return self

    @property
    def workers(self) -> int:
        """How many serve now."""
        return len(self._serving())

    async def listen(self, place: Place, stack: AsyncExitStack) -> None:
        """Start all, and return when all serve; raises RatelimitError, what the first said that could not."""
        stack.push_async_callback(self._dismiss, place)
        try:
            async with asyncio.TaskGroup() as starting:
                for number in self._numbers:
                    starting.create_task(self._enlist(number, place))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        for number in self._numbers:
            keep_running(partial(self._keep, number, place), stack)
        keep_running(self._look_often, stack)
        self.health.state = "serving"

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force in every worker, and in those to come."""
        self._policy = policy
        told = Told.of(policy)
        for member in self._members.values():
            member.put(Adopt(told))

    async def figures(self) -> list[Metric]:
        """What all counted, those too that are gone."""
        await self._look()
        return [*self._gone, *(family.metric() for seen in self._seen() for family in seen.families)]

    async def records(self, most: int) -> list[Record]:
        """The latest refusals of all, latest first."""
        found = [record for answer in await self._ask(Latest(most)) for record in answer.records]
        return sorted(found, key=lambda record: record.time, reverse=True)[:most]

    async def find(self, reference: str) -> Record | None:
        """The refusal with that id, whichever worker made it."""
        return next((record for answer in await self._ask(Find(reference)) for record in answer.records), None)

    async def _ask(self, question: Question) -> list[Found]:
        return await asyncio.gather(*(member.find(question) for member in self._serving()))

    async def _look(self) -> None:
        await asyncio.gather(*(member.look() for member in self._serving()))

    async def _look_often(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    def _serving(self) -> list[Member]:
        return [member for member in self._members.values() if member.serves]

    def _seen(self) -> list[Seen]:
        return [member.seen for member in self._members.values() if member.seen is not None]

    def _problem(self) -> str | None:
        if not self._serving() and self.health.state == "serving":
            return NOBODY
        return next((seen.problem for seen in self._seen() if seen.problem is not None), None)

    async def _enlist(self, number: int, place: Place) -> None:
        member = await Member.spawn(place)
        self._members[number] = member  # from now on it is told of new policies, after this one
        await member.start(Start(number, self._terms, Told.of(self._policy), member.sockets, *self._logs))

    async def _keep(self, number: int, place: Place) -> None:
        clock = asyncio.get_running_loop().time
        quick = 0
        while True:
            member, since = self._members.get(number), clock()
            if member is not None:
                _log.error("a worker ended", worker=number, exit_code=await member.ended())
                await self._bury(number)
            quick = 0 if clock() - since > STEADY_S else quick
            await self._replace(number, place, BACKOFF_S[min(quick, len(BACKOFF_S) - 1)])
            quick += 1

    async def _replace(self, number: int, place: Place, backoff_s: float) -> None:
        await asyncio.sleep(backoff_s)
        try:
            await self._enlist(number, place)
        except RatelimitError as error:
            _log.error("a worker could not be replaced", worker=number, error=str(error))
            await self._bury(number)
            return
        self.worker_restarts += 1
        _log.warning("a worker was replaced", worker=number, restarts=self.worker_restarts)

    async def _bury(self, number: int) -> None:
        """What it counted stays counted."""
        member = self._members.pop(number, None)
        if member is not None:
            if member.seen is not None:
                self._gone = merged([*self._gone, *counters(family.metric() for family in member.seen.families)])
            await member.end()

    async def _dismiss(self, place: Place) -> None:
        """Nobody is let in any more; all drain at the same time."""
        place.close()
        await asyncio.gather(*(member.end() for member in self._members.values()))
