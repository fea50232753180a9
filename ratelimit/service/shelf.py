"""All meters of one limit: made when a subject is first seen, found again in one look-up, and forgotten by age.

The oldest quiet one goes first. One that holds a lease or remembers a refusal is passed over a few times: dropping it would cost a call to
the store, never an admission.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from secrets import randbits
from typing import Final, NamedTuple

from msgspec import UNSET

from ratelimit.core.beside import BESIDE, LIMIT_RANK
from ratelimit.core.bucket import HORIZON_US, LIFE_US, Terms
from ratelimit.core.decision import ShadowFinding
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit, QuotaRule
from ratelimit.core.quota import Periods, periods
from ratelimit.core.quota_counter import COUNT_BITS
from ratelimit.core.quota_share import QuotaShare
from ratelimit.core.risk_rule import Twin
from ratelimit.core.share import Share
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.subject import Value, describe, subject_of
from ratelimit.service.meter import Meter, Surroundings

_TRIES: Final = 8  # meters looked at for one that may go
_TAG_BITS: Final = 52 - COUNT_BITS
_LATE_RATIO: Final = 20  # a bucket must hold what refills in so many times the lateness, to be kept exact at the gateway's instants


class Setting(NamedTuple):
    """What all shelves share."""

    around: Surroundings
    keys: StoreKeys
    ids: Callable[[], int]  # of operations on quotas
    late_us: int = 0
    most: int = 100_000  # meters of one limit


class ShelfCounts:
    """What was counted of one limit; shared by shelves that have its bucket on other terms."""

    def __init__(self) -> None:
        self.lacking = 0  # requests whose caller has no subject for this limit
        self.refused = 0
        self.without_store = 0  # answered by on_store_failure


class Shelf:
    """The meters of one limit, by subject. `rank`: which is named where several refuse, the lowest; those above 0 stand beside limits."""

    def __init__(self, limit: Limit, setting: Setting, ipv6_prefix: int, counts: ShelfCounts | None = None) -> None:
        self.limit = limit
        self.subject_of = subject_of(limit)
        self.shadow = limit.mode == "shadow"
        self.terms = None if limit.bucket is None else _terms(limit, setting.late_us)
        self.most_cost = limit.bucket.capacity if limit.bucket else limit.quota.amount if limit.quota else 0
        beside = BESIDE.get(type(limit))
        self.rank, self.reason = beside or (LIMIT_RANK, "rate_exceeded" if limit.bucket else "quota_exhausted")
        chance = limit.propensity if isinstance(limit, Twin) else None
        self.propensity = UNSET if chance is None else chance
        self.finding = ShadowFinding(limit.name, self.reason, self.propensity)  # what is said where it refuses in shadow
        self.counts = counts or ShelfCounts()
        self._setting, self.ipv6_prefix = setting, ipv6_prefix
        self._name = setting.keys.namer(limit)
        self._meters: OrderedDict[Value, Meter] = OrderedDict()
        self._calendar = Calendar(limit.quota) if limit.quota else None

    def __len__(self) -> int:
        return len(self._meters)

    def meter(self, caller: Caller, now: int) -> Meter | None:
        """The meter that `caller` is counted by; None if the caller lacks what the limit counts by."""
        value = self.subject_of(caller)
        if value is None:
            self.counts.lacking += 1
            return None
        meter = self._meters.get(value)
        if meter is None:
            return self._add(value, now)
        self._meters.move_to_end(value)
        return meter

    def need(self, cost: int) -> int:
        """What a request of that cost is charged here: at most all that it holds, which only buckets beside the limits are asked for."""
        return min(cost, self.most_cost)

    def subject(self, meter: Meter) -> str:
        """Whom a meter counts, for people; written when somebody first asks."""
        if meter.subject is None:
            meter.subject = describe(self.limit, meter.value, self.ipv6_prefix)
        return meter.subject

    def meters(self) -> list[Meter]:
        """Every meter, oldest first."""
        return list(self._meters.values())

    def _add(self, value: Value, now: int) -> Meter:
        while len(self._meters) >= self._setting.most:
            self._forget_one(now)
        meter = self._meters[value] = self._make(value, now)
        return meter

    def _make(self, value: Value, now: int) -> Meter:
        share = Share(self.terms, now) if self.terms else QuotaShare(self.most_cost, now, self._setting.ids, self._bounds)
        return Meter(self._setting.around, self.terms, value, self._name(value), share)

    def _forget_one(self, now: int) -> None:
        for _ in range(_TRIES):
            value, meter = self._meters.popitem(last=False)
            if meter.share.quiet(now) and not meter.busy():
                return
            self._meters[value] = meter
        _, meter = self._meters.popitem(last=False)
        meter.give_back()

    def _bounds(self) -> Periods:
        assert self._calendar is not None, "only a quota's share asks"  # noqa: S101
        return self._calendar.bounds()


class Calendar:
    """The bounds of a quota's periods around now, computed again only when one has passed."""

    def __init__(self, rule: QuotaRule) -> None:
        self._rule = rule
        self._bounds = periods(rule, time.time_ns() // 1000)

    def bounds(self) -> Periods:
        """Microseconds since the epoch, by this machine's clock; the store's chooses."""
        now = time.time_ns() // 1000
        if not self._bounds.this_us <= now < self._bounds.next_us:
            self._bounds = periods(self._rule, now)
        return self._bounds


class OperationIds:
    """The ids of this sidecar's operations on quotas: a tag that no other has, and a count that only rises."""

    def __init__(self) -> None:
        self._next = self._last = 0

    def __call__(self) -> int:
        """The next one."""
        if self._next >= self._last:
            self._next = (randbits(_TAG_BITS) | 1) << COUNT_BITS
            self._last = self._next + (1 << COUNT_BITS) - 1
        self._next += 1
        return self._next


def _terms(limit: Limit, late_us: int) -> Terms:
    rule = limit.bucket
    assert rule is not None  # noqa: S101
    num, per = rule.refill
    keeps = rule.capacity * per >= _LATE_RATIO * late_us * num
    return Terms(rule.capacity, num, per, LIFE_US, HORIZON_US, late_us if keeps else 0)
