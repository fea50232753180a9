"""A sidecar's share of a quota: prepaid tokens are neither minted nor lost while answers come, and lost answers are cancelled."""

from collections import deque
from itertools import count, product
from random import Random

import pytest

from ratelimit.core.quota_counter import QuotaCall, QuotaCounter, QuotaGrant
from ratelimit.core.quota_share import Bounds, QuotaShare
from ratelimit.core.share import ASK

MS = 1_000
S = 1_000_000
DAY = 86_400 * S
NOON = DAY // 2
TODAY: Bounds = (-DAY, 0, DAY, 2 * DAY)
AMOUNT = 1_000


def new(amount: int = AMOUNT) -> QuotaShare:
    return QuotaShare(amount, NOON, count(1).__next__, lambda: TODAY)


def hot(share: QuotaShare) -> QuotaShare:
    share.arrived += 1_000
    return share


def ask(share: QuotaShare, counter: QuotaCounter, *needs: int, now: int = NOON, keep: bool = False, more: bool = True) -> QuotaGrant:
    """One call without delay; clocks agree."""
    call = share.compose(now, needs, keep=keep, more=more)
    grant = counter.acquire(now, call)
    share.answered(call, grant, now, now)
    return grant


def with_lease() -> tuple[QuotaShare, QuotaCounter]:
    """A share with 9 tokens in hand; 991 are left in the store's eyes less the one charged."""
    share, counter = hot(new()), QuotaCounter()
    ask(share, counter, 1)
    assert share.hand is not None
    assert share.hand.slots == 9
    return share, counter


def test_cold_key_asks() -> None:
    """A key that is not hot asks for exactly its cost."""
    share, counter = new(), QuotaCounter()
    share.arrived += 1
    assert share.look(NOON, 1) == ASK
    assert ask(share, counter, 1).leased == 0
    assert (share.hand, counter.used) == (None, 1)


def test_tokens_in_hand_decide() -> None:
    """What is in hand is spent without the store, until its period ends by any clock within the drift."""
    share, _ = with_lease()
    assert [share.look(NOON, cost) for cost in (9, 10)] == [0, ASK]
    share.take(8)
    assert [share.look(NOON, cost) for cost in (1, 2)] == [0, ASK]
    end = DAY - NOON // 1_000
    assert [share.look(now, 1) for now in (end - 1, end)] == [0, ASK]


@pytest.mark.parametrize(("taken", "wanted"), [(6, False), (7, True), (9, True)])
def test_renewal_adds_to_the_hand(taken: int, wanted: bool) -> None:
    """When a quarter is left more is asked for, and what comes is added to what is in hand."""
    share, counter = with_lease()
    share.take(taken)
    assert share.wants_renewal() is wanted
    ask(share, counter, keep=True)
    assert share.hand is not None
    assert share.hand.slots == 9 - taken + 9


def test_asking_gives_back_what_is_in_hand() -> None:
    """A call for a need takes the hand along, once, so that all that is left can pay the need."""
    share, counter = with_lease()
    grant = ask(share, counter, 995, more=False)
    assert (grant.retries, counter.used, share.hand) == ([0], 996, None)
    assert ask(share, counter, 4, more=False).retries == [0]
    assert counter.used == AMOUNT


def test_release_and_refund_are_in_full() -> None:
    """What was not used comes back whole, from the hand and from the store."""
    share, counter = with_lease()
    held = share.take(5)
    share.release(held, 5)
    assert share.look(NOON, 9) == 0
    held = share.take(5)
    ask(share, counter, more=False)  # gives the other 4 back
    share.release(held, 5)
    share.owe_refund(1, 0)
    assert share.owes()
    ask(share, counter, keep=True, more=False)
    assert (counter.used, share.owes()) == (0, False)


def test_refund_of_another_period_is_void() -> None:
    """What was charged yesterday does not lower what is used today."""
    share, counter = new(), QuotaCounter()
    ask(share, counter, 10, more=False)
    share.owe_refund(3, -DAY)
    share.owe_refund(4, 0)
    share.owe_refund(5, -DAY)
    call = share.compose(NOON, (), keep=True, more=False)
    assert (call.give_back, call.give_back_start) == (4, 0)


