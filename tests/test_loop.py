"""What runs in the background goes on, whatever happens to it."""

import asyncio
from contextlib import AsyncExitStack

from structlog.testing import capture_logs

from ratelimit.loop import keep_running, run


async def test_work_that_fails_begins_again() -> None:
    """A bug in the background is logged and does not end the work; the end of the service does."""
    begun: asyncio.Queue[int] = asyncio.Queue()

    async def work() -> None:
        begun.put_nowait(begun.qsize())
        raise KeyError("a bug")

    with capture_logs() as logs:
        async with AsyncExitStack() as stack:
            keep_running(work, stack, pause_s=0)
            for _ in range(3):
                await asyncio.wait_for(begun.get(), 60)
        await asyncio.sleep(0)
        count = begun.qsize()
        await asyncio.sleep(0.01)
        assert begun.qsize() == count
    assert {entry["event"] for entry in logs} == {"work in the background failed, which is our bug; it begins again"}


async def test_work_has_ended_when_the_service_has() -> None:
    """Whoever leaves waits for what must be put in order after a cancellation, such as a connection to the ledger, and cancels once."""
    cancelled = ended = 0

    async def work() -> None:
        nonlocal cancelled, ended
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled += 1
            for _ in range(5):
                await asyncio.sleep(0)
            ended += 1
            raise

    async with AsyncExitStack() as stack:
        keep_running(work, stack)
        await asyncio.sleep(0)
    assert (cancelled, ended) == (1, 1)


def test_nothing_is_cancelled_twice() -> None:
    """Whoever was cancelled while the service ended comes to its own end."""
    ended = asyncio.Queue[bool]()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            ended.put_nowait(True)

    async def work() -> None:
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        task.cancel()

    run(work())
    assert ended.qsize() == 1
