"""What limits answer while the store is away, each by its `on_store_failure`; of several the strictest answer wins.

`allow` passes and counts nothing. `deny` refuses. `local` keeps a bucket of this sidecar alone, with the limit divided by the number of
sidecars, so that together they admit about the limit; it begins with what was last known to be left, and ends with the store's next answer.
Of a quota it spends what was last known to be left, divided likewise, and the store is told afterwards. Nothing is charged unless all pass.
Times are microseconds.
"""

from collections.abc import Iterable
from typing import Final

from ratelimit.core.bucket import Acquire, Bucket, Terms
from ratelimit.core.quota_share import QuotaShare
from ratelimit.core.share import Share
from ratelimit.core.units import Refill
from ratelimit.service.answer import Asked, Denial
from ratelimit.service.meter import Meter
from ratelimit.service.shelf import Shelf

ASK_AGAIN_US: Final = 1_000_000  # what a caller refused for want of a store is told to wait: it is usually back by then


def charge(away: Iterable[Asked], now: int, cost: int, sidecars: int) -> Denial | None:
    """Charge `cost` to every limit that counts by itself; the denial if one refuses, and then nothing is charged."""
    charged: list[Asked] = []
    for shelf, meter in away:
        shelf.counts.without_store += 1
        wait = _charge_one(shelf, meter, now, shelf.need(cost), sidecars)
        if wait == 0:
            if shelf.limit.on_store_failure == "local":
                charged.append((shelf, meter))
                meter.remember()
            continue
        for other, counted in charged:
            _undo(counted, other.need(cost), sidecars)
        return Denial(shelf, meter, ASK_AGAIN_US, "store_unavailable") if wait is None else Denial(shelf, meter, wait, shelf.reason)
    return None


def local_terms(terms: Terms, sidecars: int) -> Terms:
    """This sidecar's part of a bucket."""
    num, per = Refill(terms.num, terms.per).divided(sidecars)
    return Terms(max(1, terms.capacity // sidecars), num, per)


def _charge_one(shelf: Shelf, meter: Meter, now: int, cost: int, sidecars: int) -> int | None:
    """0 if it passes, the wait if this sidecar's own part is spent, None if there is none to ask."""
    setting = shelf.limit.on_store_failure
    if setting != "local":
        return 0 if setting == "allow" else None
    share: Share | QuotaShare = meter.share
    if isinstance(share, QuotaShare):
        return share.spend_local(now, cost, sidecars)
    terms = local_terms(share.terms, sidecars)
    if cost > terms.capacity:
        return None
    if share.local is None:  # it starts with this sidecar's part of what is known to be left
        left = min(terms.capacity, -(-share.standing(now)[0] // sidecars))
        share.local = Bucket(terms.num, terms.per, now, (terms.capacity - left) * terms.per)
    return share.local.acquire(now, terms, Acquire((cost,))).retries[0]


def _undo(meter: Meter, cost: int, sidecars: int) -> None:
    share: Share | QuotaShare = meter.share
    if isinstance(share, QuotaShare):
        share.unspend_local(cost, sidecars)
    elif share.local is not None:
        at = share.local.at
        share.local.acquire(at, local_terms(share.terms, sidecars), Acquire(refund=cost, refund_at=at))