def test_new_period_forgets_the_hand() -> None:
    """Tokens of yesterday are not spent today, nor given back into today."""
    share, counter = with_lease()
    tomorrow = DAY + NOON
    assert share.look(tomorrow, 1) == ASK
    grant = counter.acquire(tomorrow, share.compose(tomorrow, (1,), keep=False, more=False))
    assert (grant.at, counter.used) == (DAY, 1)


def test_denial_is_remembered_with_its_cost() -> None:
    """What costs as much or more is refused without the store for a while; what is cheaper still asks."""
    share = new()
    share.deny(NOON, 5, DAY - NOON, 1.0)
    assert share.look(NOON + 99 * MS, 5) == share.look(NOON + 99 * MS, 9) == DAY - NOON - 99 * MS
    assert share.look(NOON, 4) == ASK
    assert share.look(NOON + 100 * MS, 5) == ASK
    share.deny(NOON + 200 * MS, 5, 10 * MS, 0.0)
    assert share.look(NOON + 210 * MS, 5) == ASK


@pytest.mark.parametrize("executed", [True, False])
def test_lost_answer_is_cancelled(executed: bool) -> None:
    """The next call undoes one whose answer never came, whether it was executed or not, with what it gave back."""
    share, counter = with_lease()
    lost = share.compose(NOON, (100,), keep=False, more=False)
    assert lost.give_back == 9
    if executed:
        counter.acquire(NOON, lost)
    share.unanswered(lost, NOON)
    assert share.owes()
    ask(share, counter, 50, more=False)
    while share.owes():
        ask(share, counter, keep=True, more=False)
    assert counter.used == 51
    assert counter.acquire(NOON + 1, lost).leased == 0  # should its bytes come now
    assert counter.used == 51


@pytest.mark.parametrize("executed", [True, False])
def test_answer_to_a_cancel_is_lost_too(executed: bool) -> None:
    """A second cancel tells as the first did whether the operation came to be, so what it gave back is given back once."""
    share, counter = with_lease()
    lost = share.compose(NOON, (100,), keep=False, more=False)
    if executed:
        counter.acquire(NOON, lost)
    share.unanswered(lost, NOON)
    canceller = share.compose(NOON, (), keep=True, more=False)
    counter.acquire(NOON, canceller)
    share.unanswered(canceller, NOON)
    while share.owes():
        ask(share, counter, keep=True, more=False)
    assert counter.used == 1


@pytest.mark.parametrize("executed", list(product([True, False], repeat=3)))
def test_several_lost_in_a_row_are_cancelled(executed: tuple[bool, ...]) -> None:
    """However many calls in a row lost their answers, whichever of them were executed, what they took and gave back is made good."""
    share, counter = with_lease()
    for was_executed in executed:
        lost = share.compose(NOON, (100,), keep=False, more=False)
        if was_executed:
            counter.acquire(NOON, lost)
        share.unanswered(lost, NOON)
    ask(share, counter, 50, more=False)
    while share.owes():
        ask(share, counter, keep=True, more=False)
    assert counter.used == 51


def test_lost_answer_is_cancelled_in_time() -> None:
    """After five seconds a cancel is not worth sending: the store may have forgotten the operation."""
    for late, cancel in [(5 * S - 1, 1), (5 * S, 0)]:
        share = new()
        share.unanswered(share.compose(NOON, (1,), keep=False, more=False), NOON)
        assert share.compose(NOON + late, (1,), keep=False, more=False).cancel == cancel


def test_idle_tokens_go_back() -> None:
    """Tokens in hand go back when nobody has asked for 300 ms, and what is owed with them."""
    share, _ = with_lease()
    assert share.tend(NOON) == "rest"
    assert share.tend(NOON + 299_999) == "rest"
    assert share.tend(NOON + 300_000) == "return"
    share.hand = None
    assert share.tend(NOON + 600_000) == "rest"
    share.owe_refund(1, 0)
    assert share.tend(NOON + 600_000) == "return"


