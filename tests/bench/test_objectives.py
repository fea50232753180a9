"""Objectives of the load test: each can be met and missed, and a mistake in their file is told by its path."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.traffic.admissions import buckets
from bench.traffic.logbook import Entry
from bench.traffic.objective import MEASURES, Objective, read_objectives
from bench.traffic.result import Result
from ratelimit.core.errors import ConfigError
from ratelimit.service.policy_source import make_policy, read_policy

BENCH = Path(__file__).parents[2] / "bench"
POLICY = make_policy(
    b"""
version: 1
limits:
  - {name: key, per: [api_key], bucket: {capacity: 10, refill: 1/s}}
  - {name: image, per: [ip], match: {path: ["/image*"]}, bucket: {capacity: 2, refill: 1/s}}
  - {name: tried, per: [ip], bucket: {capacity: 1, refill: 1/s}, mode: shadow}
""",
    "policy",
)


def entry(kind: str, sent_s: float, took_ms: float, decision: str | None = "allow", reason: str | None = "ok") -> Entry:
    """A request of cost 1 for /search, of the key of its kind, from the one address."""
    sent = round(sent_s * 1e6)
    return Entry(kind, "search", kind, "10.0.0.1", "GET", "/search", 1, sent, sent + round(took_ms * 1e3), decision, reason, None)


# ten seconds: a person every tenth of a second, answered in 1 to 98 ms; one is refused without the store, one gets no answer; and a flood
PEOPLE = [entry("person", i / 10, i + 1) for i in range(98)]
PEOPLE += [entry("office", 9.8, 99, "throttle", "store_unavailable"), replace(entry("mobile", 9.9, 100, None, None), flaw="no answer")]
FLOOD = [entry("flood", 1 + i / 100, 10) for i in range(10)] + [entry("flood", 2, 200, "throttle", "rate_exceeded")] * 30
RESULT = Result(PEOPLE + FLOOD, buckets(PEOPLE + FLOOD, POLICY))


@pytest.mark.parametrize(
    ("measure", "of", "measured"),
    [
        ("p50_ms", "honest", 50),
        ("p95_ms", "honest", 95),
        ("p99_ms", "honest", 99),
        ("p99_ms", "flood", 200),
        ("p99_ms", "all", 200),
        ("requests_per_s", "all", 14),
        ("requests_per_s", "flood", 4),
        ("error_share", "honest", 0.01),
        ("error_share", "flood", 0),
        ("refused_share", "honest", 1 / 99),
        ("refused_share", "flood", 0.75),
        ("unavailable_share", "office", 1),
        ("unavailable_share", "flood", 0),
        ("over_admission", "all", 98 - 10 - 9.797),  # of the person's key; its last answer came after 9.798 s
        ("limit_used", "all", 98 / 19.798),
    ],
)
def test_what_is_measured(measure: str, of: str, measured: float) -> None:
    """Each measure is what it says, met by a bound at it and missed by one a little beyond."""
    found = RESULT.measured(Objective(measure, of))
    assert found == pytest.approx(measured, rel=1e-3)
    assert found is not None
    assert Objective(measure, of, at_most=found).met(found)
    assert Objective(measure, of, at_least=found).met(found)
    assert not Objective(measure, of, at_most=found - 0.001).met(found)
    assert not Objective(measure, of, at_least=found + 0.001).met(found)


def test_rows_are_of_callers_and_pages() -> None:
    """A row is of one kind of caller and one page; then come the honest, and all."""
    lines = [*FLOOD[:3], PEOPLE[0], replace(PEOPLE[1], page="image")]
    rows = {who: row.requests for who, row in Result(lines, []).rows().items()}
    assert rows == {("flood", "search"): 3, ("person", "image"): 1, ("person", "search"): 1, ("honest", ""): 2, ("all", ""): 5}


def test_room_to_spare_is_no_over_admission() -> None:
    """Where no window was full nothing was over, rather than less than nothing; by bucket and by limit."""
    result = Result(PEOPLE[:2], buckets(PEOPLE[:2], POLICY))
    assert result.measured(Objective("over_admission", at_most=0)) == 0
    assert [(row.limit, row.buckets, row.admitted, row.over_admission) for row in result.limits()] == [("key", 1, 2, 0)]


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_measured_is_missed(measure: str) -> None:
    """A test in which nobody came meets no objective."""
    nothing = Result([], [])
    (verdict,) = nothing.verdicts([Objective(measure, at_least=0)])
    assert not verdict.met
    (verdict,) = nothing.verdicts([Objective(measure, at_most=1e9)])
    assert not verdict.met


def test_buckets_are_those_that_the_policy_describes() -> None:
    """A request counts in each enforced limit that it meets, by the subject of that limit; refusals and shadow limits do not count."""
    lines = [
        entry("person", 0, 1),
        replace(entry("office", 0, 1), path="/image/1", cost=3),
        entry("flood", 0, 1, "throttle", "rate_exceeded"),
    ]
    found = {(bucket.limit, bucket.subject): (bucket.admitted, bucket.over > 0) for bucket in buckets(lines, POLICY)}
    assert found == {("key", "api_key:person"): (1, False), ("key", "api_key:office"): (3, False), ("image", "ip:10.0.0.1"): (3, True)}


def test_a_clock_that_was_set_accuses_nobody() -> None:
    """By as much as the machine's clock was set meanwhile, a store may have counted on."""
    lines = [replace(entry("person", 0, 1), cost=10), entry("person", 0.5, 1)]
    assert max(bucket.over for bucket in buckets(lines, POLICY)) > 0
    assert max(bucket.over for bucket in buckets(lines, POLICY, clock_moved_us=-600_000)) <= 0


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("objectives: [{measure: p98_ms, at_most: 1}]", ["$.objectives[0].measure: 'p98_ms' is not allowed; expected one of p50_ms"]),
        ("objectives: [{measure: p99_ms, of: persons, at_most: 1}]", ["$.objectives[0].of: 'persons' is not allowed; expected one of all"]),
        ("objectives: [{measure: p99_ms, at_most: fast}]", ["$.objectives[0].at_most: Expected `float | null`, got `str`"]),
        ("objectives: [{measure: p99_ms, most: 3}]", ["$.objectives[0]: Object contains unknown field `most`"]),
        ("objectives: [{measure: p99_ms}]", ["$.objectives[0]: has no bound; expected at_most or at_least"]),
        ("objectives: [{measure: p99_ms, at_most: 1, at_least: 0}]", ["$.objectives[0]: has at_most and at_least; expected"]),
        ("objectives: [{measure: error_share, at_most: 5}]", ["$.objectives[0].at_most: 5 is not allowed; expected a number from 0 to 1"]),
        ("objectives: [{measure: p99_ms, at_most: -1}]", ["$.objectives[0].at_most: -1 is not allowed; expected a number >= 0"]),
        ("objectives: [{measure: p99_ms, at_most: .nan}]", ["$.objectives[0].at_most: nan is not allowed"]),
        ("objectives: [{measure: limit_used, of: flood, at_least: 1}]", ["$.objectives[0].of: limit_used is of buckets"]),
        (
            "objectives: [{measure: p99_ms}, {at_most: 1}]",
            ["$.objectives[0]: has no bound", "$.objectives[1]: Object missing required field `measure`"],
        ),
        ("objectives: []", ["$: a mapping is not allowed; expected a mapping with objectives, a list of at least one"]),
        ("- p99_ms", ["$: a list is not allowed; expected a mapping with objectives"]),
        ("objectives: [", ["cannot be read (while parsing"]),
    ],
)
def test_mistakes_are_told_by_their_path(tmp_path: Path, text: str, problems: list[str]) -> None:
    """Every mistake of the file is a line with file, path, and what was expected."""
    path = tmp_path / "objectives.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_objectives(path)
    assert len(caught.value.problems) == len(problems)
    for found, expected in zip(caught.value.problems, problems, strict=True):
        assert found.startswith(f"{path}: {expected}")


def test_a_near_miss_is_guessed(tmp_path: Path) -> None:
    """A measure that is almost one is told which."""
    path = tmp_path / "objectives.yaml"
    path.write_text("objectives: [{measure: error_shar, at_most: 0}]", encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean 'error_share'"):
        read_objectives(path)


def test_what_is_shipped_can_be_read_and_forbids_over_admission() -> None:
    """The shipped objectives are valid and allow no token too many; every limit of the shipped policy refuses rather than guess."""
    objectives = read_objectives(BENCH / "objectives.yaml")
    assert Objective("over_admission", at_most=0) in objectives
    assert {limit.on_store_failure for limit in read_policy(BENCH / "load-policy.yaml").limits} == {"deny"}
