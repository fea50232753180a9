"""A sidecar's share of a bucket while the store is away."""

from ratelimit.core.bucket import Bucket, Terms
from ratelimit.core.share import Share
from ratelimit.core.units import Refill

MS = 1_000
START = 1_760_000_000_000_000
TERMS = Terms(80, *Refill.parse("10/s"))


def ask(share: Share, bucket: Bucket, now: int, *needs: int) -> None:
    """A call of a busy subject, without delay; clocks agree."""
    share.arrived += 36
    call = share.compose(now, needs, keep=True, more=True)
    share.answered(call, bucket.acquire(now, TERMS, call), now, now)


def test_what_has_lapsed_is_not_told() -> None:
    """What a store that is away did not hear of in time is forgotten, so that it is not told again and again."""
    share, bucket = Share(TERMS, START), Bucket()
    ask(share, bucket, START, 1)
    ask(share, bucket, START + 100 * MS)
    second = share.spare
    assert share.hand is not None
    assert second is not None
    lapsed = [lease.expires + TERMS.life for lease in (share.hand, second)]
    assert not share.unasked()
    assert (share.tend(lapsed[0] - 1), share.spare) == ("return", second)
    assert (share.tend(lapsed[0]), share.hand, share.spare) == ("rest", second, None)
    share.follow()
    assert (share.tend(lapsed[1] - 1), share.owes()) == ("settle", True)
    assert (share.tend(lapsed[1]), share.owes(), share.quiet(lapsed[1])) == ("rest", False, True)
