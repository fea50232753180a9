"""What runs in the background goes on, whatever happens to it."""

import asyncio
from contextlib import AsyncExitStack

from structlog.testing import capture_logs

from ratelimit.loop import keep_running


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
