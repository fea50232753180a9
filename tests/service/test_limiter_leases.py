"""The limiter with leases in hand: renewed before they run dry, spent for who may, kept from who only looks."""

from collections.abc import AsyncIterator

import pytest

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.stores import lane
from ratelimit.stores.embedded import EmbeddedStore
from tests.service.conftest import Sidecar, Start, bucket, clock
from tests.stores.asker import until
from tests.stores.proxy import Proxy

ALICE = Caller(api_key="alice")


pytestmark = pytest.mark.usefixtures("long_lives")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies may take as long as a test wants."""
    monkeypatch.setattr(lane, "HANG_S", 60.0)


@pytest.fixture
async def proxy(embedded: EmbeddedStore) -> AsyncIterator[Proxy]:
    found = Proxy(embedded.url)
    yield found
    await found.close()


async def heat(sidecar: Sidecar) -> None:
    """Ask so often that the sidecar holds leases."""
    await sidecar.at_once(40)
    await sidecar.at_once(40)


def at_once(sidecar: Sidecar, cost: int = 1) -> Decision:
    """A decision that needs no store."""
    decided = sidecar.limiter.check(ALICE, "GET", "/", cost)
    assert isinstance(decided, Decision)
    return decided


async def test_renewal_comes_before_the_lease_is_spent(start: Start, proxy: Proxy) -> None:
    """When little is left the next lease is asked for, while the one in hand goes on deciding."""
    sidecar = await start(bucket("key", 400), url=await proxy.start())
    await heat(sidecar)
    hand = sidecar.meter("key").share.hand
    assert hand is not None
    proxy.replies.clear()
    asked = proxy.asked
    while hand.slots > hand.low:
        assert at_once(sidecar).decision == "allow"
    await until(lambda: proxy.asked > asked)
    assert sidecar.meter("key").share.hand is hand
    for _ in range(hand.slots):
        assert at_once(sidecar).decision == "allow"
    proxy.replies.set()
    await sidecar.settled()


async def test_shadow_limit_spends_its_lease(start: Start) -> None:
    """A shadow limit with room is charged for what passes, from its lease, and has nothing to say."""
    sidecar = await start(bucket("key", 4_000), bucket("quiet", 4_000, mode="shadow"))
    await heat(sidecar)
    hand = sidecar.meter("quiet").share.hand
    assert hand is not None
    left = hand.slots
    assert [at_once(sidecar).shadow for _ in range(3)] == [()] * 3
    assert hand.slots == left - 3


async def test_lease_of_a_busy_key_is_followed(start: Start) -> None:
    """A key that is asked for, but not so often as its lease was made for, has the next one before this one ends."""
    sidecar = await start(bucket("key", 400_000))
    await heat(sidecar)
    share = sidecar.meter("key").share
    at_once(sidecar)
    hand = share.hand
    assert hand is not None
    hand.expires = clock() + 70_000
    sidecar.limiter.sweep()
    await until(lambda: share.spare is not None)
    assert share.hand is hand


async def test_peek_asks_the_store(start: Start) -> None:
    """Who asks how much is left is told by the store, whatever is in hand, and takes and leases nothing."""
    sidecar = await start(bucket("key", 400))
    await heat(sidecar)
    meter = sidecar.meter("key")
    hand, asked = meter.share.hand, sidecar.asked
    assert hand is not None
    slots = hand.slots
    assert (await sidecar.check(0)).remaining == 320
    assert (sidecar.asked, meter.share.hand, hand.slots) == (asked + 1, hand, slots)
    meter.give_back()
    await sidecar.settled()
    await sidecar.check(0)
    assert meter.share.hand is None


async def test_refused_ones_wait_for_what_was_leased(start: Start) -> None:
    """Whoever came too late for the stock is told when the slot ripens that was leased for them, not when the one after does."""
    sidecar = await start(bucket("key", 40, "10/s"))
    decided = await sidecar.at_once(60)
    waits = [decision.retry_after for decision in decided if decision.decision == "throttle"]
    assert len(waits) == 20
    assert all(wait is not None and 0 < wait <= 0.1001 for wait in waits)


async def test_cheap_requests_are_not_starved(start: Start) -> None:
    """A request that is too dear for what is left, asked again and again, keeps no cheaper one from passing."""
    sidecar = await start(bucket("key", 100))
    await sidecar.check(60)
    found = []
    for _ in range(40):
        assert (await sidecar.check(50)).decision == "throttle"
        found.append((await sidecar.check(1)).decision)
    assert found == ["allow"] * 40
