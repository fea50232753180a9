"""Puts the parts together, in the order in which they need one another, and takes them apart in the opposite one. No rule lives here."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import structlog

from ratelimit import __version__
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.books import Books
from ratelimit.console.whereabouts import whereabouts
from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.core.units import ceil_div
from ratelimit.crew.crew import Crew
from ratelimit.desk import Desk, WebhookTerms
from ratelimit.front import Front
from ratelimit.ledger.ledger import LedgerAwayError
from ratelimit.ledger_desk import Around, LedgerDesk
from ratelimit.logs import configure_logs
from ratelimit.loop import keep_running
from ratelimit.reception import Reception, console_origin
from ratelimit.service.address_book import AddressBook, Sources
from ratelimit.service.model_watch import check_models
from ratelimit.service.policy_source import built_in_policy, read_policy
from ratelimit.service.reload import Reload, ReloadState, Swap
from ratelimit.setting_value import Address, Secret, TcpAddress, UnixAddress, place_of
from ratelimit.settings import Settings
from ratelimit.sidecar import GATEWAY, Sidecar, Terms
from ratelimit.stores.embedded import EmbeddedStore
from ratelimit.stores.key_file import load_or_create_key
from ratelimit.web.counts import Counts
from ratelimit.web.gateway import TOKEN_HEADER
from ratelimit.web.health import Health
from ratelimit.web.listen import listen, reserve
from ratelimit.web.operator import OperatorRunner, operator_application
from ratelimit.web.place import Place
from ratelimit.web.watched import Sidecars, Watched

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  a comparison
_EXAMPLE: Final = '{"api_key":"demo","ip":"203.0.113.7","method":"GET","path":"/v1/images"}'

_log = structlog.get_logger()

Announce = Callable[[list[str]], None]


class Serving(Protocol):
    """What answers the gateway: one sidecar in this process, or workers with one each."""

    @property
    def health(self) -> Health:
        """Set to serving by `listen`."""

    @property
    def sidecars(self) -> Sidecars:
        """As an operator looks at them."""

    @property
    def workers(self) -> int:
        """How many serve now."""

    @property
    def worker_restarts(self) -> int:
        """How many ended and were replaced."""

    @property
    def adopt(self) -> Swap:
        """Puts a policy in force."""

    async def listen(self, place: Place, stack: AsyncExitStack) -> None:
        """Answer the gateway at this place; raises RatelimitError."""


class Desks(NamedTuple):
    """Who answers on the operator lane: on the store, on the ledger, and at the door."""

    store: Desk
    ledger: LedgerDesk
    reception: Reception


class App:
    """`ratelimit serve`, from start to end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policy: Policy = built_in_policy() if settings.policy is None else read_policy(settings.policy)  # before anything starts
        self._sources = Sources(_text(settings.ip_lists), _text(settings.countries))
        self._book = AddressBook(self._sources)
        if self._book.refused:
            raise ConfigError(self._book.refused)
        self._approve(self._policy)
        self._embedded: EmbeddedStore | None = None
        self._stop = asyncio.Event()

    async def serve(self, announce: Announce) -> None:
        """Serve until SIGTERM or SIGINT, then drain: finish what was asked, give leases back, stop the store."""
        settings = self._settings
        configure_logs(settings.log_level, settings.log_format)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with AsyncExitStack() as stack:
            terms = await self._open_store(stack)
            books = Books.begin(settings, stack)
            desk = await Desk.open(terms, self._webhook(), settings.stripe_secrets, stack)
            serving = await self._open(terms, desk, stack)
            reload = self._watch_policy(serving, stack)
            around = Around(lambda: serving.sidecars.policy, lambda: self._policy, serving.sidecars.figures, terms.allow_sample)
            of_ledger = LedgerDesk(books, desk, around)
            of_ledger.begin(stack)
            if isinstance(serving, Crew):
                serving.overlaid = of_ledger.rules.overlay.in_force
            reception = await Reception.open(terms, books, settings, stack)
            operator = await self._open_operator(serving, Desks(desk, of_ledger, reception), reload, stack)
            place = await reserve(settings.gateway, GATEWAY)
            await self._unless_stopped(serving.listen(place, stack))
            if not self._stop.is_set():
                announce(self._started(place.address, operator))
                await self._unless_stopped(self._greet(reception, operator, announce))
            await self._stop.wait()
            serving.health.state = "draining"
            _log.info("draining")

    def _approve(self, policy: Policy) -> None:
        """Raises ConfigError for a policy that asks for risk where there can be none."""
        if policy.risk is not None and self._settings.signals == "off":
            raise ConfigError([f"{policy.source}: $.risk: needs signals, and RATELIMIT_SIGNALS is off; expected it to be on, or no risk"])
        check_models(policy, Model.read, PurchaseModel.read)

    def _webhook(self) -> WebhookTerms | None:
        url, secrets = self._settings.webhook_url, self._settings.webhook_secret
        return WebhookTerms(url, secrets) if url is not None and secrets is not None else None

    async def _open_store(self, stack: AsyncExitStack) -> Terms:
        settings = self._settings
        if settings.redis_url is None:
            embedded = self._embedded = await EmbeddedStore.start(settings.data)
            stack.push_async_callback(embedded.stop)
            url = embedded.url
        else:
            url = settings.redis_url.reveal()
        return Terms(
            store_url=url,
            signals_url=settings.signals_url.reveal() if settings.signals_url is not None else url if settings.signals == "on" else None,
            store_key=settings.store_key.reveal() if settings.store_key is not None else load_or_create_key(settings.data, "store"),
            gateway_token=settings.gateway_token.reveal() if settings.gateway_token is not None else None,
            deadline_ms=settings.deadline_ms,
            late_ms=settings.late_ms,
            sidecars=settings.expected_sidecars * settings.workers,
            most_subjects=ceil_div(settings.max_subjects, settings.workers),  # a machine's memory does not grow with its cores
            most_profiles=settings.max_profiles,
            allow_sample=settings.allow_sample,
            sources=self._sources,
        )

    async def _open(self, terms: Terms, desk: Desk, stack: AsyncExitStack) -> Serving:
        settings = self._settings
        if settings.workers == 1:
            return await Sidecar.open(terms, self._policy, stack, self._book, desk.standings)
        return Crew(terms, self._policy, settings.workers, settings.log_level, settings.log_format)

    def _watch_policy(self, serving: Serving, stack: AsyncExitStack) -> ReloadState:
        def swap(policy: Policy) -> None:
            self._policy = policy
            serving.adopt(policy)

        if self._settings.policy is None:
            return ReloadState(self._policy.digest, self._policy.warnings, time.time())
        reload = Reload(self._settings.policy, self._policy, swap, self._approve)
        keep_running(reload.run, stack)
        return reload.state

    async def _open_operator(self, serving: Serving, desks: Desks, reload: ReloadState, stack: AsyncExitStack) -> Address:
        counts, policy = Counts(), lambda: serving.sidecars.policy
        desk, of_ledger, reception = desks
        watched = Watched(
            serving.sidecars,
            serving.health,
            counts,
            reload,
            lambda: self._embedded.restarts if self._embedded is not None else 0,
            lambda: serving.workers,
            lambda: serving.worker_restarts,
            lambda: (*desk.figures(), *of_ledger.figures()),
        )
        where, zone = whereabouts(self._book.facts), self._settings.console_timezone
        front = Front(of_ledger, desk.standings, desk.reach, where, serving.sidecars, zone)
        door = reception.door(policy)
        keep_running(front.console.warm, stack)
        routes = [*desk.routes(of_ledger.witness), *of_ledger.routes(), *front.routes(), *reception.routes(front.console, door)]
        runner = OperatorRunner(operator_application(watched, door, routes, front.trouble), counts)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        operator = await listen(runner.lane, self._settings.operator, "RATELIMIT_OPERATOR")
        stack.push_async_callback(operator.close)
        stack.callback(front.streams.close)  # before that: whoever follows would hold it up
        return operator.address

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, or leave it as soon as we are told to stop."""
        working, stopped = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
        elif not working.cancelled():
            working.result()

    async def _greet(self, reception: Reception, operator: Address, announce: Announce) -> None:
        """As long as nobody has an account, say how the first one is made: here alone, and not in the log."""
        try:
            link = await reception.first_link(operator)
        except LedgerAwayError:
            return
        if link is not None:
            announce(["", "  Console: whoever opens this link first becomes the admin; it works once, for 24 h", f"  {link}"])

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
            f"  console        {console_origin(settings, operator)}/",
            *([f"  workers        {settings.workers}"] if settings.workers > 1 else []),
            f"  store          {_place(settings.redis_url, 'embedded')}",
            f"  ledger         {_place(settings.database_url, 'SQLite in the data folder')}",
            f"  data           {settings.data.absolute()}",
            f"  policy         {source}, {len(policy.limits)} limits, {policy.mode}",
            *(f"                 warning: {warning}" for warning in policy.warnings),
            "",
            "  Ask it:",
            f"  curl{token} {to}/v1/check -d '{_EXAMPLE}'",
        ]


def _place(url: Secret[str] | None, ours: str) -> str:
    return place_of(url.reveal()) if url is not None else ours


def _text(path: Path | None) -> str | None:
    return str(path) if path is not None else None
