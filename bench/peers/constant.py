"""The yardstick: an aiohttp application whose handler returns a constant and does nothing else. It does not even read the body."""

import os

import uvloop
from aiohttp import web

ANSWER = b'{"id":"' + b"x" * (int(os.environ["BENCH_SIZE"]) - 9) + b'"}'


async def check(_request: web.Request) -> web.Response:
    """The same for everybody."""
    return web.Response(body=ANSWER, content_type="application/json")


application = web.Application()
application.router.add_post("/v1/check", check)
web.run_app(application, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), access_log=None, print=None, loop=uvloop.new_event_loop())
