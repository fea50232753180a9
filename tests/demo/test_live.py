"""Life on the demonstration's site ends with the service."""

import asyncio
import time
from collections.abc import Iterator
from typing import cast

from aiohttp import web
from aiohttp.test_utils import TestServer

from ratelimit.demo.bank import Told
from ratelimit.demo.live import Lanes, Live
from ratelimit.demo.site import Site
from tests.stores.asker import until


class Quiet:
    """A site on which nothing happens any more."""

    def later(self) -> Iterator[None]:
        return iter(())

    def later_purchases(self) -> list[None]:
        return []


async def test_what_was_begun_ends() -> None:
    """What the payment service would tell in an hour is left, before the connection that it would be told over goes."""
    async with TestServer(web.Application()) as server:
        lanes = Lanes(str(server.make_url("/")), str(server.make_url("/")), "whsec_of-the-tests-alone")
        before = asyncio.all_tasks()
        running = asyncio.create_task(Live(cast("Site", Quiet()), lanes, 1, print).run([Told(time.time() + 10**6, b"{}")]))
        await until(lambda: len(asyncio.all_tasks() - before) >= 3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert asyncio.all_tasks() == before
