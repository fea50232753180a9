"""A quiet sidecar beside a busy one: who was refused lately comes to its turn."""

import pytest

from ratelimit.core.bucket import Acquire, Bucket, Grant, Terms
from ratelimit.core.share import ASK, Share
from ratelimit.core.units import Refill

MS = 1_000
S = 1_000_000
START = 1_760_000_000_000_000


def ask(share: Share, bucket: Bucket, now: int) -> Grant:
    """One call for one token, without delay."""
    call = share.compose(now, (1,), keep=False, more=True)
    grant = bucket.acquire(now, share.terms, call)
    share.answered(call, grant, now, now)
    return grant


def is_admitted(share: Share, bucket: Bucket, now: int) -> bool:
    """One request of one token: what is in hand or remembered decides it, else the store."""
    share.arrived += 1
    wait = share.look(now, 1)
    if wait == ASK:
        (retry,) = ask(share, bucket, now).retries
        if not retry:
            return True
        wait = share.look(now, 1)
        if wait == ASK:
            share.deny(now, 1, retry, 0.5)
    if wait == 0:
        share.take(1)
    return wait == 0


@pytest.mark.parametrize(("later", "leased"), [(1_070 * MS, True), (1_100 * MS, False)])
def test_refused_lately_asks_for_unripe_slots(later: int, leased: bool) -> None:
    """Who was refused in the last second leases the next slot though it is not hot."""
    terms = Terms(40, *Refill.parse("10/s"))
    share, bucket = Share(terms, START), Bucket(terms.num, terms.per, START, 40 * terms.per)
    assert not is_admitted(share, bucket, START)  # and remembers that for 75 ms
    assert share.hand is None
    bucket.acquire(START + later, terms, Acquire((10,)))
    assert (ask(share, bucket, START + later).leased > 0) is leased


@pytest.mark.parametrize("every", [64 * MS, 256 * MS])
def test_quiet_sidecar_comes_to_its_turn(every: int) -> None:
    """While one sidecar leases every slot before it is ripe, another that asks a few times a second is admitted as well."""
    terms = Terms(100, *Refill.parse("100/s"))
    bucket = Bucket(terms.num, terms.per, START, 100 * terms.per)
    busy, quiet = Share(terms, START), Share(terms, START)
    admitted = {busy: 0, quiet: 0}
    for passed in range(0, 10 * S, 4 * MS):
        admitted[busy] += is_admitted(busy, bucket, START + passed)
        if passed % every == 0:
            admitted[quiet] += is_admitted(quiet, bucket, START + passed)
    asked = 10 * S // every
    assert admitted[quiet] > asked * 0.1
    assert admitted[quiet] + admitted[busy] > 950
