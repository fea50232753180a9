"""A sidecar's share of a bucket: what it decides by itself, what it tells the store, and that nothing is told twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.bucket import Acquire, Bucket, Grant, Terms
from ratelimit.core.share import ASK, Share
from ratelimit.core.units import Refill

MS = 1_000
S = 1_000_000
START = 1_760_000_000_000_000
TERMS = Terms(40, *Refill.parse("10/s"))


def hot(share: Share, arrived: int = 1_000) -> Share:
    share.arrived += arrived
    return share


def ask(share: Share, bucket: Bucket, now: int, *needs: int, keep: bool = False, more: bool = True) -> Grant:
    """One call without delay; clocks agree."""
    call = share.compose(now, needs, keep=keep, more=more)
    grant = bucket.acquire(now, share.terms, call)
    share.answered(call, grant, now, now)
    return grant


def with_lease(slots: int = 10, terms: Terms = TERMS) -> tuple[Share, Bucket]:
    """A share with so many slots in hand, and its bucket."""
    share, bucket = hot(Share(terms, START)), Bucket()
    ask(share, bucket, START, 1)
    assert share.hand is not None
    share.take(share.hand.slots - slots)
    return share, bucket


def test_cold_key_asks() -> None:
    """A key that is not hot asks for exactly its cost, and leases nothing."""
    share, bucket = Share(TERMS, START), Bucket()
    assert share.look(START, 1) == ASK
    share.arrived += 1
    grant = ask(share, bucket, START, 1)
    assert (grant.leased, grant.retries, share.hand) == (0, [0], None)


def test_lease_decides_by_itself() -> None:
    """What is in hand is spent without the store, and what is not is asked for."""
    share, _ = with_lease(10)
    assert share.look(START, 10) == 0
    assert share.look(START, 11) == ASK
    share.take(9)
    assert [share.look(START, cost) for cost in (1, 2)] == [0, ASK]


def test_lease_ends() -> None:
    """At the end of its life it is not spent any more."""
    share, _ = with_lease()
    assert share.hand is not None
    assert share.look(share.hand.expires - 1, 1) == 0
    assert share.look(share.hand.expires, 1) == ASK


def test_unripe_slots_are_waited_for() -> None:
    """Slots that are about to ripen refuse with the wait until they have, and then pass, without the store."""
    share, bucket = hot(Share(TERMS, START)), Bucket(TERMS.num, TERMS.per, START, 40 * TERMS.per)
    grant = ask(share, bucket, START, 1)
    assert (grant.leased, grant.first) == (1, 100 * MS)
    wait = share.look(START, 1)
    assert wait == 100_100
    assert share.look(START + wait - 1, 1) == 1
    assert share.look(START + wait, 1) == 0


def test_spare_follows_when_the_hand_runs_dry() -> None:
    """A renewal is spent after the lease in hand, and what was left of that goes back with the next call."""
    share, bucket = hot(Share(Terms(80, *Refill.parse("10/s")), START), 36), Bucket()
    ask(share, bucket, START, 1)
    share.take(9)
    ask(share, bucket, START, keep=True)
    first, second = share.hand, share.spare
    assert second is not None
    assert not share.wants_renewal()
    assert share.look(START, 2) == 0
    assert (share.hand, share.spare) == (second, None)
    call = share.compose(START, (), keep=True, more=False)
    assert first is not None
    assert (call.settle_id, call.settle, call.give_back) == (first.id, 10, 1)


@pytest.mark.parametrize(("slots", "wanted"), [(2, False), (1, True), (0, True)])
def test_renewal_is_wanted_before_the_hand_is_empty(slots: int, wanted: bool) -> None:
    """An eighth of the lease is left when the next is asked for."""
    assert with_lease(slots)[0].wants_renewal() is wanted


def test_renewal_carries_nothing_of_the_hand() -> None:
    """A renewal leaves the lease in hand, and does not settle it: it may be spent while the call is under way."""
    share, _ = with_lease(2)
    call = share.compose(START, (), keep=True, more=True)
    assert (call.settle, call.give_back, call.settle_id) == (0, 0, 0)
    assert call.extra > 0
    assert share.look(START, 2) == 0


def test_lease_leaves_the_hand_before_it_is_settled() -> None:
    """From composing on, what goes back cannot be spent; and it is told once, whatever becomes of the call."""
    share, _ = with_lease(7)
    call = share.compose(START, (3,), keep=False, more=True)
    assert (call.settle, call.give_back) == (10, 7)
    assert share.look(START, 1) == ASK
    share.unanswered(call, START)
    again = share.compose(START, (3,), keep=False, more=True)
    assert (again.settle, again.give_back, again.settle_id) == (0, 0, 0)


def test_settlement_too_late_is_not_sent() -> None:
    """Two lives later the store has let the lease lapse, and nothing is said of it."""
    for late, settled in [(399 * MS, 10), (401 * MS, 0)]:
        share, _ = with_lease()
        assert share.compose(START + late, (1,), keep=False, more=False).settle == settled


def test_leases_of_one_generation_are_settled_together() -> None:
    """The lease in hand and its spare have the same id, and go back as one."""
    share, bucket = hot(Share(Terms(80, *Refill.parse("10/s")), START), 36), Bucket()
    ask(share, bucket, START, 1)
    ask(share, bucket, START, keep=True)
    share.take(9)
    call = share.compose(START, (), keep=False, more=False)
    assert (call.settle, call.give_back) == (20, 11)
    bucket.acquire(START, share.terms, call)
    assert bucket.out == 0


def test_several_settlements_go_one_by_one() -> None:
    """Leases of different generations are settled call by call, each once."""
    share, bucket = with_lease(4)
    moved = START + 350 * MS
    first = share.hand
    ask(share, bucket, moved, keep=True)
    assert first is not None
    assert share.hand is not first
    second = share.hand
    assert second is not None
    calls = [share.compose(moved, (), keep=False, more=False) for _ in range(3)]
    assert [(call.settle_id, call.settle, call.give_back) for call in calls] == [(first.id, 10, 4), (second.id, 10, 10), (0, 0, 0)]


@given(st.integers(1, 10))
def test_release_costs_nothing(cost: int) -> None:
    """Slots taken for a request that another limit refused are in hand again."""
    share, _ = with_lease()
    lease = share.take(cost)
    share.release(lease, cost)
    assert share.look(START, 10) == 0


@given(st.integers(1, 10))
def test_release_after_the_lease_went_back(cost: int) -> None:
    """If the lease was settled meanwhile, as spent, the slots go back as a refund, and the bucket is as if they had never been taken."""
    share, bucket = with_lease()
    lease = share.take(cost)
    assert lease.at == START
    ask(share, bucket, START, more=False)
    share.release(lease, cost)
    assert share.owes()
    grant = ask(share, bucket, START, keep=True, more=False)
    assert grant.stock == 39 * TERMS.per  # one was charged
    assert not share.owes()


@pytest.mark.parametrize("instants", [(START, START + S), (START + S, START)])
def test_refunds_go_together(instants: tuple[int, int]) -> None:
    """Several refunds go as one with the earliest instant, which gives back the least; and once."""
    share = Share(TERMS, START)
    for at in instants:
        share.owe_refund(2, at)
    call = share.compose(START + S, (), keep=True, more=False)
    assert (call.refund, call.refund_at) == (4, START)
    assert share.compose(START + S, (), keep=True, more=False).refund == 0
    share.owe_refund(1, START + 2 * S)
    assert share.compose(START + S, (), keep=True, more=False).refund_at == START + 2 * S


def test_denial_is_remembered_with_its_cost() -> None:
    """What costs as much or more is refused without the store; what is cheaper still asks."""
    share = Share(TERMS, START)
    share.deny(START, 5, 80 * MS, 1.0)
    assert share.look(START + 10 * MS, 5) == 70 * MS
    assert share.look(START + 10 * MS, 7) == 270 * MS
    assert share.look(START, 4) == ASK


@pytest.mark.parametrize(("chance", "until"), [(0.0, 50 * MS), (1.0, 100 * MS), (0.5, 75 * MS)])
def test_denial_is_forgotten_within_the_horizon(chance: float, until: int) -> None:
    """Others may give back, so after a part of the horizon, another one for each, the store is asked again."""
    share = Share(TERMS, START)
    share.deny(START, 1, 10 * S, chance)
    assert share.look(START + until - 1, 1) == 10 * S - until + 1
    assert share.look(START + until, 1) == ASK


def test_cheaper_denial_stands() -> None:
    """A dearer denial does not push out one that says more; a cheaper one, or one after it has passed, does."""
    share = Share(TERMS, START)
    share.deny(START, 2, 60 * MS, 1.0)
    share.deny(START, 5, 400 * MS, 1.0)
    assert share.look(START, 2) == 60 * MS
    share.deny(START, 1, 30 * MS, 1.0)
    assert share.look(START, 1) == 30 * MS
    share.deny(START + 30 * MS, 5, 50 * MS, 1.0)
    assert share.look(START + 30 * MS, 1) == ASK


def test_idle_lease_goes_back() -> None:
    """A lease goes back when its end is near and nobody has asked since the last look, also if nothing is left of it."""
    share, _ = with_lease(0)
    assert share.hand is not None
    end = share.hand.expires
    assert [share.tend(end - 51 * MS) for _ in range(2)] == ["rest", "rest"]
    assert share.tend(end - 50 * MS) == "return"
    assert [hot(share).tend(end - 50 * MS), share.tend(end - 50 * MS)] == ["rest", "return"]


def test_unspent_lease_goes_back_where_none_can_follow() -> None:
    """Where no stock was left to follow a lease, what is left of it goes back before it lapses, also while its subject is asked for."""
    share, bucket = hot(Share(TERMS, START)), Bucket(TERMS.num, TERMS.per, START, 40 * TERMS.per)
    ask(share, bucket, START, 1)
    assert share.hand is not None
    end = share.hand.expires
    assert [hot(share).tend(end - before * MS) for before in (75, 51, 50)] == ["rest", "rest", "return"]


def test_unspent_lease_of_a_busy_subject_is_followed() -> None:
    """The lease of a busy subject is renewed before it ends; then it gives way to the next one, and what is left of it goes back."""
    share, bucket = with_lease(10, Terms(40_000, *Refill.parse("10/s")))
    first = share.hand
    assert first is not None
    end = first.expires
    assert [hot(share).tend(end - before * MS) for before in (76, 75, 51)] == ["rest", "renew", "renew"]
    ask(share, bucket, end - 51 * MS, keep=True)
    assert [hot(share).tend(end - before * MS) for before in (51, 50)] == ["rest", "follow"]
    next_one = share.spare
    share.follow()
    assert (share.hand, share.spare) == (next_one, None)
    call = share.compose(end - 50 * MS, (), keep=True, more=False)
    assert call.give_back == 10


def test_two_leases_that_go_back_are_settled_one_after_the_other() -> None:
    """A call settles one lease; what another gives back does not wait for a request, which may never come, but nothing else is hurried."""
    terms = Terms(40_000, *Refill.parse("10/s"))
    share, bucket = Share(terms, START), Bucket()
    bucket.acquire(START, terms, Acquire((1,), 10))  # of another sidecar, whose generation ends 200 ms later
    ask(hot(share), bucket, START + 100 * MS, 1)
    later = START + 230 * MS
    ask(hot(share), bucket, later, keep=True)
    assert share.hand is not None
    assert share.spare is not None
    assert share.hand.id != share.spare.id
    ask(share, bucket, later, more=False)
    assert share.urgent()
    assert hot(share).tend(later) == "settle"
    ask(share, bucket, later, keep=True, more=False)
    assert not share.urgent()
    assert hot(share).tend(later) == "rest"


def test_quiet_share_may_be_forgotten() -> None:
    """With nothing in hand, nothing owed and no denial in force there is nothing to lose."""
    share, bucket = with_lease()
    assert not share.quiet(START)
    ask(share, bucket, START, more=False)
    assert share.quiet(START)
    share.deny(START, 1, 10 * MS, 1.0)
    assert not share.quiet(START + 10 * MS - 1)
    assert share.quiet(START + 10 * MS)
    share.owe_refund(1, START)
    assert not share.quiet(START + S)


def test_what_callers_are_told() -> None:
    """Remaining and reset are the store's last word, what refilled since, and what is in hand."""
    share, bucket = Share(TERMS, START), Bucket()
    assert share.standing(START) == (40, 0)
    ask(share, bucket, START, 30, more=False)
    assert share.standing(START) == (10, 3 * S)
    assert share.standing(START + S) == (20, 2 * S)
    assert share.standing(START + 60 * S)[0] == 40
    ask(hot(share), bucket, START, 1)
    assert share.hand is not None
    assert share.standing(START)[0] == 9  # leased or not, they are there


