"""Where the parts of a chart stand."""

import pytest

from ratelimit.cli.chart import BOTTOM, LEFT, RIGHT, TOP, duration, stacked


def test_bars_stand_on_the_axis_and_are_as_high_as_their_counts() -> None:
    """Refused stands on admitted, together they are what was seen, and a span without requests has no bar."""
    chart = stacked("2026-01-01T00:00:00Z", 60, [10, 0, 5], [4, 0, 0])
    first, last = chart.bars
    assert first.admitted_y + first.admitted_height == BOTTOM
    assert first.refused_y + first.refused_height == first.admitted_y
    assert first.refused_height / first.admitted_height == pytest.approx(4 / 6, rel=0.01)
    assert last.admitted_height / (first.admitted_height + first.refused_height) == pytest.approx(5 / 10, rel=0.01)
    assert last.refused_height == 0
    assert (first.x, round(last.x + last.width)) == (LEFT, RIGHT - 1)
    assert first.title == "2026-01-01 00:00:00 UTC, 1 min: 6 admitted, 4 refused"


def test_what_is_not_nothing_is_seen() -> None:
    """One refused among a million is still a line."""
    assert stacked("2026-01-01T00:00:00Z", 60, [1_000_000], [1]).bars[0].refused_height >= 1


@pytest.mark.parametrize("most", [1, 2, 6, 9, 10, 11, 99, 101, 7_777, 123_456])
def test_ticks_are_round_and_reach_over_the_highest_bar(most: int) -> None:
    """From 0, at most five steps, the last not below what is shown."""
    ticks = stacked("2026-01-01T00:00:00Z", 60, [most], [0]).y_ticks
    values = [int(tick.label.replace(",", "")) for tick in ticks]
    assert values[0] == 0
    assert most <= values[-1] < most + values[1]
    assert len(values) <= 6
    assert str(values[1]).strip("0") in {"1", "2", "5"}
    assert (ticks[0].at, ticks[-1].at) == (BOTTOM, TOP)


@pytest.mark.parametrize(
    ("span_s", "spans", "labels"),
    [
        (1, 20, ["23:59:55", "Jan 1", "00:00:05", "00:00:10"]),
        (600, 144, ["Jan 1", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]),
        (86_400, 3, ["Jan 1", "12:00", "Jan 2", "12:00", "Jan 3"]),
        (604_800, 100, ["2026-01-22", "2026-04-23", "2026-07-23"]),
        (604_800 * 4_096, 2, []),
    ],
)
def test_times_are_written_as_wide_as_they_need(span_s: int, spans: int, labels: list[str]) -> None:
    """Seconds, minutes, days or dates, a few of them, at round times."""
    ticks = stacked("2025-12-31T23:59:55Z", span_s, [1] * spans, [0] * spans).x_ticks
    assert len(ticks) <= 9
    assert all(LEFT <= tick.at <= RIGHT for tick in ticks)
    if labels:
        assert [tick.label for tick in ticks][: len(labels)] == labels


@pytest.mark.parametrize(("span_s", "text"), [(1, "1 s"), (30, "30 s"), (300, "5 min"), (10_800, "3 h"), (86_400, "1 d"), (604_800, "7 d")])
def test_a_duration_is_written_in_its_largest_unit(span_s: int, text: str) -> None:
    """Whole units only."""
    assert duration(span_s) == text
