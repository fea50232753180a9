"""throttled-py on aiohttp: two token buckets per request, one after the other, as its documentation shows. JSON by msgspec."""

import os

import msgspec
import uvloop
from aiohttp import web
from throttled.asyncio import RateLimiterType, Throttled, rate_limiter, store  # type: ignore[import-not-found]  # in bench/.peers

STORE = store.RedisStore(server=os.environ["BENCH_STORE"], options={"REUSE_CONNECTION": True})
NEVER = 1_000_000
RATE = int(os.environ["BENCH_RATE"])
BY_KEY = Throttled(using=RateLimiterType.TOKEN_BUCKET.value, quota=rate_limiter.per_sec(RATE, burst=RATE), store=STORE)
BY_IP = Throttled(using=RateLimiterType.TOKEN_BUCKET.value, quota=rate_limiter.per_sec(NEVER, burst=NEVER), store=STORE)


async def check(request: web.Request) -> web.Response:
    """Both limits must pass."""
    asked = msgspec.json.decode(await request.read())
    result = await BY_KEY.limit("key:" + asked["api_key"])
    if not result.limited:
        result = await BY_IP.limit("ip:" + asked["ip"])
    answer = {"decision": "throttle" if result.limited else "allow", "remaining": result.state.remaining}
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


application = web.Application()
application.router.add_post("/v1/check", check)
web.run_app(application, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), access_log=None, print=None, loop=uvloop.new_event_loop())
