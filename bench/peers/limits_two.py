# mypy: disable-error-code="import-not-found"
# they are in bench/.peers
"""limits on Starlette and uvicorn: two fixed windows per request, one after the other, as its documentation shows. JSON by msgspec."""

import os

import msgspec
import uvicorn
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

NEVER = 1_000_000
BY_KEY = RateLimitItemPerSecond(int(os.environ["BENCH_RATE"]))
BY_IP = RateLimitItemPerSecond(NEVER)
STORE = RedisStorage("async+redis+unix://" + os.environ["BENCH_STORE"].removeprefix("unix://"), implementation="redispy")
LIMITER = FixedWindowRateLimiter(STORE)


async def check(request: Request) -> Response:
    """Both limits must pass."""
    asked = msgspec.json.decode(await request.body())
    allowed = await LIMITER.hit(BY_KEY, "key", asked["api_key"]) and await LIMITER.hit(BY_IP, "ip", asked["ip"])
    return Response(msgspec.json.encode({"decision": "allow" if allowed else "throttle"}), media_type="application/json")


application = Starlette(routes=[Route("/v1/check", check, methods=["POST"])])
uvicorn.run(
    application,
    host="127.0.0.1",
    port=int(os.environ["BENCH_PORT"]),
    loop="uvloop",
    http="httptools",
    access_log=False,
    log_level="warning",
)
