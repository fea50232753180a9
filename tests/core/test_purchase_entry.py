"""The book's entry of a purchase: what is written is read again, and calls are as the script's header has them."""

from struct import unpack

from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from ratelimit.core.purchase_entry import KEPT_S, MOST_ATTEMPTS, Attempt, Fact, PurchaseEntry, read, reading, writing

ATTEMPT = Attempt(1, 1.5, b"digest", b'{"id":"x-1"}', "purchase", "a1", 4_900, "EUR", 1_000, {"card": "rl1:v:c"}, ("rl1:t:site",))
FACT = Fact(1_790_000_000, "evt_1", "charge.failed", "ch_1", 1, {"code": "declined", "amount": 4_900, "paid": False, "x": None}, 2.5)


def attempt(number: int) -> Attempt:
    return Attempt(number, float(number), b"", b"", "purchase", "a1", 0, "", 0, {}, ())


def test_reading_is_a_head_alone() -> None:
    """It gives no time to keep and no entry."""
    assert reading("k") == ("book", "k", bytes(8))


def test_writing_is_a_head_and_the_entry() -> None:
    """How long it is kept, which version was read, and all but that as it will be read."""
    entry = PurchaseEntry("p1", (ATTEMPT,), {"charge.failed:ch_1": FACT}, version=7)
    script, key, argument = writing("k", entry)
    assert (script, key, unpack("<II", argument[:8])) == ("book", "k", (KEPT_S, 7))
    assert read("p1", b"\x09\0\0\0" + argument[8:]) == PurchaseEntry("p1", (ATTEMPT,), {"charge.failed:ch_1": FACT}, version=9)


def test_nothing_is_an_empty_entry() -> None:
    """A purchase that the book does not know has no attempt, and a version that only a new one has."""
    assert read("p1", b"") == PurchaseEntry("p1")


def test_an_older_entry_is_read() -> None:
    """What was written before a field was added has its default."""
    written = msgpack.encode(["p1", [msgpack.decode(msgpack.encode(ATTEMPT))]])
    assert read("p1", b"\x01\0\0\0" + written) == PurchaseEntry("p1", (ATTEMPT,), {}, 1)


def test_attempts_are_found() -> None:
    """By their number; one that was not made is not there."""
    entry = PurchaseEntry("p1").with_attempt(attempt(3)).with_attempt(attempt(1))
    assert entry.find(1) == attempt(1)
    assert entry.find(2) is None


@given(st.integers(1, 3 * MOST_ATTEMPTS))
def test_the_first_of_very_many_are_forgotten(count: int) -> None:
    """The latest stay, in their order."""
    entry = PurchaseEntry("p1")
    for number in range(count):
        entry = entry.with_attempt(attempt(number))
    assert [one.attempt for one in entry.attempts] == list(range(count))[-MOST_ATTEMPTS:]
