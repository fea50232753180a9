"""Holds: what may be spent is what is free, released or lapsed, whatever happens in whatever order."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ratelimit.core.hold import (
    LAPSED,
    MOST_PURCHASES,
    REVOKED_KEPT_S,
    amount,
    bought,
    ends_at,
    find,
    lapsed,
    next_lapse,
    opened,
    placed,
    released,
    revoked,
    spent_of,
    stands,
    warned,
    withdrawn,
    withheld,
)
from ratelimit.core.standing import HeldAccount, Hold

HOUR = 3_600.0
DAY = 24 * HOUR
STEP = st.tuples(
    st.sampled_from(["buy", "release", "revoke", "withdraw", "warn", "lapse", "wait"]),
    st.sampled_from("abcd"),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 300),
)


def hold(purchase: str = "p1", tokens: int = 100, held: int = 40, made_at: float = 0.0, lapses_at: float = DAY) -> Hold:
    return Hold(purchase, "acme", tokens, held, lapses_at, made_at)


def account(*holds: Hold, balance: int = 0) -> HeldAccount:
    made = opened("acme", 0.0, balance)
    for one in holds:
        made = bought(made, one, 0.0)
    return made


def test_amount_by_time() -> None:
    """Tokens that are held become spendable when the hold lapses, to the instant; then nothing is counted any more."""
    held = account(hold(), hold("p2", 50, 0, made_at=1), hold("p3", 20, 20, made_at=2, lapses_at=2 * DAY), balance=10)
    at = [0.0, DAY - 0.001, DAY, 2 * DAY - 0.001, 2 * DAY]
    assert [amount(held, now) for now in at] == [120, 120, 160, 160, 180]
    assert [next_lapse(held, now) for now in at] == [DAY, DAY, 2 * DAY, 2 * DAY, 2 * DAY]
    assert [stands(held, now) for now in at] == [True, True, True, True, False]


def test_release() -> None:
    """A release makes all of that hold spendable, and says who did it; a second one, or of what is unknown, changes nothing."""
    held = account(hold(), hold("p2", made_at=1))
    after = released(held, "p1", "mia", "known customer")
    assert (amount(after, 1), ends_at(after)) == (160, DAY)
    assert find(after, "p1") == replace(hold(), state="released", by="mia", reason="known customer")
    assert released(after, "p1", "bob", "again") == after == released(after, "p9", "bob", "who?")
    assert not stands(released(after, "p2", "mia", "too"), 1)


def test_revoke() -> None:
    """Revoked tokens are never spendable, and the account stays counted until the site has had time to take them back."""
    after = revoked(account(hold()), "p1", "mia", "stolen card", HOUR)
    assert [amount(after, now) for now in (HOUR, DAY, 10 * DAY)] == [60, 60, 60]
    assert ends_at(after) == next_lapse(after, DAY) == HOUR + REVOKED_KEPT_S
    assert released(after, "p1", "bob", "oh") == after
    late = revoked(account(hold()), "p1", "mia", "too late", DAY)
    assert (late, amount(late, DAY)) == (lapsed(account(hold()), DAY), 100)


def test_lapsed() -> None:
    """What has lapsed is released by time; what may be spent stays the same."""
    held = account(hold(), hold("p2", made_at=1, lapses_at=2 * DAY))
    after = lapsed(held, DAY)
    assert [(one.state, one.reason) for one in after.holds] == [("released", LAPSED), ("held", "")]
    assert amount(after, DAY) == amount(held, DAY)
    assert lapsed(held, DAY - 1) == held


def test_oldest_first() -> None:
    """The balance is spent first, then purchases from the oldest on, each as far as it may be."""
    held = account(hold("new", 50, 0, made_at=2), hold("old", 100, 40, made_at=1), balance=10)
    assert [one.purchase for one in held.holds] == ["old", "new"]
    assert [spent_of(held, spent, 2) for spent in (0, 10, 30, 100, 120, 130)] == [(0, 0), (0, 0), (20, 0), (60, 30), (60, 50), (60, 50)]
    assert spent_of(held, 130, DAY) == (100, 20)


def test_warning_of_what_is_unspent() -> None:
    """A warning holds the tokens of that purchase that are not spent yet, and no other's."""
    held = account(hold(), hold("p2", 50, 0, made_at=1), balance=10)
    first = warned(held, hold("p1", 100, 100), 100, 2)  # 10 of the balance, 60 of p1, 30 of p2 are spent
    assert (find(first, "p1"), amount(first, 2)) == (replace(hold(), warned=True), 120)
    second = warned(first, hold("p2", 50, 50, made_at=1, lapses_at=30 * DAY), 100, 2)
    found = find(second, "p2")
    assert found is not None
    assert (found.held, found.lapses_at, amount(second, 2)) == (20, 30 * DAY, 100)


