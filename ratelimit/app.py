"""Puts the parts together, in the order in which they need one another, and takes them apart in the opposite one. No rule lives here."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import structlog

from ratelimit.core.identity import ApiKeys
from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.logs import configure_logs
from ratelimit.service.limiter import Limiter
from ratelimit.service.policy_source import built_in_policy, read_policy
from ratelimit.service.reload import Reload
from ratelimit.settings import Settings
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from ratelimit.stores.store_key import load_or_create_store_key
from ratelimit.web.counts import GatewayCounts
from ratelimit.web.gateway import GatewayLane, GatewayServer
from ratelimit.web.health import Health
from ratelimit.web.listen import listen

# CLOCK_MONOTONIC stands still while the machine sleeps, and a lease would outlive what the store counts; only Linux has the other one
_CLOCK_ID = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_log = structlog.get_logger()

Announce = Callable[[list[str]], None]


def clock_us() -> int:
    """The sidecar's clock: microseconds, never going back."""
    return time.clock_gettime_ns(_CLOCK_ID) // 1000


class App:
    """One sidecar, from start to end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policy: Policy = built_in_policy() if settings.policy is None else read_policy(settings.policy)  # before anything starts
        self._stop = asyncio.Event()

    async def serve(self, announce: Announce) -> None:
        """Serve until SIGTERM or SIGINT, then drain: finish what was asked, give leases back, stop the store."""
        configure_logs(self._settings.log_level, self._settings.log_format)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with AsyncExitStack() as stack:
            store, key = await self._open_store(stack)
            limiter = self._make_limiter(store, key, stack)
            health = Health(lambda: store.away)
            lines = await self._open_lanes(limiter, key, health, stack)
            health.problem = None if store.key_matches else "RATELIMIT_STORE_KEY is not the one this store was first used with"
            health.state = "serving"
            announce([*lines, self._policy_line()])
            await self._stop.wait()
            health.state = "draining"

    async def _open_store(self, stack: AsyncExitStack) -> tuple[RedisStore, bytes]:
        settings = self._settings
        if settings.redis_url is None:
            embedded = await EmbeddedStore.start(settings.data)
            stack.push_async_callback(embedded.stop)
            url = embedded.url
        else:
            url = settings.redis_url.reveal()
        key = settings.store_key.reveal() if settings.store_key is not None else load_or_create_store_key(settings.data)
        store = RedisStore(Options(url, clock_us, settings.deadline_ms / 1_000, StoreKeys(key).check_value))
        stack.push_async_callback(store.close)
        await store.open()
        return store, key

    def _make_limiter(self, store: RedisStore, key: bytes, stack: AsyncExitStack) -> Limiter:
        settings = self._settings
        limiter = Limiter(
            self._policy,
            store,
            StoreKeys(key),
            clock_us,
            late_us=settings.late_ms * 1_000,
            sidecars=settings.expected_sidecars,
            most_subjects=settings.max_subjects,
        )
        stack.callback(limiter.give_back)  # before the store closes, which sends it
        _keep_running(limiter.run(), stack)
        return limiter

    async def _open_lanes(self, limiter: Limiter, key: bytes, health: Health, stack: AsyncExitStack) -> list[str]:
        settings = self._settings
        counts = GatewayCounts()
        lane = GatewayLane(limiter, ApiKeys(key), health, counts, settings.gateway_token)
        gateway = await listen(GatewayServer(lane, counts), settings.gateway, "RATELIMIT_GATEWAY")
        stack.push_async_callback(gateway.close)
        if settings.policy is not None:
            reload = Reload(settings.policy, self._policy, limiter.adopt)
            _keep_running(reload.run(), stack)
        return [f"gateway lane   {gateway.address}"]

    def _policy_line(self) -> str:
        return f"policy {self._policy.source}"


def _keep_running(work: Coroutine[Any, Any, None], stack: AsyncExitStack) -> None:
    task = asyncio.get_running_loop().create_task(work)
    stack.callback(task.cancel)
