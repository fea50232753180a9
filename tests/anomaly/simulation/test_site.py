"""What the site answers: its incidents hit everybody, callers' own mistakes are theirs."""

import numpy as np
from numpy.random import default_rng

from ratelimit.anomaly.simulation.route import API, asked
from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS
from ratelimit.anomaly.simulation.site import Day, Incident, answer, days

FIRST_MS = 1_772_409_600_000  # a Monday
TIMES = FIRST_MS + np.arange(20_000) * 4_000


def test_an_incident_hits_everybody() -> None:
    """Whoever asks in its time may get a 5xx, outside of it hardly anybody does."""
    incident = Incident(FIRST_MS + HOUR_MS, FIRST_MS + 3 * HOUR_MS, 0.5)
    rows = answer(default_rng(1), asked(default_rng(2), TIMES, API), Day(0, FIRST_MS, 0, (incident,)), 0)
    within = (rows["time_ms"] >= incident.from_ms) & (rows["time_ms"] < incident.until_ms)
    failed = rows["status"] >= 500
    assert 0.45 < failed[within].mean() < 0.55
    assert failed[~within].mean() < 0.01
    assert np.median(rows["latency_ms"][within]) > 2 * np.median(rows["latency_ms"][~within])


def test_the_clumsy_get_4xx() -> None:
    """As large a share as they are clumsy, and small answers."""
    rows = answer(default_rng(1), asked(default_rng(2), TIMES, API), Day(0, FIRST_MS, 0), 0.2)
    wrong = (rows["status"] >= 400) & (rows["status"] < 500)
    assert 0.18 < wrong.mean() < 0.22
    assert rows["bytes"][wrong].max() < rows["bytes"][~wrong].max()
    assert set(np.unique(rows["status"])) <= {200, 202, 400, 401, 404, 422, 500, 502, 503, 504}


def test_a_day_is_the_same_in_a_longer_time() -> None:
    """Incidents do not depend on how many days there are, and weekdays are the calendar's."""
    assert days(1, FIRST_MS, 30)[:9] == days(1, FIRST_MS, 9)
    assert days(1, FIRST_MS, 30) != days(2, FIRST_MS, 30)
    assert [day.weekday for day in days(1, FIRST_MS, 8)] == [0, 1, 2, 3, 4, 5, 6, 0]
    assert any(day.incidents for day in days(1, FIRST_MS, 60))
    assert all(
        day.start_ms <= one.from_ms < one.until_ms <= day.start_ms + DAY_MS for day in days(1, FIRST_MS, 60) for one in day.incidents
    )
