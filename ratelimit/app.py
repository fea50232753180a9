"""Puts the parts together, in the order in which they need one another, and takes them apart in the opposite one. No rule lives here."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog

from ratelimit import __version__
from ratelimit.core.identity import ApiKeys
from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.logs import configure_logs
from ratelimit.service.limiter import Limiter
from ratelimit.service.policy_source import built_in_policy, read_policy
from ratelimit.service.reload import Reload, ReloadState
from ratelimit.settings import Address, Settings, TcpAddress, UnixAddress
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from ratelimit.stores.store_key import load_or_create_store_key
from ratelimit.web.counts import Counts
from ratelimit.web.gateway import TOKEN_HEADER, GatewayLane
from ratelimit.web.health import Health
from ratelimit.web.listen import listen
from ratelimit.web.metrics import Watched
from ratelimit.web.operator import OperatorRunner, operator_application
from ratelimit.web.shortcut import ShortcutServer

# CLOCK_MONOTONIC stands still while the machine sleeps, and a lease would outlive what the store counts; only Linux has the other one
_CLOCK_ID = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

WRONG_KEY: Final = "RATELIMIT_STORE_KEY is not the one this store was first used with"

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  a comparison
_EXAMPLE: Final = '{"api_key":"demo","ip":"203.0.113.7","method":"GET","path":"/v1/images"}'

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
        self._embedded: EmbeddedStore | None = None
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
            health = Health(lambda: store.away, lambda: None if store.key_matches else WRONG_KEY)
            gateway, operator = await self._open_lanes(limiter, store, key, health, stack)
            health.state = "serving"
            announce(self._started(gateway, operator))
            await self._stop.wait()
            health.state = "draining"
            _log.info("draining")

    async def _open_store(self, stack: AsyncExitStack) -> tuple[RedisStore, bytes]:
        settings = self._settings
        if settings.redis_url is None:
            embedded = self._embedded = await EmbeddedStore.start(settings.data)
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
        keep_running(limiter.run, stack)
        return limiter

    async def _open_lanes(
        self, limiter: Limiter, store: RedisStore, key: bytes, health: Health, stack: AsyncExitStack
    ) -> tuple[Address, Address]:
        settings = self._settings
        for_gateway, for_operator = Counts(), Counts()
        lane = GatewayLane(limiter, ApiKeys(key), health, for_gateway, settings.gateway_token)
        watched = Watched(
            limiter, health, for_gateway, for_operator, self._watch_policy(limiter, stack), lambda: store.lanes, self._restarts
        )
        runner = OperatorRunner(operator_application(watched, settings.operator_token), for_operator)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        operator = await listen(runner.lane, settings.operator, "RATELIMIT_OPERATOR")
        stack.push_async_callback(operator.close)
        gateway = await listen(ShortcutServer(lane, for_gateway, lane), settings.gateway, "RATELIMIT_GATEWAY")
        stack.push_async_callback(gateway.close)
        return gateway.address, operator.address

    def _watch_policy(self, limiter: Limiter, stack: AsyncExitStack) -> ReloadState:
        if self._settings.policy is None:
            return ReloadState(self._policy.digest, self._policy.warnings, time.time())
        reload = Reload(self._settings.policy, self._policy, limiter.adopt)
        keep_running(reload.run, stack)
        return reload.state

    def _restarts(self) -> int:
        return self._embedded.restarts if self._embedded is not None else 0

    def _started(self, gateway: Address, operator: Address) -> list[str]:
        """What a person wants to see first: where we listen, where the data is, and a line that works."""
        settings, policy, listens = self._settings, self._policy, gateway
        if isinstance(gateway, TcpAddress) and gateway.host in _EVERYWHERE:
            gateway = TcpAddress("127.0.0.1", gateway.port)  # for the line to try
        to = f"--unix-socket {gateway.path} http://localhost" if isinstance(gateway, UnixAddress) else f"http://{gateway}"
        token = f" -H '{TOKEN_HEADER}: ...'" if settings.gateway_token is not None else ""
        source = policy.source if settings.policy is not None else f"built in ({policy.source}; ./ratelimit.yaml is read at the start)"
        return [
            f"ratelimit {__version__}",
            f"  gateway lane   {listens}",
            f"  operator lane  {operator}   (metrics, policy, docs)",
            f"  store          {'embedded' if settings.redis_url is None else 'RATELIMIT_REDIS_URL'}",
            f"  data           {settings.data.absolute()}",
            f"  policy         {source}, {len(policy.limits)} limits, {policy.mode}",
            *(f"                 warning: {warning}" for warning in policy.warnings),
            "",
            "  Ask it:",
            f"  curl{token} {to}/v1/check -d '{_EXAMPLE}'",
        ]


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
