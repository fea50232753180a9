"""What a limit answers while the store is away, by its `on_store_failure`.

`allow` passes and counts nothing. `deny` refuses. `local` keeps a bucket of this sidecar alone, with the limit divided by the number of
sidecars, so that together they admit about the limit; of a quota it spends what was last known to be left, divided likewise.
Times are microseconds.
"""

from typing import Final

from ratelimit.core.bucket import Acquire, Bucket, Terms
from ratelimit.core.limit import OnStoreFailure
from ratelimit.core.quota_share import QuotaShare
from ratelimit.core.share import Share
from ratelimit.core.units import Refill
from ratelimit.service.meter import Meter

ASK_AGAIN_US: Final = 1_000_000  # what a refused caller is told to wait: the store is usually back by then


def local_terms(terms: Terms, sidecars: int) -> Terms:
    """This sidecar's part of a bucket."""
    num, per = Refill(terms.num, terms.per).divided(sidecars)
    return Terms(max(1, terms.capacity // sidecars), num, per)


def charge(meter: Meter, setting: OnStoreFailure, now: int, cost: int, sidecars: int) -> int | None:
    """0: it passes (and was charged, if `local`). None: refused for want of a store. Else refused by the local part, for so long."""
    if setting == "allow":
        return 0
    if setting == "deny":
        return None
    share = meter.share
    if isinstance(share, QuotaShare):
        return share.spend_local(now, cost, sidecars)
    return _charge_bucket(share, now, cost, sidecars)


def undo(meter: Meter, setting: OnStoreFailure, now: int, cost: int, sidecars: int) -> None:
    """Take back a charge: another limit refused the request."""
    if setting != "local":
        return
    share = meter.share
    if isinstance(share, QuotaShare):
        share.unspend_local(cost, sidecars)
    elif share.local is not None:
        share.local.acquire(now, local_terms(share.terms, sidecars), Acquire(refund=cost, refund_at=share.local.at))


def _charge_bucket(share: Share, now: int, cost: int, sidecars: int) -> int | None:
    terms = local_terms(share.terms, sidecars)
    if cost > terms.capacity:
        return None
    if share.local is None:
        share.local = Bucket()
    return share.local.acquire(now, terms, Acquire((cost,))).retries[0]
