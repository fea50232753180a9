"""A worker process as its supervisor sees it: started, asked, and ended."""

import asyncio
import contextlib
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections import deque
from typing import Final, Self

import structlog

from ratelimit.core.errors import DependencyError, RatelimitError
from ratelimit.crew import worker
from ratelimit.crew.channel import Channel
from ratelimit.crew.message import ANSWERS, Answer, Failed, Found, Look, Question, Seen, Start
from ratelimit.sidecar import GATEWAY
from ratelimit.web.listen import share
from ratelimit.web.place import Place

PATIENCE_S: Final = 1.0  # for an answer, which takes milliseconds; then what was known before has to do
DRAIN_S: Final = 15.0  # between the end of the channel and SIGKILL; a lane lets requests run for 10
_MOST_UNANSWERED: Final = 8  # questions; a process that stands still is asked no more

_log = structlog.get_logger()


class Member:
    """One process. `serves` once it has started; `seen` is what it last said of itself; `sockets` are the descriptors it inherited."""

    def __init__(self, process: Process, channel: Channel[Answer], sockets: list[int]) -> None:
        self.serves = False
        self.seen: Seen | None = None
        self.sockets: Final = sockets
        self._process, self._channel = process, channel
        self._waiting: deque[asyncio.Future[Answer | None]] = deque()
        self._receiving = asyncio.create_task(self._receive())

    @classmethod
    async def spawn(cls, place: Place) -> Self:
        """A process that waits for its first question; raises RatelimitError."""
        with contextlib.ExitStack() as theirs:
            ours, other = socket.socketpair()
            theirs.callback(other.close)
            try:
                sockets = [theirs.enter_context(sock).fileno() for sock in share(place, GATEWAY)]
                process = await _exec(other.fileno(), sockets)
                return cls(process, await Channel.over(ours, ANSWERS), sockets)
            except BaseException:
                ours.close()  # which ends the process, should there be one
                raise

    async def start(self, start: Start) -> None:
        """Have it serve; raises RatelimitError."""
        answer = await self.put(start)
        if isinstance(answer, Failed):
            raise _StartError(answer)
        if answer is None:
            raise RatelimitError(f"a worker ended with code {await self.ended()} while starting; what it said stands above")
        self.serves = True
        await self.look()

    def put(self, question: Question) -> "asyncio.Future[Answer | None]":
        """Ask without waiting; the answer is None if the process ends before it comes."""
        waiter = asyncio.get_running_loop().create_future()
        if self._receiving.done():
            waiter.set_result(None)
        else:
            self._channel.send(
                question
            )  # first: of one that cannot be sent nobody may wait, or the next one's answer would be taken for its
            self._waiting.append(waiter)
        return waiter

    async def look(self) -> None:
        """See how it is; it stays as it was `seen` before if it does not say."""
        answer = await self._ask(Look())
        if isinstance(answer, Seen):
            self.seen = answer

    async def find(self, question: Question) -> Found:
        """What it remembers; nothing if it does not say."""
        answer = await self._ask(question)
        return answer if isinstance(answer, Found) else Found([])

    async def ended(self) -> int:
        """Its exit code, when it has one."""
        return await self._process.wait()

    async def end(self) -> None:
        """Let it drain, if it ever served, and kill it if that takes too long."""
        patience = asyncio.get_running_loop().call_later(DRAIN_S if self.serves else 0, self._kill)
        await self._channel.close()  # which may wait, too: for a process that does not read
        await self._process.wait()
        patience.cancel()
        self._receiving.cancel()

    def _kill(self) -> None:
        if self.serves and self._process.returncode is None:
            _log.error("a worker did not drain in time and is killed", pid=self._process.pid)
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _ask(self, question: Question) -> Answer | None:
        if len(self._waiting) >= _MOST_UNANSWERED:
            return None
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self.put(question), PATIENCE_S)
        return None

    async def _receive(self) -> None:
        try:
            while (answer := await self._channel.receive()) is not None:
                waiter = self._waiting.popleft()
                if not waiter.done():  # else nobody waits any more
                    waiter.set_result(answer)
        except Exception:
            _log.exception("what a worker said met a bug of ours; it drains, to be replaced", pid=self._process.pid)
            await self._channel.close()
        finally:
            self._give_up()

    def _give_up(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)


class _StartError(RatelimitError):
    """What a worker said when it could not start."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.exit_code = failed.exit_code


async def _exec(channel: int, sockets: list[int]) -> Process:
    """Start anew rather than fork: a fork would hold what we hold, such as the pipe that ties the embedded store to our life."""
    # the same modules as ours, and none that happens to lie in the working directory
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        return await create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            worker.__name__,
            str(channel),
            stdin=DEVNULL,
            env=environment,
            pass_fds=[channel, *sockets],
            start_new_session=True,  # Ctrl-C is for us alone, who tell the others
        )
    except OSError as error:
        raise DependencyError(
            f"a worker cannot be started: {error.strerror}; is there memory, and may this user have one more process?"
        ) from None