def test_a_store_that_is_away_is_not_told_all_the_time() -> None:
    """What it did not take it is told again after 300 ms, for as long as it takes."""
    share, _ = with_lease()
    told = [now for now in range(0, 10_000 * MS, 25 * MS) if share.tend(NOON + now) == "return"]
    assert told == list(range(300 * MS, 10_000 * MS, 300 * MS))


def test_what_callers_are_told() -> None:
    """Remaining is the store's last word and what is in hand; reset is the period's end."""
    share, counter = new(), QuotaCounter()
    assert share.standing(NOON)[0] == AMOUNT
    ask(hot(share), counter, 100)
    assert share.standing(NOON) == (900, DAY - NOON)
    share.take(1)
    assert share.standing(NOON)[0] == 899
    assert share.standing(DAY) == (AMOUNT, 0)


def test_local_spends_the_part_of_what_is_left() -> None:
    """While the store is away each of four sidecars spends a quarter of what was last known to be left."""
    share, counter = new(), QuotaCounter()
    ask(share, counter, 200, more=False)
    assert share.spend_local(NOON, 201, 4) == DAY - NOON
    assert [share.spend_local(NOON, 100, 4) for _ in range(3)] == [0, 0, DAY - NOON]
    share.unspend_local(100, 4)
    assert share.spend_local(NOON, 100, 4) == 0


def test_local_knows_nothing_of_a_new_period() -> None:
    """Where nothing is known of the period, it is taken to be whole."""
    share = new()
    assert share.spend_local(NOON, AMOUNT, 1) == 0
    assert share.spend_local(NOON, 1, 1) > 0
    assert share.spend_local(DAY + NOON, AMOUNT, 1) == 0


def run(chance: Random, loss: float) -> tuple[int, QuotaCounter, list[QuotaShare]]:
    """Three sidecars on one quota, whose calls are slow; a lost answer is cancelled by the next call. How much was admitted."""
    counter, ids = QuotaCounter(), count(1)
    shares = [QuotaShare(AMOUNT, NOON, ids.__next__, lambda: TODAY) for _ in range(3)]
    pending: deque[tuple[QuotaShare, QuotaCall, QuotaGrant | None, int]] = deque()
    admitted, now = 0, NOON
    for _ in range(400):
        now += chance.choice([0, 1_000, 30 * MS])
        share, cost = chance.choice(shares), chance.choice([1, 1, 2, 7])
        share.arrived += 20 * cost
        wait = share.look(now, cost)
        if wait == 0:
            share.take(cost)
            admitted += cost
        elif wait == ASK and all(share is not waiting for waiting, *_ in pending):
            call = share.compose(now, (cost,), keep=False, more=True)
            fate = chance.random()
            pending.append((share, call, counter.acquire(now, call) if fate > loss / 2 else None, 0 if fate > loss else 1))
        if pending and chance.random() < 0.5:
            admitted += _deliver(*pending.popleft(), now, chance)
    while pending:
        admitted += _deliver(*pending.popleft(), now, chance)
    return admitted, counter, shares


def _deliver(share: QuotaShare, call: QuotaCall, grant: QuotaGrant | None, lost: int, now: int, chance: Random) -> int:
    if lost or grant is None:
        share.unanswered(call, now)
        return 0
    share.answered(call, grant, now, now)
    if grant.retries[0]:
        return 0
    if chance.random() < 0.2:  # another limit refused
        share.owe_refund(call.needs[0], grant.at)
        return 0
    return call.needs[0]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_exact_over_the_period(seed: int, loss: float) -> None:
    """Never more than the amount is admitted, and when all has been given back and cancelled, exactly what was admitted is used."""
    admitted, counter, shares = run(Random(seed), loss)
    now = NOON + 13 * S
    if loss:
        assert admitted <= counter.used <= AMOUNT
        return
    for share in shares:
        while share.owes() or share.hand is not None:
            ask(share, counter, now=now, more=False)
    assert admitted == counter.used <= AMOUNT


def test_a_period_that_nothing_is_known_of_is_spent_once() -> None:
    """However long the store is away, a sidecar that never heard of the period spends its part of one amount."""
    share = new()
    assert share.spend_local(NOON, AMOUNT // 2, 2) == 0
    for later in (1, 61, 3_600, 40_000):
        assert share.spend_local(NOON + later * S, 1, 2) > 0
