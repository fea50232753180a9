"""A held account over four `ratelimit serve` on one store: it spends what is free and not more, exactly, and the site is told."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Final

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector

from ratelimit.stores.client import Options, RedisStore
from tests.core.test_webhook import NEW
from tests.e2e.conftest import Server
from tests.e2e.diary import clock_us
from tests.e2e.serving import Serving, serving
from tests.port import free_port
from tests.service.holding import DAY, Process, Wall, process, purchase
from tests.service.webhook_receiver import Receiver
from tests.stores.asker import until

SIDECARS: Final = 4
AT_ONCE: Final = 2_000
POLICY: Final = "version: 1\nlimits:\n  - {name: wide, per: [account], bucket: {capacity: 1000000, refill: 1000/s}}\n"
SPEND: Final = {"REDIS_URL": "", "STORE_KEY": "0" * 64, "DEADLINE_MS": "1000", "SIGNALS": "off", "POLICY": "policy.yaml"}


@pytest.fixture(scope="module")
def port() -> int:
    """Where the site takes webhooks, when it does."""
    return free_port()


@pytest.fixture
async def receiver(port: int) -> AsyncIterator[Receiver]:
    """The site, as far as it takes webhooks."""
    found = await Receiver(NEW, port).start()
    yield found
    await found.stop()


@pytest.fixture(scope="module")
def sidecars(valkey: Server, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Serving]]:
    """Four that serve on an empty store; each test has an account of its own, and the last one kills the first of them."""
    valkey.on_each("FLUSHALL")
    settings = SPEND | {"REDIS_URL": valkey.url, "WEBHOOK_URL": f"http://127.0.0.1:{port}/hooks", "WEBHOOK_SECRET": NEW}
    with ExitStack() as stack:
        found = []
        for _ in range(SIDECARS):
            folder = tmp_path_factory.mktemp("sidecar")
            (folder / "policy.yaml").write_text(POLICY)
            found.append(stack.enter_context(serving(folder, **settings)))
        yield found


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """A client whose connections are as many as the checks at once."""
    async with ClientSession(connector=TCPConnector(limit=256)) as found:
        yield found


@pytest.fixture
async def here(valkey: Server, sidecars: list[Serving]) -> AsyncIterator[Process]:  # noqa: ARG001  they come first
    """A process that holds, as the one does that answers purchases."""
    async with AsyncExitStack() as stack:
        store = RedisStore(Options(valkey.url, clock_us, 5.0))
        stack.push_async_callback(store.close)
        await store.open()
        yield await process(store, valkey.url, Wall(), stack)


async def check(session: ClientSession, sidecar: Serving, account: str) -> str | None:
    """The decision; None: nobody answered."""
    try:
        async with session.post(f"{sidecar.gateway}/v1/check", json={"account": account, "method": "GET", "path": "/"}) as answer:
            said: dict[str, Any] = await answer.json()
    except (ClientError, OSError):
        return None
    assert said["limit"] in {"hold", "wide"}
    return str(said["decision"])


async def wave(session: ClientSession, sidecars: Sequence[Serving], account: str) -> list[str | None]:
    """So many checks at once, over all of them."""
    return await asyncio.gather(*(check(session, sidecars[n % len(sidecars)], account) for n in range(AT_ONCE)))


async def states(session: ClientSession, sidecars: Sequence[Serving], account: str, states: list[str]) -> None:
    """Wait until all of them know of holds in these states."""
    for sidecar in sidecars:
        found: list[str] = []
        for _ in range(5_000):
            async with session.get(f"{sidecar.gateway}/v1/holds", params={"account": account}) as answer:
                found = [hold["state"] for hold in (await answer.json())["holds"]]
            if found == states:
                break
            await asyncio.sleep(0.01)
        assert found == states


async def spend_all(session: ClientSession, sidecars: Sequence[Serving], account: str) -> int:
    """Ask until a whole wave is refused, everything in hand having gone back before; how many passed."""
    passed = 0
    while True:
        some = (await wave(session, sidecars, account)).count("allow")
        passed += some
        if not some:
            return passed
        await asyncio.sleep(0.5)


async def test_spends_what_is_free_and_not_more(session: ClientSession, sidecars: list[Serving], here: Process, receiver: Receiver) -> None:
    """2,000 checks at once admit the free tokens; a release by a person admits exactly the rest; and each change was told once."""
    account = "acme"
    await here.holds.open(purchase("acme-1", 1_000, account, balance=33), 400, here.wall() + DAY, "unusual")
    await here.holds.open(purchase("acme-2", 500, account), 500, here.wall() + DAY, "unusual")
    await states(session, sidecars, account, ["held", "held"])
    assert await spend_all(session, sidecars, account) == 633
    word = {"by": "mia", "reason": "known customer"}
    async with session.post(f"{sidecars[3].operator}/v1/holds/acme-1/release", json=word) as answer:
        assert answer.status == 200
    await states(session, sidecars, account, ["released", "held"])
    assert await spend_all(session, sidecars, account) == 400
    async with session.get(f"{sidecars[0].gateway}/v1/holds", params={"account": account}) as answer:
        said = await answer.json()
    assert (said["spent"], said["spendable"], [hold["spent"] for hold in said["holds"]]) == (1_033, 0, [1_000, 0])
    await until(lambda: len(receiver.got) >= 3)
    told = [(said["data"]["purchase"], said["data"]["state"]) for _, said in receiver.got]
    assert sorted(told) == [("acme-1", "held"), ("acme-1", "released"), ("acme-2", "held")]


async def test_release_while_requests_come(session: ClientSession, sidecars: list[Serving], here: Process) -> None:
    """What is released in the middle of a wave is admitted, none of it twice."""
    account = "bolt"
    await here.holds.open(purchase("bolt-1", 1_000, account), 700, here.wall() + DAY, "unusual")
    await here.holds.open(purchase("bolt-2", 500, account), 500, here.wall() + DAY, "unusual")
    await states(session, sidecars, account, ["held", "held"])
    under_way = asyncio.create_task(wave(session, sidecars, account))
    await asyncio.sleep(0.05)
    await here.holds.release("bolt-1", "mia", "known customer")
    passed = (await under_way).count("allow")
    await states(session, sidecars, account, ["released", "held"])
    assert passed + await spend_all(session, sidecars, account) == 1_000


async def test_killed(session: ClientSession, sidecars: list[Serving], here: Process) -> None:
    """Of one that is killed its lease is lost and no more, and what it answered nobody; the others admit no token beyond."""
    account = "cone"
    free = 3_000
    await here.holds.open(purchase("cone-1", free + 10, account), 10, here.wall() + DAY, "unusual")
    await states(session, sidecars, account, ["held"])
    under_way = asyncio.create_task(wave(session, sidecars, account))
    await asyncio.sleep(0.1)
    sidecars[0].process.kill()
    first = await under_way
    passed = first.count("allow") + await spend_all(session, sidecars[1:], account)
    assert free - free // 50 - first.count(None) <= passed <= free
