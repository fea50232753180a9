"""What lines of a purchase log tell, in the order in which it became known."""

from ratelimit.cli.purchase_past import in_order
from ratelimit.core.purchase_event import Bought, Confirmed, Ended
from tests.core.purchases import purchase


def test_nothing_is_told_before_it_was_known() -> None:
    """An end comes between the attempts that it lay between; what became known after the last attempt is never told."""
    first, second, third = (Bought(at, purchase(id=f"p{at}")) for at in (0.0, 10.0, 20.0))
    soon, late, never = Ended(2.0, "p0", 1, "failed"), Confirmed(15.0, "p0", 1, "fraud"), Confirmed(30.0, "p1", 1, "fraud")
    assert list(in_order([[first, soon, late], [second, never], [third]])) == [first, soon, second, late, third]


def test_what_is_known_at_the_time_of_an_attempt_comes_before_it() -> None:
    """To the second."""
    first, second = (Bought(at, purchase(id=f"p{at}")) for at in (0.0, 10.0))
    end = Ended(10.0, "p0", 1, "succeeded")
    assert list(in_order([[first, end], [second]])) == [first, end, second]