@given(
    st.builds(
        lambda capacity, refill, horizon: Terms(capacity, *Refill.parse(refill), horizon=horizon),
        st.sampled_from([1, 3, 10, 40, 200]),
        st.sampled_from(["0.5/s", "1/s", "7/s", "10/s", "100/min", "1000/s", "30000/s"]),
        st.sampled_from([0, 20 * MS, 100 * MS]),
    ),
    st.integers(0, 200),
    st.integers(0, 400),
    st.floats(0, 1),
    st.data(),
)
def test_retry_after_is_a_promise(terms: Terms, spent: int, heat: int, chance: float, data: st.DataObject) -> None:
    """For a bucket's only caller: refused until `retry_after`, however often it asks meanwhile, and allowed at it.

    What is leased unripe waits for the drift of the clocks as well, so there the store itself may have the tokens by 0.1 % earlier.
    """
    share, bucket = Share(terms, START), Bucket()
    bucket.acquire(START, terms, Acquire((min(spent, terms.capacity),)))
    share.arrived += heat
    cost = data.draw(st.integers(1, terms.capacity), "cost")

    def check(now: int) -> int:
        wait = share.look(now, cost)
        if wait == 0:
            share.take(cost)
        if wait != ASK:
            return wait
        (retry,) = ask(share, bucket, now, cost).retries
        if not retry:
            return 0
        wait = share.look(now, cost)
        if wait == 0:
            share.take(cost)
        elif wait == ASK:
            share.deny(now, cost, retry, chance)
            return retry
        return wait

    now = START
    while not (wait := check(now)):
        pass
    for part in data.draw(st.lists(st.integers(1, 99), max_size=3), "looks between"):
        between = now + wait * part // 100
        promised = check(between)
        assert 0 < promised <= now + wait - between + (now + wait - between) // 500 + 2
        now, wait = between, promised
    if wait > 1:
        wait = check(now + wait - 1) + wait - 1
    assert check(now + wait) == 0
