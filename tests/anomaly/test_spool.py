"""Rows of signals on disk."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.anomaly.spool import Spool, Trail, thinned
from ratelimit.core.signals import SIGNALS

WIDTH = len(SIGNALS)


def row(value: float) -> np.ndarray:
    return np.full((1, WIDTH), value)


def test_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    """A store that answers in another order gives the same trail."""
    told = [("b", None, 7, 1.0), ("a", "free", 7, 2.0), ("a", "pro", 5, 3.0), ("c", None, 6, np.nan)]
    found = []
    for name, order in (("one", told), ("other", told[::-1])):
        (tmp_path / name).mkdir()
        with Spool(tmp_path / name) as spool:
            for subject, plan, tick, value in order:
                spool.add("account", [subject], [plan], [tick], row(value))
            found.append(spool.trail("account"))
            assert not len(spool.trail("ip"))
    for trail in found:
        assert trail.subjects == ("a", "b", "c")
        assert trail.tick.tolist() == [5, 6, 7, 7]
        assert [trail.subjects[number] for number in trail.subject] == ["a", "c", "a", "b"]
        assert [trail.plans[number] for number in trail.plan] == ["pro", None, "free", None]
        np.testing.assert_array_equal(trail.rows(slice(None))[:, 0], [3.0, np.nan, 2.0, 1.0])


def test_chunks_are_all_rows(tmp_path: Path) -> None:
    """Read in parts or at once, rows are the same, and as float32 keeps them."""
    rows = np.random.default_rng(1).random((40_000, WIDTH))
    with Spool(tmp_path) as spool:
        spool.add("ip", [b"\x7f\x00\x00\x01"] * len(rows), [None] * len(rows), list(range(len(rows))), rows)
        trail = spool.trail("ip")
    whole = np.empty(rows.shape)
    parts = 0
    for part, found in trail.chunks():
        whole[part] = found
        parts += 1
    assert parts > 1
    np.testing.assert_array_equal(whole, rows.astype(np.float32))


def bare(subject: list[int], tick: list[int]) -> Trail:
    """A trail whose rows say nothing."""
    order = np.lexsort((subject, tick))
    who, when = np.array(subject, np.int32)[order], np.array(tick, np.int64)[order]
    return Trail("ip", tuple(map(str, range(9))), (None,), who, np.zeros_like(who), when, order, np.empty((len(who), WIDTH), np.float32))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=80), st.integers(1, 5), st.integers(1, 9))
def test_nobody_has_more_rows_than_allowed(met: list[tuple[int, int]], most_a_day: int, most: int) -> None:
    """Of each subject's day, and of each subject, the most that is allowed is kept, never less where there is more."""
    trail = bare([subject for subject, _ in met], [day * 86_400 for _, day in met])
    chosen = np.arange(len(trail))
    kept = thinned(trail, chosen, 1, most_a_day, most)
    assert (np.diff(kept) > 0).all()
    for subject in range(5):
        days = [min(met.count((subject, day)), most_a_day) for day in range(4)]
        assert (trail.subject[kept] == subject).sum() == min(sum(days), most)
        assert all(((trail.subject[kept] == subject) & (trail.day[kept] == day)).sum() <= most_a_day for day in range(4))
    np.testing.assert_array_equal(kept, thinned(trail, chosen, 1, most_a_day, most))


def test_who_is_kept_is_a_matter_of_chance() -> None:
    """Another seed keeps other rows, so it is not always the first ones."""
    trail = bare([0] * 500, list(range(500)))
    first, second = (thinned(trail, np.arange(500), seed, 50, 50) for seed in (1, 2))
    assert set(first.tolist()) != set(second.tolist())
    assert first.max() > 400
