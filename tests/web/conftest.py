"""A real gateway lane on a real limiter and the embedded store, and a client that speaks raw bytes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ratelimit.core.identity import ApiKeys
from ratelimit.core.message import Message
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.deed_desk import DeedDesk
from ratelimit.ledger.intake import Intake
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.cases import Cases
from ratelimit.review.intake import IntakeWorker
from ratelimit.review.quality import Quality
from ratelimit.review.witness import Witness
from ratelimit.service.address_book import AddressBook
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.holds import Holds
from ratelimit.service.limiter import Limiter
from ratelimit.service.overrides import Overrides
from ratelimit.service.purchases import Purchases
from ratelimit.service.reload import ReloadState
from ratelimit.service.standings import Standings
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.setting_value import Secret, TcpAddress
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from ratelimit.web.campaigns import CampaignCalls
from ratelimit.web.cases import CaseCalls
from ratelimit.web.counts import Counts
from ratelimit.web.door import Door
from ratelimit.web.gate_metrics import standing_figures
from ratelimit.web.gateway import POST, READ, Endpoint, GatewayLane
from ratelimit.web.health import Health
from ratelimit.web.hold_metrics import hold_figures
from ratelimit.web.holds import HOLDS, HoldCalls
from ratelimit.web.intake import IntakeCalls
from ratelimit.web.listen import listen
from ratelimit.web.one_sidecar import OneSidecar
from ratelimit.web.operator import OperatorRunner, operator_application
from ratelimit.web.overrides import OverrideCalls
from ratelimit.web.purchases import PURCHASES, PurchaseCall
from ratelimit.web.quality import QualityCalls
from ratelimit.web.route import Route
from ratelimit.web.shortcut import ShortcutServer
from ratelimit.web.stripe import StripeDoor
from ratelimit.web.stripe_signature import verifier
from ratelimit.web.watched import Watched
from ratelimit.web.webhooks import WebhookCalls
from tests.ledger.database import opened, sqlite_url

SECRET = bytes(range(32))
STRIPE_SECRET = "whsec_of-the-tests-alone"
PATIENCE_S = 5.0  # a slow machine is no store that is away


def clock() -> int:
    return time.monotonic_ns() // 1_000


class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection to a lane."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, head: bool = False) -> Answer:
        """The next answer; `head` where it has no body, since it answers HEAD."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        body = b"" if head else await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(lines[0].split()[1]), headers, body)

    async def close(self) -> None:
        self.writer.close()


class Gateway(NamedTuple):
    """A running gateway lane, and what it stands on."""

    address: TcpAddress
    limiter: Limiter
    counts: Counts
    health: Health
    store: RedisStore
    purchases: Purchases
    holds: Holds
    webhooks: WebhookQueue
    standings: Standings
    told: list[Message]  # what the ledger is told of events

    async def connect(self) -> Connection:
        return Connection(*await asyncio.open_connection(*self.address))

    async def ask(self, data: bytes, *, head: bool = False) -> Answer:
        """One request of raw bytes on a connection of its own."""
        connection = await self.connect()
        try:
            await connection.send(data)
            return await connection.answer(head=head)
        finally:
            await connection.close()

    async def get(self, path: str, *headers: str, method: str = "GET") -> Answer:
        return await self.ask(
            "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1"), head=method == "HEAD"
        )

    async def post(self, path: str, body: bytes | dict[str, Any], *headers: str, method: str = "POST") -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}", *headers, "", ""]
        return await self.ask("\r\n".join(lines).encode("latin-1") + content)

    async def check(self, **fields: Any) -> Answer:
        return await self.post("/v1/check", {"method": "GET", "path": "/", **fields})


class Operator(NamedTuple):
    """A running operator lane beside its gateway lane."""

    gateway: Gateway
    lane: Gateway  # asked in the same way
    reload: ReloadState
    store: RedisStore
    sidecar: OneSidecar


def deeds_of(ledger: Ledger, gateway: Gateway, policy: Callable[[], Policy], inbox: StripeInbox) -> list[Route]:
    """The calls of deeds, with the gateway lane's words and holds."""
    overrides = Overrides(gateway.standings, SECRET, policy, time.time, gateway.webhooks)
    deeds = DeedDesk(
        ledger,
        Subjects([SECRET]),
        overrides=overrides,
        holds=gateway.holds,
        inbox=inbox,
        webhooks=gateway.webhooks,
        told=("site.example",),
        policy=policy,
        sample=0.001,
    )
    return deeds.routes(Cases(ledger, time.time))


