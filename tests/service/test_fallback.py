"""What limits answer while the store is away, each by its `on_store_failure`, and that together they admit about the limit."""

from collections.abc import Callable
from itertools import count, product
from random import random
from typing import Any

import pytest

from ratelimit.core.bucket import Terms
from ratelimit.core.identity import Caller
from ratelimit.core.limit import OnStoreFailure
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.protocols import Asking
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.answer import Asked, Denial
from ratelimit.service.fallback import ASK_AGAIN_US, charge, local_terms
from ratelimit.service.meter import Surroundings
from ratelimit.service.shelf import Setting, Shelf

S = 1_000_000
NOW = 5_000_000
ALICE = Caller(api_key="alice", account="a1")

Make = Callable[..., Asked]


class Away:
    """The store as it is while it is away: it says no."""

    def want(self, _asking: Asking, *, urgent: bool = True) -> bool:  # noqa: ARG002  as of a Store
        return False


@pytest.fixture
def make() -> Make:
    """Make a limit of a capacity at 1/s, or of a quota, and Alice's meter of it."""
    names = (f"l{number}" for number in count())

    def limit(setting: OnStoreFailure, *, capacity: int = 8, quota: int = 0) -> Asked:
        rule: dict[str, Any] = (
            {"quota": {"amount": quota, "every": "year"}} if quota else {"bucket": {"capacity": capacity, "refill": "1/s"}}
        )
        parsed = parse_policy(
            {"version": 1, "limits": [{"name": next(names), "per": ["api_key"], "on_store_failure": setting, **rule}]}, "p"
        )
        shelf = Shelf(parsed.limits[0], Setting(Surroundings(Away(), random, {}), StoreKeys(bytes(32)), count(1).__next__), 64)
        meter = shelf.meter(ALICE, NOW)
        assert meter is not None
        return shelf, meter

    return limit


def answer(denial: Denial | None) -> str:
    return "ok" if denial is None else denial.reason


@pytest.mark.parametrize("settings", list(product(("local", "allow", "deny"), repeat=2)))
def test_strictest_answer_wins(make: Make, settings: tuple[OnStoreFailure, ...]) -> None:
    """`deny` beats all, a `local` that is spent beats `allow`."""
    limits = [make(setting, capacity=2) for setting in settings]
    found = [answer(charge(limits, NOW, 1, 1)) for _ in range(3)]
    if "deny" in settings:
        assert found == ["store_unavailable"] * 3
    else:
        assert found == ["ok", "ok", "rate_exceeded" if "local" in settings else "ok"]
    assert limits[0][0].counts.without_store == 3


def test_deny_says_when_to_come_back(make: Make) -> None:
    """Whoever is refused for want of a store is told to come in a second."""
    denial = charge([make("deny")], NOW, 1, 1)
    assert denial is not None
    assert denial.wait == ASK_AGAIN_US


def test_local_is_a_bucket_of_its_own(make: Make) -> None:
    """Each of four sidecars has a quarter of the capacity and of the refill."""
    limits = [make("local")]
    assert [answer(charge(limits, NOW, 1, 4)) for _ in range(3)] == ["ok", "ok", "rate_exceeded"]
    denial = charge(limits, NOW, 1, 4)
    assert denial is not None
    assert denial.wait == 4 * S
    assert charge(limits, NOW + 4 * S - 1, 1, 4) is not None
    assert charge(limits, NOW + 4 * S, 1, 4) is None


def test_local_cannot_hold_the_cost(make: Make) -> None:
    """A cost beyond this sidecar's part passes nowhere while the store is away, which is not the caller's fault."""
    assert answer(charge([make("local")], NOW, 3, 4)) == "store_unavailable"
    assert charge([make("local")], NOW, 2, 4) is None


@pytest.mark.parametrize(("capacity", "sidecars", "part"), [(8, 4, 2), (8, 3, 2), (8, 100, 1), (1, 1, 1)])
def test_local_terms(capacity: int, sidecars: int, part: int) -> None:
    """The part is rounded down, but never to nothing, and nothing of it is leased."""
    terms = local_terms(Terms(capacity, 3, 10), sidecars)
    assert terms.capacity == part
    assert terms.num * 10 * sidecars == 3 * terms.per


def test_peek_costs_nothing(make: Make) -> None:
    """A cost of 0 passes where anything would, and takes nothing."""
    limits = [make("local", capacity=1)]
    assert [answer(charge(limits, NOW, cost, 1)) for cost in (0, 0, 1, 0, 1)] == ["ok", "ok", "ok", "ok", "rate_exceeded"]


@pytest.mark.parametrize("refusing", ["deny", "local"])
@pytest.mark.parametrize("setting", ["local", "allow"])
@pytest.mark.parametrize("quota", [0, 100])
def test_refused_request_costs_nothing(make: Make, refusing: OnStoreFailure, setting: OnStoreFailure, quota: int) -> None:
    """What one limit refuses is charged to none, and what was not charged is not given back."""
    first, second = make(setting, capacity=8, quota=quota), make(refusing, capacity=1)
    if quota:  # what is left was known before the store went away
        first[1].share.answered(QuotaCall(quota, (0, 0, 9 * S, 9 * S), 1), QuotaGrant(0, 0, 9 * S, quota, False, []), NOW, NOW)
    charge([second], NOW, 1, 1)
    before = first[1].share.standing(NOW)[0]
    for _ in range(20):
        assert charge([first, second], NOW, 2, 2) is not None
    assert first[1].share.standing(NOW)[0] == before
    if setting == "local":
        spent = [answer(charge([first], NOW, 1, 2)) for _ in range(60)].count("ok")
        assert spent == (quota // 2 if quota else 4)


def test_quota_spends_what_was_left(make: Make) -> None:
    """Of a quota each sidecar spends its part of what was last known to be left, and then waits for the next period."""
    limits = [make("local", quota=100)]
    assert [answer(charge(limits, NOW, 5, 2)) for _ in range(11)] == ["ok"] * 9 + ["ok", "quota_exhausted"]
