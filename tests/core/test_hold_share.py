"""A share of what a held account may spend, against the store's counter: the amount moves, the period never turns."""

from itertools import count
from random import Random

import pytest

from ratelimit.core.hold import amount, bought, lapsed, opened, released, revoked, warned
from ratelimit.core.hold_share import MOST, HoldShare, closing, counter_namer, peek, spent
from ratelimit.core.limit import Limit, QuotaRule
from ratelimit.core.quota_counter import QuotaCounter
from ratelimit.core.share import ASK
from ratelimit.core.standing import HeldAccount, Hold
from ratelimit.core.store_key import QUOTA, StoreKeys

S = 1_000_000
HOUR = 3_600
T0 = 1_800_000_000


def hold(purchase: str = "p1", tokens: int = 100, held: int = 40, lapses_at: float = T0 + HOUR) -> Hold:
    return Hold(purchase, "acme", tokens, held, lapses_at, T0)


def account(*holds: Hold, at: float = T0) -> HeldAccount:
    made = opened("acme", at, 0)
    for one in holds:
        made = bought(made, one, at)
    return made


class Side:
    """A sidecar whose clock is the wall's in microseconds, and the store's less `behind`."""

    def __init__(self, held: HeldAccount, counter: QuotaCounter, tag: int = 1, behind_s: float = 0) -> None:
        self.counter, self.behind, self.held = counter, int(behind_s * S), held
        self.now = T0 * S
        self.share = HoldShare(held, self.now, T0, count(tag << 22 | 1).__next__)

    def sees(self, held: HeldAccount) -> None:
        self.held = held

    def spend(self, cost: int) -> bool:
        """One request, with a call where it needs one."""
        wall = self.now / S
        share = self.share
        if share.outdated(self.held, wall) and share.adopt(self.held, self.now, wall):
            self.call(keep=False)
        share.arrived += cost
        wait = share.look(self.now, cost)
        if wait == ASK:
            return self.call(cost)
        if not wait:
            share.take(cost)
        return not wait

    def call(self, *needs: int, keep: bool = False) -> bool:
        call = self.share.compose(self.now, needs, keep=keep, more=bool(needs))
        grant = self.share.told(self.counter.acquire(self.now - self.behind, call), self.now)
        self.share.answered(call, grant, self.now, self.now)
        if any(grant.retries):
            self.share.deny(self.now, needs[0], grant.retries[0], 0.5)
        return not any(grant.retries)


def test_wait_is_until_the_next_lapse() -> None:
    """A refusal of the store, and one that needs none, wait for the next lapse; and it is there then."""
    side = Side(account(hold(), hold("p2", 10, 10, T0 + 2 * HOUR)), QuotaCounter())
    assert side.spend(60)
    assert not side.spend(1)
    for cost in (1, 61, 111):
        assert HOUR * S <= side.share.look(side.now, cost) <= HOUR * S + 1
    side.now += HOUR * S - 1
    assert not side.spend(40)
    side.now += 2
    assert side.spend(40)
    assert not side.spend(1)
    assert HOUR * S - 2 <= side.share.look(side.now, 1) <= HOUR * S


def test_release_voids_a_refusal() -> None:
    """What was refused a moment ago is there at once when a hold is released."""
    side = Side(account(hold()), QuotaCounter())
    assert not side.spend(61)
    assert side.spend(60)
    assert not side.spend(1)
    side.sees(released(side.held, "p1", "mia", "known"))
    assert side.spend(40)
    assert not side.spend(1)


def test_what_is_in_hand_goes_back_when_less_may_be_spent() -> None:
    """After a warning nothing in hand is spent; the store's word counts."""
    counter = QuotaCounter()
    side = Side(account(hold(tokens=10_000, held=1)), counter)
    side.share.arrived = 10_000
    assert side.spend(1)
    assert side.share.hand is not None
    side.sees(warned(side.held, hold(tokens=10_000, held=10_000), 1, T0))
    assert not side.spend(1)
    assert side.share.hand is None
    assert counter.used == 1


