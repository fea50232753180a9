"""Callers come as a load says: the same few, many of whom a few ask for most, or each once."""

from collections import Counter
from pathlib import Path

import pytest

from bench.callers import HOT, order, order_file, zipf


def test_hot_are_few_and_come_in_turn() -> None:
    """Hot callers come one after the other."""
    assert order("hot") == list(range(1, HOT + 1))


@pytest.mark.parametrize(("exponent", "times"), [(0.0, 1.0), (1.0, 10.0), (2.0, 100.0)])
def test_zipf_falls_as_the_exponent_says(exponent: float, times: float) -> None:
    """The tenth caller asks 10^exponent times less than the first."""
    seen = Counter(zipf(100, exponent, 200_000))
    assert seen[1] / seen[10] == pytest.approx(times, rel=0.15)
    assert set(seen) <= set(range(1, 101))


def test_zipf_is_drawn_the_same_each_time() -> None:
    """Two runs send the same callers."""
    assert zipf(50, 1.0, 100) == zipf(50, 1.0, 100)


def test_order_file_has_a_number_a_line(tmp_path: Path) -> None:
    """The generator reads the order from a file; who comes once needs none."""
    path = order_file(tmp_path, "hot")
    assert path is not None
    assert [int(line) for line in path.read_text().splitlines()] == order("hot")
    assert order_file(tmp_path, "once") is None
