"""Numbers of different things, estimated in bounded memory."""

import pytest

from ratelimit.service.sketch import KEPT, Sketch, digest


def sketch(*ranges: range) -> Sketch:
    made = Sketch()
    for numbers in ranges:
        made.add(digest(f"subject {number}") for number in numbers)
    return made


@pytest.mark.parametrize("number", [0, 1, 1_000, KEPT - 1])
def test_few_are_counted_exactly(number: int) -> None:
    """Below what is kept there is nothing to estimate, and who comes twice counts once."""
    assert sketch(range(number), range(number)).number == number


@pytest.mark.parametrize("number", [KEPT, 50_000, 200_000])
def test_many_are_estimated(number: int) -> None:
    """Within four standard errors, in however many parts they came, and no more is kept than was said."""
    made = sketch(range(0, number, 2), range(1, number, 2), range(number // 3))
    assert made.number == pytest.approx(number, rel=0.032)
    assert len(made.smallest) == KEPT


def test_a_digest_is_the_same_in_every_run() -> None:
    """It does not depend on Python's salt, and tells texts, bytes and tuples apart."""
    assert digest("a") == 11494053157100649449
    assert len({digest(thing) for thing in ("a", b"a", ("a",), ("a", b"a"), "('a',)", "\ud800")}) == 6
