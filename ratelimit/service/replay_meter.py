"""A limit's state in memory, one bucket or count per subject: what a replay charges instead of the store.

Buckets are those of `core/bucket.py`, which the store runs too, asked without leases. Times are microseconds and never go back from call to
call; the caller sees to that. Memory follows the subjects that are not back to full, not all that were ever seen.
"""

from collections.abc import Hashable
from typing import Final, Protocol

from ratelimit.core.bucket import Acquire, Bucket, Terms
from ratelimit.core.decision import Reason
from ratelimit.core.limit import BucketRule, Limit, QuotaRule
from ratelimit.core.quota import period

_FIRST_SWEEP: Final = 10_000  # buckets; below that there is nothing worth sweeping


class ReplayMeter(Protocol):
    """What is charged per subject. `most` is the largest cost that could ever pass, `reason` why a smaller one is refused."""

    most: int
    reason: Reason

    def charge(self, now_us: int, subject: Hashable, cost: int) -> int:
        """Charge the cost and return 0, or charge nothing and return in how many microseconds it would fit."""

    def refund(self, now_us: int, subject: Hashable, cost: int) -> None:
        """Undo a charge of this very instant, to the unit."""


class UnleasedBucket(Bucket):
    """The store's bucket where nobody leases: its operation with a single need and nothing else, at a third of the price.

    Its answers and its state are those of `acquire`; a test holds the one against the other.
    """

    __slots__ = ()

    def charge(self, now_us: int, terms: Terms, need: int) -> int:
        """Charge the need and return 0, or charge nothing and return in how many microseconds it would fit."""
        self._advance(now_us)
        self._reprice(terms)
        debt = self.debt + need * self.per
        if need and debt > terms.capacity * self.per:
            return self._retry(terms, need)
        self.debt = debt
        return 0


class BucketMeter:
    """Token buckets; full ones are dropped now and then, since an absent bucket is a full one."""

    reason: Reason = "rate_exceeded"

    def __init__(self, rule: BucketRule) -> None:
        self.most = rule.capacity
        self._terms = Terms(rule.capacity, rule.refill.num, rule.refill.per)
        self._buckets: dict[Hashable, UnleasedBucket] = {}
        self._sweep_at = _FIRST_SWEEP

    def __len__(self) -> int:
        return len(self._buckets)

    def charge(self, now_us: int, subject: Hashable, cost: int) -> int:
        """See ReplayMeter."""
        bucket = self._buckets.get(subject)
        if bucket is None:
            bucket = self._add(now_us, subject)
        return bucket.charge(now_us, self._terms, cost)

    def refund(self, now_us: int, subject: Hashable, cost: int) -> None:
        """See ReplayMeter."""
        self._buckets[subject].acquire(now_us, self._terms, Acquire(refund=cost, refund_at=now_us))

    def _add(self, now_us: int, subject: Hashable) -> UnleasedBucket:
        if len(self._buckets) >= self._sweep_at:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.at + bucket.full_in() > now_us}
            self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._buckets))
        bucket = self._buckets[subject] = UnleasedBucket(self._terms.num, self._terms.per, now_us)
        return bucket


class QuotaMeter:
    """Counts of the calendar period that now falls into; with a new period all begin at nothing."""

    reason: Reason = "quota_exhausted"

    def __init__(self, rule: QuotaRule) -> None:
        self.most = rule.amount
        self._rule = rule
        self._end_us = 0
        self._used: dict[Hashable, int] = {}

    def charge(self, now_us: int, subject: Hashable, cost: int) -> int:
        """See ReplayMeter."""
        if now_us >= self._end_us:
            self._end_us = period(self._rule, now_us).end_us
            self._used = {}
        used = self._used.get(subject, 0) + cost
        if used > self.most:
            return self._end_us - now_us
        self._used[subject] = used
        return 0

    def refund(self, now_us: int, subject: Hashable, cost: int) -> None:  # noqa: ARG002 (the time is the protocol's)
        """See ReplayMeter."""
        self._used[subject] -= cost


def replay_meter(limit: Limit) -> ReplayMeter:
    """An empty meter for a limit, which the policy's check has found to be a bucket or a quota."""
    if limit.bucket is not None:
        return BucketMeter(limit.bucket)
    assert limit.quota is not None  # noqa: S101 (a policy with neither is refused when it is read)
    return QuotaMeter(limit.quota)
