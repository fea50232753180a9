"""The timeline's geometry."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.console.timeline import LEFT, NOW, Mark, Timeline, timeline
from ratelimit.ledger.evidence import Bin

AT = 1_795_527_127.0  # Tue 24 Nov 2026, 14:32:07 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600.0


def drawn(*marks: Mark, bins: tuple[Bin, ...] = (), addresses: dict[int, int] | None = None) -> Timeline:
    return timeline(now=AT, zone=BERLIN, bins=bins, addresses=addresses or {}, marks=marks)


def test_bars_stand_upon_one_another() -> None:
    """What was allowed is below, what was blocked on top, and the highest bar takes the whole lane."""
    found = drawn(bins=(Bin(191, "block", 30.0), Bin(191, "allow", 60.0), Bin(191, "throttle", 10.0), Bin(0, "allow", 1.0)))
    last = [box for box in found.boxes if box.x > NOW - 10]
    assert [box.decision for box in last] == ["allow", "throttle", "block"]
    assert sum(box.height for box in last) == pytest.approx(66, abs=0.3)
    assert last[1].y + last[1].height == pytest.approx(last[0].y, abs=0.2)
    assert found.top == 100.0


def test_least_bar() -> None:
    """One request among thousands is still there to be seen."""
    found = drawn(bins=(Bin(0, "allow", 1.0), Bin(1, "allow", 100_000.0)))
    assert found.boxes[0].height >= 0.6


def test_steps_outside() -> None:
    """What is no step of the span is not drawn."""
    assert drawn(bins=(Bin(-1, "allow", 5.0), Bin(192, "allow", 5.0))).boxes == ()


def test_days_and_hours() -> None:
    """Midnights of the zone are marked as days, every sixth hour as a time; none hides `now`."""
    ticks = drawn().ticks
    assert [tick.words for tick in ticks if tick.day] == ["Mon 23 Nov", "Tue 24 Nov"]
    assert [tick.words for tick in ticks if not tick.day] == ["18:00", "06:00", "12:00", "18:00", "06:00", "12:00"]


def test_thirty_days() -> None:
    """A longer span is marked by days, five apart, and its steps are longer."""
    found = timeline(now=AT, zone=BERLIN, bins=(Bin(191, "allow", 3.0),), addresses={}, marks=(), span_s=30 * 86_400.0)
    assert 5 <= len(found.ticks) <= 6
    assert all(tick.day for tick in found.ticks)
    assert found.boxes[0].x == pytest.approx(NOW - (NOW - LEFT) / 192, abs=0.1)


def test_an_hour_that_comes_twice() -> None:
    """Around the change of the clock all six-hour marks are there once."""
    autumn = timeline(now=1_793_000_000.0, zone=BERLIN, bins=(), addresses={}, marks=())
    assert [a.x < b.x for a, b in pairwise(autumn.ticks)] == [True] * (len(autumn.ticks) - 1)


def test_what_lasts_reaches_past_now() -> None:
    """A bar goes on to its end, and where it has none to the edge; one that has ended before the span is not there."""
    until = drawn(Mark("decisions", AT - HOUR, "block", decision="block", until=AT + HOUR, lasts=True)).marks[0].bar
    without = drawn(Mark("decisions", AT - HOUR, "block", decision="block", lasts=True)).marks[0].bar
    assert until is not None
    assert without is not None
    assert NOW < until[1] < without[1] == 926.0
    assert drawn(Mark("decisions", AT - 99 * HOUR, "block", until=AT - 60 * HOUR, lasts=True)).marks == ()


def test_old_but_standing() -> None:
    """What began before the span and still stands begins at its edge."""
    (mark,) = drawn(Mark("decisions", AT - 99 * HOUR, "block", decision="block", until=AT + HOUR, lasts=True)).marks
    assert mark.x == LEFT


def test_close_marks_are_one() -> None:
    """The same mark many times within minutes is one with a number; different ones stand side by side."""
    logins = [Mark("logins", AT - HOUR - second, "account") for second in range(40)]
    (one,) = drawn(*logins).marks
    assert one.count == 40
    first, second = drawn(Mark("purchases", AT - HOUR, "cross"), Mark("purchases", AT - HOUR + 1, "card")).marks
    assert second.x - first.x == 17


def test_words_where_there_is_room() -> None:
    """Words stand right of a mark, left of it where the edge is near, and nowhere rather than over others."""
    right, left = drawn(Mark("case", AT - 40 * HOUR, "flag", "opened"), Mark("case", AT, "note", "a rather long line of words")).marks
    assert (right.side, left.side) == ("right", "left")
    crowded = [Mark("case", AT - hour * HOUR, "flag", "words that are long " * 3) for hour in range(1, 47)]
    assert sum(1 for one in drawn(*crowded).marks if one.side) <= 2


@given(st.lists(st.tuples(st.floats(0, 48), st.text("abc ", max_size=30)), max_size=30))
def test_words_never_overlap(found: list[tuple[float, str]]) -> None:
    """Words of one lane never stand upon others, nor left of the axis."""
    marks = drawn(*(Mark("case", AT - hours * HOUR, "flag", words) for hours, words in found)).marks
    spans = []
    for one in marks:
        if one.side:
            width = len(one.mark.words) * 6.0
            spans.append((one.words_x, one.words_x + width) if one.side == "right" else (one.words_x - width, one.words_x))
    spans.sort()
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(begin >= LEFT for begin, _ in spans)


def test_rising() -> None:
    """Since when there are more addresses than usual is marked where there are many more now."""
    quiet = dict.fromkeys(range(48), 3)
    assert drawn(addresses=quiet).rising is None
    found = drawn(addresses={**quiet, **{step: 3 + 20 * (step - 39) for step in range(40, 48)}}).rising
    assert found is not None
    assert found[1] == AT - 8 * HOUR


def test_nothing() -> None:
    """Without anything there is an axis, and no division by zero."""
    found = drawn()
    assert (found.boxes, found.marks, found.top, found.most, found.rising) == ((), (), 0.0, 0, None)
    assert found.line.startswith("M124.0 126")
