"""Which of the model's holds are waived: by lot, for a day, and for no more money than the policy says over all sidecars together."""

import asyncio

import pytest

from ratelimit.core.risk_rule import PurchaseRisk, PurchaseThrottle
from ratelimit.service.purchase_exploration import Draw, PurchaseExploration
from ratelimit.stores.client import Options, RedisStore
from tests.service.conftest import clock

NOON = 1_795_521_600.0  # of a day (UTC)
DAY_S = 86_400
SECRET = b"s" * 32
ACCOUNTS = [f"a{number}" for number in range(300)]


def risk(explore: float = 0.2, a_day: int = 10**9, mode: str = "enforce") -> PurchaseRisk:
    return PurchaseRisk(
        model="m",
        throttle=(PurchaseThrottle(above=0.99),),
        mode="shadow" if mode == "shadow" else "enforce",
        explore=explore,
        explore_a_day=a_day,
    )


async def drawn(store: RedisStore, of: PurchaseRisk, *, at: float = NOON, secret: bytes = SECRET, amount: int = 1) -> list[str]:
    explores = PurchaseExploration(secret, store, lambda: at)
    draws = await asyncio.gather(*(explores.draw(account, amount, "usd", of) for account in ACCOUNTS))
    return [account for account, draw in zip(ACCOUNTS, draws, strict=True) if draw.waived]


async def test_the_share_holds_and_all_sidecars_draw_the_same(store: RedisStore) -> None:
    """For a day; on the next, and with another key, they are others."""
    first = await drawn(store, risk())
    assert len(first) / len(ACCOUNTS) == pytest.approx(0.2, abs=0.07)
    assert await drawn(store, risk()) == first
    assert await drawn(store, risk(), at=NOON + DAY_S) != first
    assert await drawn(store, risk(), secret=b"t" * 32) != first


async def test_propensities(store: RedisStore) -> None:
    """Each draw says how likely it was; without chance there is none."""
    explores = PurchaseExploration(SECRET, store, lambda: NOON)
    draws = {await explores.draw(account, 1, "usd", risk()) for account in ACCOUNTS}
    assert draws == {Draw(True, 0.2), Draw(False, 0.8)}
    for never in (risk(0.0), risk(mode="shadow")):
        assert await explores.draw("a1", 1, "usd", never) == Draw(False, None)


async def test_the_days_money_is_a_bound(store: RedisStore) -> None:
    """However many sidecars draw at once, no more is waived than fits; another currency and another day have their own."""
    sidecars = [PurchaseExploration(SECRET, store, lambda: NOON) for _ in range(4)]
    draws = await asyncio.gather(*(one.draw(account, 30, "usd", risk(a_day=100)) for one in sidecars for account in ACCOUNTS))
    assert sum(draw.waived for draw in draws) == 3
    assert sum(one.waived for one in sidecars) == 3
    assert sum(one.over for one in sidecars) > 0
    assert len(await drawn(store, risk(a_day=100), at=NOON + DAY_S, amount=30)) == 3
    assert sum([(await sidecars[0].draw(account, 30, "eur", risk(a_day=100))).waived for account in ACCOUNTS]) == 3


async def test_a_store_that_is_away_waives_nothing() -> None:
    """Nobody knows then what was waived today."""
    store = RedisStore(Options("unix:///nowhere/s", clock, 1.0))
    assert await drawn(store, risk()) == []
