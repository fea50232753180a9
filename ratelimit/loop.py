"""The event loop, and the work in the background that it never stops doing."""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import structlog

if sys.platform == "win32":  # uvloop is not made for Windows
    from asyncio import new_event_loop as make_loop
else:
    from uvloop import new_event_loop as make_loop

T = TypeVar("T")

# objects made before the young ones are looked through for cycles, and how often the older ones: a new subject makes half a dozen that
# stay, and with Python's 700 an eighth of the time of callers who come once goes into looking through them
_COLLECT: Final = (10_000, 10, 10)

_MOST_END_S: Final = 10.0  # for what does not end, which is a bug of ours

_log = structlog.get_logger()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, in a process that does nothing else."""
    spare_collector()
    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(_whole(work))


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Until what was cancelled has ended too: the runner cancels it again, and a connection to the ledger that lets go never would."""
    try:
        return await work
    finally:
        if ending := [task for task in asyncio.all_tasks() if task.cancelling()]:
            await asyncio.wait(ending, timeout=_MOST_END_S)


def spare_collector() -> None:
    """Look through objects less often: for a process that makes many that stay."""
    gc.freeze()  # what was imported stays, and is not looked through any more
    gc.set_threshold(*_COLLECT)


def keep_running(work: Callable[[], Coroutine[Any, Any, None]], stack: AsyncExitStack, pause_s: float = 1.0) -> None:
    """Run what never ends; should it fail, which is a bug, it is said and begun again."""

    async def for_ever() -> None:
        while True:
            try:
                await work()
            except Exception:
                _log.exception("work in the background failed, which is our bug; it begins again")
                await asyncio.sleep(pause_s)

    stack.push_async_callback(_end, asyncio.get_running_loop().create_task(for_ever()))


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=_MOST_END_S)
