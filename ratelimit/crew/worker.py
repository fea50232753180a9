"""A worker: a process of its own with one sidecar in it, which shares the gateway lane's place with the others.

Run by the supervisor as `python -m ratelimit.crew.worker DESCRIPTOR`, the descriptor of its end of the channel. It reads no setting: what
it is to know comes as the first question. It drains when the channel ends, however that comes about, so none outlives its supervisor.
"""

import asyncio
import signal
import socket
import sys
from contextlib import AsyncExitStack

import structlog

from ratelimit.core.errors import RatelimitError
from ratelimit.crew.channel import Channel
from ratelimit.crew.message import QUESTIONS, Adopt, Answer, Done, Failed, Family, Find, Found, Latest, Look, Question, Seen, Start
from ratelimit.logs import configure_logs
from ratelimit.loop import run
from ratelimit.sidecar import Sidecar
from ratelimit.web.metrics import process_figures
from ratelimit.web.place import Place

_log = structlog.get_logger()


async def work(sock: socket.socket) -> int:
    """A worker's whole life; returns the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    channel = await Channel.over(sock, QUESTIONS)
    start = await channel.receive()
    if not isinstance(start, Start):
        return 0  # the supervisor is gone
    configure_logs(start.log_level, start.log_format, worker=start.number)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(channel.close)
        try:
            sidecar = await _open(start, stack)
        except RatelimitError as error:
            channel.send(Failed(str(error), error.exit_code))
            return error.exit_code
        channel.send(Done())
        answering = asyncio.create_task(_answer_all(channel, sidecar, stop))
        stack.callback(answering.cancel)
        await stop.wait()
        sidecar.health.state = "draining"
    return 0


async def _open(start: Start, stack: AsyncExitStack) -> Sidecar:
    sidecar = await Sidecar.open(start.terms, start.policy.policy(), stack)
    await sidecar.listen(Place.inherited(start.sockets), stack)
    return sidecar


async def _answer_all(channel: Channel[Question], sidecar: Sidecar, stop: asyncio.Event) -> None:
    try:
        while (question := await channel.receive()) is not None:
            channel.send(await _answer(question, sidecar))
    except Exception:
        _log.exception("a question of the supervisor's met a bug of ours; this worker drains, to be replaced")
    finally:
        stop.set()


async def _answer(question: Question, sidecar: Sidecar) -> Answer:
    match question:
        case Look():
            figures = [*await sidecar.sidecars.figures(), *process_figures()]
            report = sidecar.health.report()
            return Seen([Family.of(metric) for metric in figures], report["store"] == "away", report["problem"])
        case Adopt(policy):
            sidecar.adopt(await asyncio.to_thread(policy.policy))
        case Latest(most):
            return Found(await sidecar.sidecars.records(most))
        case Find(reference):
            record = await sidecar.sidecars.find(reference)
            return Found([record] if record is not None else [])
    return Done()


def main() -> None:
    """Work until told to stop."""
    sys.exit(run(work(socket.socket(fileno=int(sys.argv[1])))))


if __name__ == "__main__":
    main()
