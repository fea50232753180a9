"""A quota in the store: exact within its period, and no call counts twice, however often it comes."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.quota_counter import COUNT_BITS, KEPT, REMEMBERED_US, QuotaCall, QuotaCounter, QuotaGrant

S = 1_000_000
DAY = 86_400 * S
NOON = DAY // 2


def call(op: int, *needs: int, amount: int = 1_000, day: int = 0, **more: int) -> QuotaCall:
    """A call whose caller believes that it is this day."""
    return QuotaCall(amount, ((day - 1) * DAY, day * DAY, (day + 1) * DAY, (day + 2) * DAY), op, needs, **more)


def test_needs_are_charged_in_order() -> None:
    """Needs that fit are charged, first come, first served; the others wait for the period's end."""
    counter = QuotaCounter()
    assert counter.acquire(NOON, call(1, 600, 500, 400, 1)) == QuotaGrant(0, 0, NOON, 0, False, [0, NOON, 0, NOON])
    assert counter.used == 1_000


@pytest.mark.parametrize(
    ("day", "start", "ends_in"),
    [(0, 0, NOON), (1, 0, NOON), (-1, 0, NOON), (5, 4 * DAY, 5 * DAY - NOON), (-5, -4 * DAY, 1)],
    ids=["agrees", "caller-ahead", "caller-behind", "far-ahead", "far-behind"],
)
def test_the_stores_time_chooses_the_period(day: int, start: int, ends_in: int) -> None:
    """Of the three periods that a caller names the one counts that the store's time lies in, else the nearest."""
    counter = QuotaCounter(start=-10 * DAY)
    grant = counter.acquire(NOON, call(1, 1, day=day))
    assert (grant.at, grant.ends_in) == (start, ends_in)


def test_new_period_begins_at_nothing() -> None:
    """At the boundary what was used is forgotten, not before."""
    counter = QuotaCounter()
    counter.acquire(NOON, call(1, 1_000))
    assert counter.acquire(DAY - 1, call(2, 1)).retries == [1]
    assert counter.acquire(DAY, call(3, 1)).retries == [0]
    assert counter.used == 1


def test_period_does_not_come_back() -> None:
    """A clock that steps back over the boundary counts on in the new period."""
    counter = QuotaCounter()
    counter.acquire(DAY - 1, call(1, 999))
    counter.acquire(DAY, call(2, 700))
    assert counter.acquire(DAY - 1, call(3, 400)).retries != [0]
    assert (counter.start, counter.used) == (DAY, 700)


@pytest.mark.parametrize(("extra", "need", "leased"), [(0, 1, 0), (50, 0, 10), (5, 0, 5), (50, 100, 9), (50, 1_000, 0), (50, 1_001, 10)])
def test_lease_is_a_hundredth_of_the_rest(extra: int, need: int, leased: int) -> None:
    """A lease is at most a hundredth of what remains after the needs, and counts as used."""
    counter = QuotaCounter()
    grant = counter.acquire(NOON, call(1, need, extra=extra))
    assert grant.leased == leased
    assert grant.remaining == 1_000 - counter.used == 1_000 - leased - (need if need <= 1_000 else 0)


@pytest.mark.parametrize(("start", "used"), [(0, 70), (DAY, 100), (-DAY, 100)])
def test_give_back_counts_in_its_period(start: int, used: int) -> None:
    """What comes back from another period is void."""
    counter = QuotaCounter()
    counter.acquire(NOON, call(1, 100))
    counter.acquire(NOON, call(2, give_back=30, give_back_start=start))
    assert counter.used == used


@pytest.mark.parametrize("times", [1, 2, 5])
def test_repeated_operation_counts_once(times: int) -> None:
    """The same call again gets the first answer and charges, leases and gives back nothing more."""
    counter = QuotaCounter()
    counter.acquire(NOON, call(1, 500))
    again = call(2, 300, 300, extra=5, give_back=50, give_back_start=0)
    grants = [counter.acquire(NOON + i, again) for i in range(times)]
    assert {(grant.leased, grant.remaining, grant.retries[0]) for grant in grants} == {(2, 248, 0)}
    assert counter.used == 752


