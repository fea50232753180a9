"""The event loop, and the work in the background that it never stops doing."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import structlog

if sys.platform == "win32":  # uvloop is not made for Windows
    from asyncio import new_event_loop as make_loop
else:
    from uvloop import new_event_loop as make_loop

__all__ = ["keep_running", "make_loop"]

_log = structlog.get_logger()


def keep_running(work: Callable[[], Coroutine[Any, Any, None]], stack: AsyncExitStack, pause_s: float = 1.0) -> None:
    """Run what never ends; should it fail, which is a bug, it is said and begun again."""

    async def for_ever() -> None:
        while True:
            try:
                await work()
            except Exception:
                _log.exception("work in the background failed, which is our bug; it begins again")
                await asyncio.sleep(pause_s)

    task = asyncio.get_running_loop().create_task(for_ever())
    stack.callback(task.cancel)
