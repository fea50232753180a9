"""A server of an application for tests on a loopback port, which lets its handlers end as ours does when somebody hangs up."""

from typing import Any

from aiohttp.test_utils import TestServer
from aiohttp.web import BaseRunner


class Server(TestServer):
    """What aiohttp has for tests cancels handlers, and one that is cancelled while it opens a connection to a database loses it."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return await super()._make_runner(**(options | {"handler_cancellation": False}))
