"""A limit's meters: one for each subject, no more than may be remembered, the quiet ones forgotten first."""

from itertools import count
from random import random
from typing import Any

import pytest

from ratelimit.core.bucket import HORIZON_US, LIFE_US, Grant
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.protocols import Asking
from ratelimit.core.quota import periods
from ratelimit.core.quota_share import QuotaShare
from ratelimit.core.share import Share
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.meter import Meter, Surroundings
from ratelimit.service.shelf import Setting, Shelf

S = 1_000_000
NOW = 1_000 * S
KEYS = StoreKeys(bytes(32))
BUCKET = {"bucket": {"capacity": 40, "refill": "10/s"}}


class Listening:
    """A store that notes who wants something, and never asks."""

    def __init__(self) -> None:
        self.wanted: list[Asking] = []

    def want(self, asking: Asking, *, urgent: bool = True) -> bool:  # noqa: ARG002  as of a Store
        self.wanted.append(asking)
        return True


def limit(per: str = "api_key", **fields: Any) -> Limit:
    found = {"name": "l", "per": [per], **(fields or BUCKET)}
    return parse_policy({"version": 1, "limits": [found]}, "p").limits[0]


def shelf(store: Listening | None = None, *, most: int = 100, late_us: int = 0, of: Limit | None = None) -> Shelf:
    return Shelf(of or limit(), Setting(Surroundings(store or Listening(), random, {}), KEYS, count(1).__next__, late_us, most), 64)


def meter(found: Shelf, name: str, now: int = NOW) -> Meter:
    one = found.meter(Caller(api_key=name), now)
    assert one is not None
    return one


def lend(one: Meter) -> None:
    """Give it a lease."""
    call = one.share.compose(NOW, (), keep=True, more=True)
    one.share.answered(call, Grant(5, 0, NOW + LIFE_US, NOW, 1, []), NOW, NOW)


def test_one_meter_a_subject() -> None:
    """The same caller has the same meter, named in the store and for people; another has another."""
    found = shelf()
    one = meter(found, "alice")
    assert meter(found, "alice") is one
    assert meter(found, "bob") is not one
    assert (found.subject(one), one.key) == ("api_key:alice", KEYS.name(found.limit, "alice"))
    assert len(found) == 2


def test_who_lacks_the_subject_has_none() -> None:
    """A caller without what the limit counts by is counted as lacking it."""
    found = shelf()
    assert found.meter(Caller(account="a"), NOW) is None
    assert (found.counts.lacking, len(found)) == (1, 0)


def test_oldest_goes_first() -> None:
    """Of too many the one goes that was not seen for the longest; one that was seen again stays."""
    found = shelf(most=3)
    kept = [meter(found, name) for name in "abc"]
    meter(found, "a")
    meter(found, "d")
    assert [found.subject(one)[-1] for one in found.meters()] == ["c", "a", "d"]
    assert meter(found, "a") is kept[0]
    assert meter(found, "b") is not kept[1]


def test_one_that_holds_something_is_passed_over() -> None:
    """A lease, a debt to the store or a denial in force keeps a meter longer than its age would."""
    found = shelf(most=4)
    leased, owing, denied, quiet = (meter(found, name) for name in "abcd")
    lend(leased)
    owing.share.owe_refund(1, NOW)
    denied.share.deny(NOW, 1, 10 * S, 1.0)
    meter(found, "e")
    assert {found.subject(one)[-1] for one in found.meters()} == {"a", "b", "c", "e"}
    meter(found, "f", NOW + HORIZON_US)  # the denial has passed
    assert denied not in found.meters()
    assert quiet not in found.meters()


def test_bound_holds_whatever_they_hold() -> None:
    """Where all hold something one goes all the same, and gives back what it holds."""
    store = Listening()
    found = shelf(store, most=20)
    for number in range(50):
        lend(meter(found, f"k{number}"))
    assert len(found) == 20
    assert len(store.wanted) == 30
    assert not set(store.wanted) & set(found.meters())


@pytest.mark.parametrize(("late_us", "capacity", "late"), [(0, 40, 0), (10_000, 2, 10_000), (10_000, 1, 0), (100_000, 20, 100_000)])
def test_lateness_is_kept_where_the_bucket_can(late_us: int, capacity: int, late: int) -> None:
    """A bucket of 10/s keeps the bound at the gateway's instants if it holds twenty times what refills in the lateness."""
    of = limit(bucket={"capacity": capacity, "refill": "10/s"})
    assert shelf(late_us=late_us, of=of).terms == (capacity, 1, 100_000, LIFE_US, HORIZON_US, late)


def test_kinds() -> None:
    """A bucket's meters have terms and a share, a quota's a share of its own; each has its reason and the largest cost that can pass."""
    found, counted = shelf(), shelf(of=limit(quota={"amount": 7, "every": "month"}))
    assert isinstance(meter(found, "a").share, Share)
    assert isinstance(meter(counted, "a").share, QuotaShare)
    assert (found.reason, found.most_cost) == ("rate_exceeded", 40)
    assert (counted.reason, counted.most_cost, counted.terms) == ("quota_exhausted", 7, None)


def test_quota_calls_carry_the_calendar() -> None:
    """A quota's call names the periods around now in the limit's time zone, and an id that no other call has."""
    of = limit(quota={"amount": 7, "every": "day", "timezone": "Pacific/Apia"})
    assert of.quota is not None
    one = meter(shelf(of=of), "a")
    calls = [one.share.compose(NOW, (1,), keep=False, more=False) for _ in range(100)]
    assert len({call.op for call in calls}) == 100
    assert all(0 < call.op < 2**53 for call in calls)
    assert calls[0].bounds == tuple(periods(of.quota, calls[0].bounds[1]))


@pytest.mark.parametrize("late", ["last", "this", "next"])
def test_calendar_follows_the_clock(late: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The periods are computed anew when the clock has left the one that they were computed for, in either direction."""
    of = limit(quota={"amount": 7, "every": "day"})
    assert of.quota is not None
    one = meter(shelf(of=of), "a")
    bounds = one.share.compose(NOW, (1,), keep=False, more=False).bounds
    instant = {"last": bounds[0], "this": bounds[1], "next": bounds[2]}[late]
    monkeypatch.setattr("ratelimit.service.shelf.time.time_ns", lambda: instant * 1_000)
    assert one.share.compose(NOW, (1,), keep=False, more=False).bounds == tuple(periods(of.quota, instant))
