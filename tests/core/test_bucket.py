"""A bucket in the store: the documented examples as tables, and what must hold whatever is asked of it."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.bucket import STEP_BACK_US, Acquire, Bucket, Grant, Terms
from ratelimit.core.units import Refill, ceil_div

START = 1_760_000_000_000_000
S = 1_000_000
MS = 1_000

TERMS = st.builds(
    lambda capacity, refill, life, horizon: Terms(capacity, *Refill.parse(refill), life, horizon),
    st.sampled_from([1, 2, 5, 10, 40, 1_000]),
    st.sampled_from(["0.5/s", "1/s", "7/s", "10/s", "100/min", "1000/s", "30000/s"]),
    st.sampled_from([50 * MS, 200 * MS]),
    st.sampled_from([0, 100 * MS]),
)
CALLS = st.tuples(st.lists(st.integers(0, 6), max_size=4), st.sampled_from([0, 0, 3, 50])).map(lambda drawn: Acquire(*drawn))
STEPS = st.lists(st.tuples(st.sampled_from([0, 1, 700, 20 * MS, 210 * MS, 3 * S]), CALLS), min_size=1, max_size=12)
SEEDS = st.integers(0, 2**32)


def leased_bucket(terms: Terms, seed: int) -> Bucket:
    """A bucket with a past: some of its leases are out, some settled, some lapsed, and sometimes it is empty."""
    chance, bucket, now = Random(seed), Bucket(), START
    ids = [0]
    for _ in range(12):
        now += chance.choice([0, 300, 20 * MS, 90 * MS, 300 * MS])
        settle, needs = chance.randrange(4), [chance.choice([1, 1, 3, terms.capacity // 2])] * chance.randrange(3)
        call = Acquire(needs, chance.choice([0, 5, 50]), settle, chance.choice(ids), chance.randint(0, settle))
        ids.append(bucket.acquire(now, terms, call).id)
    bucket.acquire(now + chance.choice([0, chance.randrange(250) * MS]), terms, Acquire())
    return bucket


def copied(bucket: Bucket) -> Bucket:
    return replace(bucket)


def ask(bucket: Bucket, at: int, terms: Terms, *needs: int) -> list[int]:
    return bucket.acquire(at, terms, Acquire(needs)).retries


@pytest.mark.parametrize(
    ("capacity", "refill", "steps"),
    [
        # at, cost, the wait (0: it passes)
        (3, "1/s", [(0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 1, S), (999_999, 1, 1), (S, 1, 0), (S, 1, S)]),
        (3, "1/s", [(0, 3, 0), (0, 3, 3 * S), (2 * S, 3, S), (3 * S, 3, 0)]),
        (3, "1/s", [(0, 2, 0), (0, 2, S), (0, 1, 0), (S, 2, S), (2 * S, 2, 0)]),
        (3, "1/s", [(0, 3, 0), (10 * S, 3, 0), (10 * S, 1, S)]),
        (3, "1/s", [(0, 0, 0), (0, 3, 0), (0, 0, 0), (0, 1, S)]),
        (1, "3/s", [(0, 1, 0), (0, 1, 333_334), (333_333, 1, 1), (333_334, 1, 0), (666_667, 1, 1), (666_668, 1, 0)]),
        (10, "100/min", [(0, 10, 0), (0, 1, 600 * MS), (599_999, 1, 1), (600 * MS, 1, 0)]),
        (2, "30000/s", [(0, 2, 0), (0, 1, 34), (33, 1, 1), (34, 1, 0)]),
    ],
    ids=["one-by-one", "at-once", "cheaper-passes", "no-more-than-full", "peek", "thirds", "minutes", "fast"],
)
def test_plain_bucket(capacity: int, refill: str, steps: list[tuple[int, int, int]]) -> None:
    """Without leases it is a token bucket: (time, cost, wait)."""
    terms, bucket = Terms(capacity, *Refill.parse(refill)), Bucket()
    assert [ask(bucket, START + at, terms, cost) for at, cost, _ in steps] == [[wait] for _, _, wait in steps]


def test_worked_example() -> None:
    """The example in the module's head is true."""
    bucket, terms = Bucket(), Terms(10, *Refill.parse("1/s"))
    grant = bucket.acquire(START, terms, Acquire((1, 20, 2), extra=4))
    assert grant == Grant(leased=2, first=-9 * S, id=START + terms.life, at=START, stock=5 * S, retries=[0, grant.retries[1], 0])
    assert grant.retries[1] >= 15 * S
    assert (bucket.out, bucket.debt) == (2, 5 * S)


