"""How well two people agree."""

import pytest

from ratelimit.core.agreement import agreement


def pairs(*counts: tuple[str, str, int]) -> list[tuple[str, str]]:
    return [(first, second) for first, second, count in counts for _ in range(count)]


@pytest.mark.parametrize(
    ("found", "agreed", "kappa"),
    [
        (pairs(("y", "y", 20), ("y", "n", 5), ("n", "y", 10), ("n", "n", 15)), 35, 0.4),  # the textbook's
        (pairs(("y", "y", 10), ("n", "n", 10)), 20, 1.0),
        (pairs(("y", "n", 10), ("n", "y", 10)), 0, -1.0),
        (pairs(("y", "y", 25), ("y", "n", 25), ("n", "y", 25), ("n", "n", 25)), 50, 0.0),
    ],
)
def test_kappa(found: list[tuple[str, str]], agreed: int, kappa: float) -> None:
    """Against what chance alone would give."""
    result = agreement(found)
    assert (result.n, result.agreed) == (len(found), agreed)
    assert result.kappa == pytest.approx(kappa)
    assert result.low is not None
    assert result.high is not None
    assert -1 <= result.low <= kappa <= result.high <= 1


@pytest.mark.parametrize("found", [[], pairs(("y", "y", 10))])
def test_it_means_nothing(found: list[tuple[str, str]]) -> None:
    """Of nothing, and where all say the same of all."""
    assert agreement(found).kappa is None


def test_more_is_surer() -> None:
    """The interval is narrower for more pairs."""
    few, many = (agreement(pairs(("y", "y", 8 * n), ("y", "n", n), ("n", "n", 8 * n))) for n in (1, 50))
    assert few.high is not None and few.low is not None and many.high is not None and many.low is not None  # noqa: PT018  for mypy
    assert many.high - many.low < few.high - few.low
