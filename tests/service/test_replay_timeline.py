"""Requests over time, in spans that grow with the log."""

from datetime import datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.units import US_PER_S
from ratelimit.service.replay_timeline import MOST_SPANS, Timeline

START_S = 1_671_704_818
YEAR_1_S = -62_135_596_800
STEPS_S = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 59, 3_600, 86_400, 40_000_000]), st.booleans(), st.booleans()), min_size=1, max_size=300
)


@given(STEPS_S)
def test_every_request_is_in_its_span(steps: list[tuple[int, bool, bool]]) -> None:
    """Whatever the pace, the report counts as a second look at the same requests does, in a bounded number of spans."""
    timeline = Timeline()
    times_s = [START_S + after for after in accumulate(step for step, _, _ in steps)]
    for time_s, (_, refused, against) in zip(times_s, steps, strict=True):
        timeline.note(time_s * US_PER_S + 17, refused, against)
    report = timeline.report(against=True)
    assert report is not None
    assert len(report.seen) <= MOST_SPANS + 1
    start_s = int(datetime.fromisoformat(report.start).timestamp())
    seen, by_first, by_second = ([0] * len(report.seen) for _ in range(3))
    for time_s, (_, refused, against) in zip(times_s, steps, strict=True):
        seen[(time_s - start_s) // report.span_s] += 1
        by_first[(time_s - start_s) // report.span_s] += refused
        by_second[(time_s - start_s) // report.span_s] += against
    assert (report.seen, report.refused, report.refused_against) == (seen, by_first, by_second)


@pytest.mark.parametrize(
    ("length", "span_s"), [(240, 1), (1_200, 5), (1_201, 10), (86_400, 600), (7 * 86_400, 3_600), (8_760 * 3_600, 604_800)]
)
def test_spans_fit_the_log(length: int, span_s: int) -> None:
    """A span is as short as it can be for a chart, and round."""
    timeline = Timeline()
    for at in (0, length - 1):
        timeline.note((START_S - START_S % 604_800 + at) * US_PER_S, refused=False)
    report = timeline.report(against=False)
    assert report is not None
    assert (report.span_s, report.refused_against) == (span_s, None)


def test_a_clock_that_was_never_set_is_no_mistake_of_ours() -> None:
    """From the first year of the calendar to the last there are spans too."""
    timeline = Timeline()
    timeline.note(YEAR_1_S * US_PER_S, refused=False)
    timeline.note((YEAR_1_S + int(timedelta(days=9_998 * 365).total_seconds())) * US_PER_S, refused=True)
    report = timeline.report(against=False)
    assert report is not None
    assert (sum(report.seen), report.start) == (2, "0001-01-01T00:00:00Z")


def test_without_requests_there_is_no_timeline() -> None:
    """Nothing seen is nothing to draw."""
    assert Timeline().report(against=False) is None
