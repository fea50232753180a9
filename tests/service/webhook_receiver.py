"""A site that takes webhooks: it verifies signatures, and can fail, be slow, redirect, or be away."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from ratelimit.setting_value import Secret
from ratelimit.web.outgoing import Poster


class Receiver:
    """What it was sent is in `got`, by id; `statuses` are what it answers next, then 204. `wait` holds back its answers."""

    def __init__(self, secret: str, port: int = 0) -> None:
        self.got: list[tuple[str, Any]] = []
        self.statuses: list[int] = []
        self.wait: asyncio.Event | None = None
        self.url = ""
        self._webhook = Webhook(secret)
        self._runner: web.AppRunner | None = None
        self._port = port

    async def start(self) -> "Receiver":
        """Take connections, on the same port as before."""
        application = web.Application()
        application.router.add_post("/hooks", self._take)
        application.router.add_post("/elsewhere", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}/hooks"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def ids(self) -> list[str]:
        return [reference for reference, _ in self.got]

    async def poster(self, stack: AsyncExitStack) -> Poster:
        return await Poster.open(Secret(self.url), stack)

    async def _take(self, request: web.Request) -> web.Response:
        said = self._webhook.verify(await request.read(), dict(request.headers))
        self.got.append((request.headers["webhook-id"], said))
        if self.wait is not None:
            await self.wait.wait()
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status // 100 == 3 else {})
