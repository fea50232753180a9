"""Rows as text: what is written is what is meant."""

import json

import numpy as np
import pytest
from numpy.random import default_rng

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.honest import mobile, newcomer
from ratelimit.anomaly.simulation.member import Charge, Span, caller
from ratelimit.anomaly.simulation.person import login
from ratelimit.anomaly.simulation.row import DAY_MS, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import days
from ratelimit.anomaly.simulation.text import address_text, entries, instant, label_fields, lines
from ratelimit.core.ndjson_log import NdjsonLog

FIRST_MS = 1_772_409_600_000
SPAN = Span(FIRST_MS, FIRST_MS + 6 * DAY_MS)


def some_rows() -> Rows:
    members = [join(default_rng(seed), SPAN) for join in (mobile.join, newcomer.join) for seed in range(5)]
    return in_order(joined([member.uses(day, default_rng(9)) for member in members for day in days(1, FIRST_MS, 6)]))


def test_a_line_says_what_the_entry_says() -> None:
    """Entries made without a log are those that the log's reader makes of its lines."""
    rows = some_rows()
    parse = NdjsonLog()
    read = [parse(line.encode()) for line in lines(rows)]
    assert {entry.kind for entry in read} >= {"request", "signup", "key_created"}
    assert [entry._replace(latency_ms=0) for entry in read] == [entry._replace(latency_ms=0) for entry in entries(rows)]
    assert all(abs(one.latency_ms - other.latency_ms) <= 0.051 for one, other in zip(read, entries(rows), strict=True))


@pytest.mark.parametrize(
    ("high", "low", "text"),
    [(0, 0xCB007107, "203.0.113.7"), (0x20010DB8_00000000, 1, "2001:db8::1"), (0x20010DB8_00010002, 1 << 63, "2001:db8:1:2:8000::")],
)
def test_addresses(high: int, low: int, text: str) -> None:
    """IPv4 is the low half alone."""
    assert address_text(high, low) == text


def test_instants_are_exact() -> None:
    """To the millisecond, in UTC."""
    assert instant(1_772_409_600_007) == "2026-03-02T00:00:00.007Z"


def test_a_client_without_a_name_has_none() -> None:
    """Nobody is called by an empty string."""
    rows = login(np.array([FIRST_MS]), np.array([True]), 7)
    assert [json.loads(line).keys() & {"user_agent", "api_key", "account"} for line in lines(rows)] == [set(), {"account"}]
    rows["agent"] = agent.DESKTOP[0]
    assert all("user_agent" in json.loads(line) for line in lines(rows))


def test_labels_say_whom_as_the_log_does() -> None:
    """The key and the account of a label are written as in a line."""
    who = caller(default_rng(1))
    rows = some_rows()[:1]
    rows["key"], rows["account"], _ = who
    (line,) = map(json.loads, lines(rows))
    labels = Charge("flood", False, FIRST_MS, FIRST_MS + 1, FIRST_MS + 2).of_caller(who)
    assert [label_fields(label)["value"] for label in labels] == [line["api_key"], line["account"]]
    assert {label_fields(label)["known_at"] for label in labels} == {"2026-03-02T00:00:00.002Z"}