Start = Callable[..., Awaitable[Gateway]]
StartOperator = Callable[..., Awaitable[Operator]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Called with limits as the policy writes them, it starts a gateway lane; `store=False` leaves the store away for good."""
    async with AsyncExitStack() as stack:

        async def begin(limits: list[dict[str, Any]], *, token: str | None = None, store: bool = True, **identity: Any) -> Gateway:
            found = Policy(parse_policy({"version": 1, "limits": limits, "identity": identity}, "p"))
            url = f"unix://{tmp_path}/nobody.sock"
            if store:
                embedded = await EmbeddedStore.start(tmp_path / "data")
                stack.push_async_callback(embedded.stop)
                url = embedded.url
            redis = RedisStore(Options(url, clock, PATIENCE_S, StoreKeys(SECRET).check_value))
            stack.push_async_callback(redis.close)
            await redis.open()
            limiter = Limiter(found, redis, StoreKeys(SECRET), clock)
            counts, health = Counts(), Health(lambda: redis.away)
            health.state = "serving"
            purchases = Purchases(redis, StoreKeys(SECRET), found, time.time, AddressBook())
            standings = Standings(redis, time.time)  # which hears of its own changes alone
            holds = Holds(standings, HoldCounter(redis, StoreKeys(SECRET), time.time), time.time)
            limiter.gate.index = standings.index
            limiter.heed_holds(holds.account, time.time)
            more = {
                PURCHASES: Endpoint(PurchaseCall(purchases, time.time, clock).take, POST),
                HOLDS: Endpoint(HoldCalls(holds).of_account, READ),
            }
            told: list[Message] = []
            lane = GatewayLane(limiter, ApiKeys(SECRET), health, counts, Secret(token) if token else None, more, told.append)
            listener = await listen(ShortcutServer(lane, counts, lane), TcpAddress("127.0.0.1", 0), "RATELIMIT_GATEWAY")
            stack.push_async_callback(listener.close, 1.0)
            assert isinstance(listener.address, TcpAddress)
            webhooks = WebhookQueue(redis, time.time)
            return Gateway(listener.address, limiter, counts, health, redis, purchases, holds, webhooks, standings, told)

        yield begin


@pytest.fixture
async def start_operator(start: Start) -> AsyncIterator[StartOperator]:
    """Called like `start`, it starts an operator lane too; `operator_token` is that lane's token. Without `ledger` that is away."""
    async with AsyncExitStack() as stack:

        async def begin(
            limits: list[dict[str, Any]],
            *,
            operator_token: str | None = None,
            stripe: bool = True,
            ledger: Ledger | None = None,
            **options: Any,
        ) -> Operator:
            gateway = await start(limits, **options)
            reload, counts = ReloadState(gateway.limiter.policy.digest, (), 0.0), Counts()
            sidecar = OneSidecar(gateway.limiter, gateway.counts, lambda: gateway.store.lanes, purchases=gateway.purchases)
            watched = Watched(
                sidecar,
                gateway.health,
                counts,
                reload,
                lambda: 3,
                desk=lambda: [*standing_figures(gateway.standings), *hold_figures(gateway.holds, None)],
            )
            policy = lambda: sidecar.policy  # noqa: E731
            overrides = OverrideCalls(Overrides(gateway.standings, SECRET, policy, time.time), policy, time.time)
            nowhere = Ledger("sqlite:////nowhere/ledger.db")
            witness = Witness(ledger or nowhere, Subjects([SECRET]), time.time)
            routes = [*HoldCalls(gateway.holds, witness).routes(), *WebhookCalls(gateway.webhooks, witness).routes(), *overrides.routes()]
            inbox = StripeInbox(gateway.store, time.time)
            routes += StripeDoor(inbox, verifier([STRIPE_SECRET]) if stripe else None, time.time, witness).routes()
            cases = Cases(ledger or nowhere, time.time)
            routes += [*CaseCalls(cases, time.time).routes(), *CampaignCalls(cases).routes()]
            routes += QualityCalls(Quality(ledger or nowhere, time.time)).routes()
            routes += deeds_of(ledger or nowhere, gateway, policy, inbox)
            routes += IntakeCalls(IntakeWorker(gateway.store, Intake(nowhere, []), time.time)).routes()
            runner = OperatorRunner(operator_application(watched, Door(Secret(operator_token) if operator_token else None), routes), counts)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            listener = await listen(runner.lane, TcpAddress("127.0.0.1", 0), "RATELIMIT_OPERATOR")
            stack.push_async_callback(listener.close, 1.0)
            assert isinstance(listener.address, TcpAddress)
            return Operator(gateway, gateway._replace(address=listener.address, counts=counts), reload, gateway.store, sidecar)

        yield begin


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger on SQLite: what is asked of a database is tested on both in tests/ledger and tests/review."""
    async with opened(sqlite_url(tmp_path)) as made:
        yield made
