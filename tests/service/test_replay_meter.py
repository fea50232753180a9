"""The state that a replay charges."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.bucket import Acquire, Bucket, Terms
from ratelimit.core.limit import BucketRule, QuotaRule
from ratelimit.core.units import US_PER_S, Refill
from ratelimit.service.replay_meter import BucketMeter, QuotaMeter, ReplayMeter, UnleasedBucket

BUCKET = BucketRule(capacity=10, refill=Refill.parse("1/s"))


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * US_PER_S


def test_a_bucket_refuses_until_its_promise_and_admits_exactly_at_it() -> None:
    """What does not fit is refused with the wait after which it fits, and not a microsecond earlier."""
    meter = BucketMeter(BUCKET)
    assert meter.charge(0, "a", 10) == 0
    wait_us = meter.charge(0, "a", 3)
    assert wait_us == 3 * US_PER_S
    assert meter.charge(wait_us - 1, "a", 3) == 1
    assert meter.charge(wait_us, "a", 3) == 0


def test_subjects_do_not_share_a_bucket() -> None:
    """One subject's empty bucket leaves another's full."""
    meter = BucketMeter(BUCKET)
    assert meter.charge(0, "a", 10) == 0
    assert meter.charge(0, "a", 1) > 0
    assert meter.charge(0, "b", 10) == 0


@pytest.mark.parametrize("meter", [BucketMeter(BUCKET), QuotaMeter(QuotaRule(amount=10, every="day"))])
def test_a_refund_undoes_a_charge(meter: ReplayMeter) -> None:
    """After charge and refund all is there again, and no more than that."""
    assert meter.charge(5, "a", 4) == 0
    assert meter.charge(5, "a", 6) == 0
    meter.refund(5, "a", 6)
    assert meter.charge(5, "a", 7) > 0
    assert meter.charge(5, "a", 6) == 0


def test_buckets_that_are_full_again_are_dropped() -> None:
    """A million callers who came once leave no million buckets behind."""
    meter = BucketMeter(BUCKET)
    for number in range(100_000):
        meter.charge(number * US_PER_S // 100, number, 1)
    assert len(meter) <= 10_000


@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 20_000), st.integers(1, 12)), max_size=60))
def test_dropping_full_buckets_changes_no_answer(calls: list[tuple[int, int, int]]) -> None:
    """A meter that forgets whenever it can answers as one that never does."""
    keeping, dropping = BucketMeter(BUCKET), BucketMeter(BUCKET)
    now_us = 0
    for step_ms, subject, cost in calls:
        now_us += step_ms * 1_000
        dropping._sweep_at = 0
        assert dropping.charge(now_us, subject % 3, cost) == keeping.charge(now_us, subject % 3, cost)


def test_a_quota_begins_anew_with_its_period() -> None:
    """The amount is there once per day, and the wait ends with the day."""
    meter = QuotaMeter(QuotaRule(amount=2, every="day"))
    noon, midnight = us("2022-12-22T12:00:00"), us("2022-12-23T00:00:00")
    assert [meter.charge(noon, "a", 2), meter.charge(noon, "a", 1)] == [0, midnight - noon]
    assert meter.charge(midnight - 1, "a", 1) == 1
    assert meter.charge(midnight, "a", 2) == 0


TERMS = st.sampled_from([Terms(10, 1, 1_000_000), Terms(3, 7, 300), Terms(5, 1, 60_000_000)])


@given(st.lists(st.tuples(st.integers(-2_000_000, 9_000_000), TERMS, st.integers(0, 12)), max_size=60))
def test_a_bucket_without_leases_answers_as_the_store(calls: list[tuple[int, Terms, int]]) -> None:
    """Whatever the times, costs and changes of terms: the answer and all that is kept are those of the store's operation."""
    short, whole = UnleasedBucket(at=10_000_000), Bucket(at=10_000_000)
    now_us = 10_000_000
    for step_us, terms, need in calls:
        now_us = max(0, now_us + step_us)
        assert short.charge(now_us, terms, need) == whole.acquire(now_us, terms, Acquire((need,))).retries[0]
        assert (short.num, short.per, short.at, short.debt) == (whole.num, whole.per, whole.at, whole.debt)