def test_cancel_undoes_what_was_done() -> None:
    """A cancelled operation returns what it charged and leased, once, and says that it was found."""
    counter = QuotaCounter()
    counter.acquire(NOON, call(1, 500, extra=100))
    assert counter.used == 505
    assert counter.acquire(NOON, call(2, cancel=1)).cancelled
    assert counter.used == 0
    counter.acquire(NOON, call(3, 10, cancel=1))
    assert counter.used == 10


def test_cancel_before_it_arrives() -> None:
    """An operation that was cancelled before it came does nothing when it comes."""
    counter = QuotaCounter()
    assert not counter.acquire(NOON, call(2, cancel=1)).cancelled
    late = counter.acquire(NOON, call(1, 500, extra=100, give_back=7, give_back_start=0))
    assert (late.leased, counter.used) == (0, 0)
    assert late.retries != [0]


def test_cancel_in_the_next_period() -> None:
    """What was charged in the period before is gone with it, so a cancel returns nothing there."""
    counter = QuotaCounter()
    counter.acquire(DAY - 1, call(1, 500))
    counter.acquire(DAY, call(2, 300))
    counter.acquire(DAY + 1, call(3, cancel=1))
    assert counter.used == 300


def test_operations_are_forgotten() -> None:
    """After ten seconds an operation is forgotten, and a cancel returns nothing."""
    for late, used in [(REMEMBERED_US - 1, 0), (REMEMBERED_US, 500)]:
        counter = QuotaCounter()
        counter.acquire(NOON, call(1, 500))
        counter.acquire(NOON + late, call(2, cancel=1))
        assert counter.used == used


def test_counter_stays_small() -> None:
    """Of a sidecar it remembers the latest few calls, of one a second by as many sidecars ten, and a peek not at all."""
    one, many = QuotaCounter(), QuotaCounter()
    for i in range(100):
        one.acquire(NOON + (10 + i) * S, call(1 + i, 1))
        many.acquire(NOON + (10 + i) * S, call((1 + i) << COUNT_BITS, 1))
    assert (len(one.operations), len(many.operations)) == (KEPT, 10)
    one.acquire(NOON + 500 * S, call(200, 0))
    assert one.operations == []


def test_an_operation_that_comes_after_a_later_one_does_nothing() -> None:
    """Bytes that were under way when their sidecar had gone on charge nothing, and cancelling them returns nothing."""
    counter = QuotaCounter()
    counter.acquire(NOON, call(7, 10))
    late = counter.acquire(NOON, call(6, 20))
    assert (late.retries, counter.used) == ([NOON], 10)
    assert not counter.acquire(NOON, call(8, cancel=6)).cancelled
    assert counter.used == 10


@given(st.integers(0, 2**32))
def test_never_more_than_the_amount(seed: int) -> None:
    """Whatever is asked, repeated and cancelled, what is charged and not cancelled is what is used, and never more than the amount."""
    chance, counter, now = Random(seed), QuotaCounter(), NOON
    calls: dict[int, QuotaCall] = {}
    charged: dict[int, int] = {}
    for op in range(1, 30):
        now += chance.choice([0, 1_000, S // 4])
        cancel = chance.choice([0, 0, chance.randint(1, op)]) % op << COUNT_BITS  # each is another sidecar's
        again = calls.get(chance.randrange(1, 60) << COUNT_BITS)
        needs = chance.choices(range(80), k=chance.randrange(5))
        this = again or call(op << COUNT_BITS, *needs, extra=chance.choice([0, 9]), cancel=cancel)
        grant = counter.acquire(now, this)
        calls[this.op] = this
        for cancelled in {this.cancel} - {0}:
            charged[cancelled] = 0
        if this.op not in charged:
            paid = sum(need for need, retry in zip(this.needs, grant.retries, strict=True) if not retry)
            charged[this.op] = paid + grant.leased
        assert counter.used == sum(charged.values()) <= this.amount