@pytest.mark.parametrize(
    ("debt", "needs", "extra", "leased", "retries"),
    [
        (0, [1], 0, 0, [0]),  # not hot
        (0, [1], 100, 10, [0]),  # a quarter of the capacity
        (0, [], 100, 10, []),  # a renewal
        (0, [1], 3, 3, [0]),  # what it wants
        (36, [1], 100, 2, [0]),  # half of the stock
        (34, [4], 100, 2, [0]),  # what the need leaves
        (39, [1], 100, 0, [0]),  # nothing is left
        (38, [2, 1], 100, 1, [0, 1]),  # for who was refused, what ripens soon
        (40, [1], 100, 1, [1 * S // 10]),  # soon: leased before it is there
        (40, [2], 100, 0, [2 * S // 10]),  # not soon enough
        (0, [41, 1], 100, 10, None),  # a cost over the capacity is passed over
    ],
)
def test_lease_sizes(debt: int, needs: list[int], extra: int, leased: int, retries: list[int] | None) -> None:
    """What is leased beyond the need, capacity 40 at 10/s, by the tokens that are missing."""
    num, per = Refill.parse("10/s")
    bucket = Bucket(num, per, START, debt * per)
    grant = bucket.acquire(START, Terms(40, num, per), Acquire(needs, extra))
    assert grant.leased == leased
    assert [min(retry, 1) for retry in grant.retries] == ([min(r, 1) for r in retries] if retries is not None else [1, 0])


def test_ripening_slots_stay_within_the_quarter() -> None:
    """However fast a bucket refills, what is leased before it is there is at most a quarter of the capacity too."""
    num, per = Refill.parse("1000/s")
    bucket = Bucket(num, per, START, 40 * per)
    assert bucket.acquire(START, Terms(40, num, per), Acquire((3,), 100)).leased == 10


def test_no_ripening_slots_beside_a_reserve() -> None:
    """Where a charge keeps a reserve for late answers, only what is there is leased: the slots would ripen later than said."""
    num, per = Refill.parse("1000/s")
    bucket = Bucket()
    grant = bucket.acquire(START, Terms(1_000, num, per, late=10 * MS), Acquire((990, 20), 100))
    assert grant.leased == 10
    assert grant.first + 999 * per // num <= 0  # the last of the thousand is ripe


def test_lapsed_lease_is_spent() -> None:
    """What a crashed sidecar held counts as out for its life, and as spent from then on."""
    terms, bucket = Terms(40, *Refill.parse("10/s")), Bucket()
    grant = bucket.acquire(START, terms, Acquire((1,), extra=10))
    assert (grant.leased, grant.stock) == (10, 29 * terms.per)
    before = bucket.acquire(START + terms.life - 1, terms, Acquire())
    assert bucket.out == 10
    assert before.stock == 30 * terms.per  # the one charged has come back, what is out has not
    lapsed = START + terms.life + 1  # 1: a generation ends later than the one before
    bucket.acquire(lapsed, terms, Acquire())
    assert bucket.out + bucket.old == 0
    assert bucket.acquire(lapsed + S - 1, terms, Acquire()).stock == 40 * terms.per - 1
    assert bucket.acquire(lapsed + S, terms, Acquire()).stock == 40 * terms.per


@pytest.mark.parametrize(
    ("settle", "give_back", "out", "tokens"),
    [(10, 10, 0, 39), (10, 0, 0, 29), (4, 4, 6, 33), (10, 3, 0, 32), (99, 99, 0, 39), (2, 9, 8, 31)],
    ids=["unspent", "spent", "part", "some", "more-than-out", "back-more-than-settled"],
)
def test_settlement(settle: int, give_back: int, out: int, tokens: int) -> None:
    """What comes back counts once, and never more than is out, capacity 40."""
    terms, bucket = Terms(40, *Refill.parse("10/s")), Bucket()
    lease = bucket.acquire(START, terms, Acquire((1,), extra=10))
    grant = bucket.acquire(START, terms, Acquire(settle=settle, settle_id=lease.id, give_back=give_back))
    assert (bucket.out, grant.stock) == (out, tokens * terms.per)


@pytest.mark.parametrize("stranger", [0, 1, START, START + 200 * MS + 1])
def test_settlement_of_an_unknown_lease(stranger: int) -> None:
    """An id that is not out settles nothing."""
    terms, bucket = Terms(40, *Refill.parse("10/s")), Bucket()
    bucket.acquire(START, terms, Acquire((1,), extra=10))
    before = copied(bucket)
    bucket.acquire(START, terms, Acquire(settle=10, settle_id=stranger, give_back=10))
    assert bucket == before


def test_settlement_in_the_next_generation() -> None:
    """A lease can be settled until its whole generation has lapsed, not longer."""
    terms = Terms(40, *Refill.parse("10/s"))
    for at, is_known in [(199, True), (200, True), (398, True), (399, False)]:
        bucket = Bucket()
        lease = bucket.acquire(START, terms, Acquire(extra=5))
        later = bucket.acquire(START + 199 * MS, terms, Acquire(extra=5))
        assert lease.id == later.id  # so both lapse together, when the later one has lived its life
        before = bucket.acquire(START + at * MS, terms, Acquire())
        after = bucket.acquire(START + at * MS, terms, Acquire(settle=5, settle_id=lease.id, give_back=5))
        assert (after.stock > before.stock) is is_known, at


def test_settlement_of_the_generation_before() -> None:
    """A new lease opens no generation while an older one is out: both are known by their own ids."""
    terms, bucket = Terms(40, *Refill.parse("10/s")), Bucket()
    bucket.acquire(START, terms, Acquire(extra=2))
    old = bucket.acquire(START + 150 * MS, terms, Acquire(extra=5))
    new = bucket.acquire(START + 201 * MS, terms, Acquire(extra=3))
    assert (bucket.old, bucket.out) == (7, 3)
    for lease in (old, new):
        bucket.acquire(START + 201 * MS, terms, Acquire(settle=lease.leased, settle_id=lease.id))
    assert (bucket.old, bucket.out) == (2, 0)


def test_generation_lasts_as_long_as_its_longest_lease() -> None:
    """Lives travel with the call: a short lease after a long one does not let the long one lapse early."""
    terms, bucket = Terms(40, *Refill.parse("10/s")), Bucket()
    bucket.acquire(START, terms, Acquire(extra=1))
    bucket.acquire(START + 100 * MS, terms, Acquire(extra=5))
    bucket.acquire(START + 110 * MS, terms._replace(life=50 * MS), Acquire(extra=3))
    bucket.acquire(START + 300 * MS - 1, terms, Acquire())
    assert bucket.old == 9
    bucket.acquire(START + 300 * MS, terms, Acquire())
    assert bucket.old == 0


@pytest.mark.parametrize(
    ("after", "refund_at", "tokens"),
    [(0, 0, 5), (0, -S, 4), (S, 0, 5), (2 * S, S, 6), (3 * S, 0, 5), (9 * S, 0, 10), (0, 1, 2)],
    ids=["at-once", "charged-earlier", "a-second-later", "half", "worn-out", "full", "in-the-future"],
)
def test_refund(after: int, refund_at: int, tokens: int) -> None:
    """A refund of 3 is short by what has refilled since its instant, 8 of 10 spent, 1/s; one from the future is void."""
    terms, bucket = Terms(10, *Refill.parse("1/s")), Bucket()
    ask(bucket, START, terms, 5, 3)
    grant = bucket.acquire(START + after, terms, Acquire(refund=3, refund_at=START + refund_at))
    assert grant.stock // terms.per == tokens


@given(TERMS, SEEDS, st.integers(1, 50), st.sampled_from([-S, -5 * MS, 0, 100, 101, S]))
def test_refund_never_mints(terms: Terms, seed: int, refund: int, ago: int) -> None:
    """Whatever is refunded, debt stays at or above what is out on lease, and stock at or below the capacity less that."""
    bucket = leased_bucket(terms, seed)
    grant = bucket.acquire(bucket.at + 100, terms, Acquire(refund=refund, refund_at=bucket.at + ago))
    assert bucket.debt >= (bucket.out + bucket.old) * bucket.per
    assert grant.stock + (bucket.out + bucket.old) * terms.per <= terms.capacity * terms.per


@given(TERMS, SEEDS, st.lists(st.integers(0, 12), min_size=1, max_size=8))
def test_list_is_as_one_after_another(terms: Terms, seed: int, needs: list[int]) -> None:
    """A list of needs gets what single calls at the same instant would get, and leaves the same bucket."""
    together = leased_bucket(terms, seed)
    singly, now = copied(together), together.at + 5 * MS
    at_once = together.acquire(now, terms, Acquire(needs)).retries
    one_by_one = [ask(singly, now, terms, need)[0] for need in needs]
    assert [not retry for retry in at_once] == [not retry for retry in one_by_one]
    assert together == singly


@given(TERMS, SEEDS, st.integers(1, 12))
def test_retry_is_a_promise(terms: Terms, seed: int, need: int) -> None:
    """For the only caller: refused one microsecond before `retry_after`, allowed exactly at it."""
    bucket = leased_bucket(terms, seed)
    at = bucket.at + 3 * MS
    if need > terms.capacity:
        return
    (retry,) = ask(bucket, at, terms, need)
    if not retry:
        return
    early = copied(bucket)
    assert ask(early, at + retry - 1, terms, need)[0] == 1
    assert ask(bucket, at + retry, terms, need) == [0]


@given(TERMS, SEEDS, STEPS)
def test_debt_covers_what_is_out(terms: Terms, seed: int, steps: list[tuple[int, Acquire]]) -> None:
    """Stock and leased together are never more than the capacity, and at most a quarter of it is out."""
    bucket = leased_bucket(terms, seed)
    now = bucket.at
    for passed, call in steps:
        now += passed
        grant = bucket.acquire(now, terms, call)
        assert grant.stock + (bucket.out + bucket.old) * terms.per <= terms.capacity * terms.per
        assert bucket.out + bucket.old <= terms.capacity // 4


@given(TERMS, SEEDS, st.integers(0, 1_000), STEPS)
def test_key_may_go_when_full(terms: Terms, seed: int, later: int, steps: list[tuple[int, Acquire]]) -> None:
    """A bucket deleted at `full_in` answers ever after as one that was kept, and not a microsecond earlier than that is it full."""
    kept = leased_bucket(terms, seed)
    now = kept.at + kept.full_in()
    almost = copied(kept)
    if kept.full_in():
        almost.acquire(now - 1, terms, Acquire())
        assert almost.debt or almost.out or almost.old
    deleted = Bucket()
    now += later
    for passed, call in steps:
        now += passed
        assert kept.acquire(now, terms, call) == deleted.acquire(now, terms, call)


@pytest.mark.parametrize(("at", "full_in"), [(150, 900), (199, 851), (200, 850), (300, 750), (349, 701), (350, 700), (1_050, 0)])
def test_full_in(at: int, full_in: int) -> None:
    """Slots that are out refill only from when they have lapsed: 2 and 5 of them, 10/s, lapsed 350 ms after the first were leased."""
    terms, bucket = Terms(40, *Refill.parse("10/s")), Bucket()
    bucket.acquire(START, terms, Acquire(extra=2))
    bucket.acquire(START + 150 * MS, terms, Acquire(extra=5))
    bucket.acquire(START + at * MS, terms, Acquire())
    assert bucket.full_in() == full_in * MS


@given(TERMS, SEEDS)
def test_idle_bucket_is_full_again(terms: Terms, seed: int) -> None:
    """After the time to fill and two lives, nobody having asked, everything is back."""
    bucket = leased_bucket(terms, seed)
    idle = ceil_div(terms.capacity * terms.per, terms.num) + 2 * terms.life + 2
    grant = bucket.acquire(bucket.at + 2 * idle, terms, Acquire())
    assert grant.stock == terms.capacity * terms.per


@given(TERMS, SEEDS, st.integers(0, STEP_BACK_US), STEPS)
def test_small_step_back_stands_still(terms: Terms, seed: int, step: int, steps: list[tuple[int, Acquire]]) -> None:
    """While TIME is behind, by up to a second, every call is answered as at the latest instant seen."""
    bucket = leased_bucket(terms, seed)
    still, latest = copied(bucket), bucket.at
    for _, call in steps:
        assert bucket.acquire(latest - step, terms, call) == still.acquire(latest, terms, call)
    assert bucket == still


@given(TERMS, SEEDS, st.integers(STEP_BACK_US + 1, 10**12), STEPS)
def test_clock_set_back_moves_everything(terms: Terms, seed: int, step: int, steps: list[tuple[int, Acquire]]) -> None:
    """A clock that someone set back shifts all instants: the same calls get the same answers, earlier by that much."""
    bucket = leased_bucket(terms, seed)
    same, now = copied(bucket), bucket.at
    for passed, call in ((0, Acquire()), *steps):
        now += passed
        moved, stayed = bucket.acquire(now - step, terms, call), same.acquire(now, terms, call)
        assert moved == stayed._replace(at=stayed.at - step, id=stayed.id and stayed.id - step)


@given(TERMS, TERMS, SEEDS)
def test_new_refill_rescales_upwards(before: Terms, after: Terms, seed: int) -> None:
    """On a reload the missing tokens stay the same, rounded up to the new unit; the time until now was paid at the old refill."""
    bucket = leased_bucket(before, seed)
    paid = copied(bucket)
    now = bucket.at + 7 * MS
    paid.acquire(now, before, Acquire())
    bucket.acquire(now, after, Acquire())
    assert bucket.debt * paid.per >= paid.debt * after.per > (bucket.debt - 1) * paid.per
    assert (bucket.num, bucket.per) == (after.num, after.per)


def test_smaller_capacity_may_be_overdrawn() -> None:
    """A capacity lowered below what was spent leaves a negative level, which refills before anything passes."""
    bucket, num_per = Bucket(), Refill.parse("1/s")
    ask(bucket, START, Terms(10, *num_per), 8)
    grant = bucket.acquire(START, Terms(5, *num_per), Acquire((1,)))
    assert grant.stock == -3 * S
    assert grant.retries == [4 * S]


def test_late_answers_keep_a_reserve() -> None:
    """With `late` a charge counts as if made at its latest use, so the bound holds at the gateway's instants."""
    num, per = Refill.parse("1000/s")
    strict, plain = Bucket(), Bucket()
    ask(strict, START, Terms(1_000, num, per, late=10 * MS), 1)
    ask(plain, START, Terms(1_000, num, per), 1)
    assert (strict.debt // per, plain.debt // per) == (11, 1)