def test_warning_holds_what_was_released() -> None:
    """A warning comes after a release and holds again; a release after the warning stands, though the warning is told twice."""
    again = warned(released(account(hold()), "p1", "mia", "known"), hold("p1", 100, 100), 30, HOUR)
    assert amount(again, HOUR) == 30
    after = released(again, "p1", "mia", "they called")
    assert warned(after, hold("p1", 100, 100), 30, HOUR) == after
    assert amount(after, HOUR) == 100


def test_warning_of_an_unknown_purchase() -> None:
    """Of a purchase of which nothing is known all is held."""
    assert amount(warned(account(balance=5), replace(hold("p1", 100, 100), warned=True), 0, 1), 1) == 5


def test_another_attempt() -> None:
    """Another attempt of the same purchase takes the place of the one before; one that failed is as if it had never been."""
    held = account(hold(held=40))
    assert bought(held, hold(held=40), 1) == held
    assert amount(bought(held, hold(held=70), 1), 1) == 30
    assert withdrawn(held, "p1") == account()


def test_many_purchases() -> None:
    """Of very many purchases the oldest that are not held become balance; where all are held, another is not spendable at all."""
    held = account(*(hold(f"p{n}", 10, n % 2, made_at=n) for n in range(MOST_PURCHASES)))
    more = bought(held, hold("more", 10, 5, made_at=999), 1)
    assert (len(more.holds), amount(more, 1)) == (MOST_PURCHASES, amount(held, 1) + 5)
    assert find(more, "p0") is None
    full = account(*(hold(f"p{n}", 10, 10, made_at=n) for n in range(MOST_PURCHASES)))
    assert bought(full, hold("more", 10, 5, made_at=999), 1) is full


@given(st.integers(0, 50), st.lists(STEP, max_size=30))
def test_no_order_makes_tokens(balance: int, steps: list[tuple[str, str, int, int, int]]) -> None:
    """After any events what may be spent is the balance and what was bought, less what is held now; and it is never negative."""
    held, now = opened("acme", 0.0, balance), 1.0
    for what, purchase, tokens, part, spent in steps:
        least = 0 if what in {"buy", "withdraw", "warn"} else amount(held, now)  # these may take some away, no other does
        match what:
            case "buy":
                held = bought(held, hold(purchase, tokens, min(part, tokens), now, now + part * HOUR), now)
            case "release":
                held = released(held, purchase, "mia", "known")
            case "revoke":
                held = revoked(held, purchase, "mia", "stolen", now)
            case "withdraw":
                held = withdrawn(held, purchase)
            case "warn":
                before, paid = amount(held, now), min(spent, amount(held, now))
                held = warned(held, hold(purchase, tokens, tokens, now, now + DAY), paid, now)
                assert paid <= amount(held, now) <= before
            case "lapse":
                held = lapsed(held, now)
            case "wait":
                now += part * HOUR
        assert amount(held, now) >= least
        in_all = balance + sum(one.tokens for one in held.holds)
        shares = spent_of(held, spent, now)
        assert 0 <= amount(held, now) == in_all - sum(withheld(one, now) for one in held.holds)
        assert sum(shares) == max(0, min(spent, amount(held, now)) - balance)
        assert all(0 <= share <= one.tokens - withheld(one, now) for share, one in zip(shares, held.holds, strict=True))
        assert amount(held, now + DAY) >= amount(held, now)


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 300))
def test_placed(balance: int, tokens: int, held: int) -> None:
    """A person holds tokens of a purchase that is part of the balance: no more than there are, and a release gives back the same."""
    before = account(balance=balance)
    after = placed(before, hold(tokens=tokens, held=min(held, tokens)), 1.0)
    found = find(after, "p1")
    withheld_ = found.held if found is not None else 0
    assert withheld_ == min(held, tokens, balance)
    assert amount(after, 1.0) == balance - withheld_
    assert amount(released(after, "p1", "mia", "known"), 1.0) == balance


def test_placed_on_what_is_known() -> None:
    """What is known of a purchase becomes what a person says, more or less of it."""
    before = account(hold(held=40), balance=10)
    more = placed(before, hold(held=70), 1.0)
    assert (amount(before, 1.0), amount(more, 1.0), amount(placed(more, hold(held=40), 1.0), 1.0)) == (70, 40, 70)
    full = account(*(hold(f"p{number}", 1, 1, made_at=number) for number in range(MOST_PURCHASES)), balance=10)
    assert placed(full, hold("late"), 1.0) == full