@pytest.mark.parametrize("behind_s", [-100.0, 0.5, 3_600.0])
def test_clocks_that_differ(behind_s: float) -> None:
    """A store whose clock is behind, also behind the instant of opening, or ahead counts in the one period, also across that instant."""
    side = Side(account(hold()), QuotaCounter(), behind_s=behind_s)
    assert side.spend(50)
    side.now += 1_800 * S
    assert side.spend(10)
    assert not side.spend(1)
    side.now += 1_900 * S
    assert side.spend(40)
    assert not side.spend(1)


def test_opened_anew() -> None:
    """An account that is opened again is counted from nothing, and what was in hand from before is not spent."""
    counter = QuotaCounter()
    side = Side(account(hold(tokens=10_000, held=1)), counter)
    side.share.arrived = 10_000
    assert side.spend(1)
    assert side.share.hand is not None
    side.now += S
    side.sees(account(hold("p2", 20_000, 20, T0 + 9 * HOUR), at=T0 + 1))
    assert side.spend(1)
    assert not side.spend(19_980)
    assert side.spend(19_979)
    assert (side.spend(1), counter.used) == (False, 19_980)


def test_peek_and_closing() -> None:
    """Looking at what was spent charges nothing; after closing the counter is told to end soon, and an account opened later begins anew."""
    counter, held = QuotaCounter(), account(hold())
    assert spent(counter.acquire(T0 * S, peek(held, 1 << 22 | 1))) == 0
    Side(held, counter, 2).spend(25)
    assert spent(counter.acquire(T0 * S, peek(held, 1 << 22 | 2))) == 25
    ends = counter.acquire((T0 + HOUR) * S, closing(held, 1 << 22 | 3, T0 + HOUR)).ends_in
    assert (ends, counter.used) == (HOUR * S, 25)


def test_name_is_no_limits() -> None:
    """No limit of a policy has the same counter, whatever it is called."""
    keys = StoreKeys(bytes(32))
    limit = Limit(name="hold", per=("account",), quota=QuotaRule(amount=MOST, every="year"))
    assert counter_namer(keys)("acme").startswith(QUOTA)
    assert counter_namer(keys)("acme") != keys.name(limit, "acme")


@pytest.mark.parametrize("seed", range(20))
def test_never_more_than_the_amount(seed: int) -> None:
    """Three sidecars that hear of changes late spend together what may be spent and not more; with all given back, exactly that."""
    chance, counter = Random(seed), QuotaCounter()
    held = account(hold(tokens=3_000, held=900, lapses_at=T0 + 5))
    sides = [Side(held, counter, tag) for tag in (1, 2, 3)]
    passed, n = 0, 1
    for _ in range(3_000):
        now = sides[0].now / S
        match chance.randrange(300):
            case 0:
                n += 1
                held = bought(held, hold(f"p{n}", chance.randrange(500), 0, now), now)
            case 1:
                n += 1
                tokens = chance.randrange(500)
                held = bought(held, hold(f"p{n}", tokens, chance.randint(0, tokens), now + chance.randrange(9)), now)
            case 2:
                held = released(held, f"p{chance.randint(1, n)}", "mia", "known")
            case 3:
                held = revoked(held, f"p{chance.randint(1, n)}", "mia", "stolen", now)
            case 4:
                held = lapsed(held, now)
        side = chance.choice(sides)
        if chance.random() < 0.05:
            side.sees(held)
        cost = chance.choice([1, 1, 2, 7])
        passed += cost * side.spend(cost)
        for each in sides:
            each.now += chance.randrange(2_000)
        assert passed <= amount(held, max(each.now for each in sides) / S)
    for side in sides:
        side.now = max(each.now for each in sides)
        side.sees(held)
        side.spend(0)
        side.call()
    while sides[0].spend(1):
        passed += 1
    assert passed == amount(held, sides[0].now / S) or not any(one.held for one in held.holds)
