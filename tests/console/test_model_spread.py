"""The plot of how a signal is spread."""

import pytest

from ratelimit.console.model_spread import spread_chart
from ratelimit.review.model_drift import Distribution


def distribution(cuts: list[float], usual: list[float], seen: list[float], signal: str = "paths") -> Distribution:
    return Distribution(signal, 0.31, cuts, usual, seen)


def test_bins_that_nothing_can_be_in() -> None:
    """Between two equal cuts there is nothing, so there is no column; what is missing has one only where something is."""
    cuts = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0, 20.0]
    chart = spread_chart(
        distribution(cuts, [0.7, 0, 0, 0, 0, 0, 0, 0.1, 0.1, 0.1, 0], [0.4, 0, 0, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0]), "ip", 0.25
    )
    assert [line.values for line in chart.lines] == ["at most 0", "0–5", "5–20", "over 20"]
    assert [line.seen.replace("\u00a0", " ") for line in chart.lines] == ["40 %", "10 %", "20 %", "30 %"]
    assert (chart.title, chart.strong, chart.top.replace("\u00a0", " ")) == ("Different paths in 2 h", True, "80 %")
    assert chart.columns[0].usual_y < chart.columns[0].y  # there were more of them
    assert [words for _, words in chart.marks] == ["0", "5", "20"]


def test_missing() -> None:
    """What is not known is the last column."""
    chart = spread_chart(distribution([1.0] * 9, [0.5] + [0.0] * 8 + [0.3, 0.2], [0.5] + [0.0] * 8 + [0.1, 0.4], "risk"), "ip", 0.5)
    assert chart.lines[-1].values == "not known"
    assert (chart.title, chart.strong) == ("Risk", False)


@pytest.mark.parametrize("top", [0.05, 0.35, 1.0])
def test_columns_stay_in_the_plot(top: float) -> None:
    """No column is higher than the scale, whose end is printed."""
    rest = (1 - top) / 9
    chart = spread_chart(distribution([float(n) for n in range(9)], [0.1] * 10 + [0], [top] + [rest] * 9 + [0]), "ip", 0.25)
    assert all(one.y >= 12 and one.y + one.height <= 90.1 for one in chart.columns)
