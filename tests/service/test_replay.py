"""Entries through a policy: who is refused, by which limit, and how it is counted."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.units import US_PER_S
from ratelimit.service.policy_source import make_policy
from ratelimit.service.replay import ALWAYS_US, Replay
from ratelimit.service.replay_report import LimitReport, Report
from ratelimit.service.roll import MOST

START_US = 1_671_704_818 * US_PER_S


def policy(*limits: str, head: str = "") -> str:
    return f"version: 1\n{head}\nlimits:\n" + "\n".join(f"  - {{{limit}}}" for limit in limits)


def at(second: float, path: str = "/", *, ip: str = "203.0.113.7", api_key: str | None = None, cost: int = 1) -> Entry:
    return Entry(START_US + round(second * US_PER_S), "GET", path, ip, api_key, cost=cost)


def replayed(text: str, entries: list[Entry], span_us: tuple[int, int] = ALWAYS_US) -> Report:
    run = Replay(make_policy(text.encode(), "policy"), ApiKeys(bytes(32)), span_us)
    run.run(entries)
    return run.report([], top=10)


def limit(report: Report, name: str) -> LimitReport:
    return next(one for one in report.limits if one.name == name)


TWO_A_MINUTE = "name: slow, per: [ip], bucket: {capacity: 2, refill: 2/min}"
WIDE = "name: wide, per: [ip], bucket: {capacity: 3, refill: 1/h}"


def test_counts_what_a_bucket_admits_and_refuses() -> None:
    """Capacity is admitted at once, then one for each that refilled."""
    report = replayed(policy(TWO_A_MINUTE), [at(0), at(0), at(0), at(29), at(30), at(31)])
    found = limit(report, "slow")
    assert (found.seen, found.admitted, found.refused) == (6, 3, 3)
    assert (report.requests.seen, report.requests.admitted, report.requests.refused) == (6, 3, 3)
    assert report.reasons == {"ok": 3, "rate_exceeded": 3}
    assert [(top.subject, top.seen, top.refused) for top in found.top] == [("ip:203.0.113.7", 6, 3)]


def test_a_refused_request_costs_nothing_in_other_limits() -> None:
    """All or nothing: what the one refuses, the other is not charged for."""
    path = "name: path, per: [ip], match: {path: [/only]}, bucket: {capacity: 1, refill: 1/h}"
    report = replayed(policy(WIDE, path), [at(0, "/only"), at(1, "/only"), at(2, "/only"), at(3), at(4), at(5)])
    wide = limit(report, "wide")
    assert (wide.admitted, wide.refused, wide.spared) == (3, 1, 2)
    assert (limit(report, "path").refused, limit(report, "path").also_refused) == (2, 0)


def test_the_limit_with_the_longest_wait_is_named() -> None:
    """Where two refuse, the decision names one, and the other counts as having refused too."""
    report = replayed(policy(TWO_A_MINUTE, "name: day, per: [ip], quota: {amount: 2, every: day}"), [at(0), at(0), at(0)])
    assert (limit(report, "day").refused, limit(report, "day").also_refused) == (1, 0)
    assert (limit(report, "slow").refused, limit(report, "slow").also_refused) == (0, 1)
    assert report.reasons == {"ok": 2, "quota_exhausted": 1}


def test_a_cost_over_capacity_has_its_own_reason() -> None:
    """It never fits, is told so, and leaves the bucket full."""
    report = replayed(policy(TWO_A_MINUTE), [at(0, cost=3), at(0, cost=2), at(0, cost=0)])
    assert report.reasons == {"ok": 2, "cost_exceeds_capacity": 1}


def test_a_shadow_limit_refuses_nobody() -> None:
    """It is charged only where the request passes, and what it would have refused is told apart."""
    shadow = "name: shadow, mode: shadow, per: [ip], bucket: {capacity: 2, refill: 1/h}"
    report = replayed(policy(WIDE, shadow), [at(second) for second in range(5)])
    assert (report.requests.admitted, report.requests.refused) == (3, 2)
    found = limit(report, "shadow")
    assert (found.mode, found.admitted, found.refused, found.spared) == ("shadow", 2, 3, 0)
    assert report.subjects[0].refused == 1


def test_a_shadow_limit_is_not_charged_for_what_others_refuse() -> None:
    """A request that an enforced limit refuses leaves the shadow limit's bucket as it was."""
    path = "name: path, per: [ip], match: {path: [/only]}, bucket: {capacity: 1, refill: 1/h}"
    shadow = "name: shadow, mode: shadow, per: [ip], bucket: {capacity: 2, refill: 1/h}"
    report = replayed(policy(path, shadow), [at(0, "/only"), at(1, "/only"), at(2, "/only"), at(3)])
    found = limit(report, "shadow")
    assert (found.admitted, found.refused, found.spared) == (2, 0, 2)


def test_a_policy_in_shadow_refuses_nobody() -> None:
    """The whole policy's mode holds for every limit."""
    report = replayed(policy(TWO_A_MINUTE, head="mode: shadow"), [at(0)] * 5)
    assert (report.mode, report.requests.refused, limit(report, "slow").refused) == ("shadow", 0, 3)


def test_a_request_without_the_subject_is_skipped_and_counted() -> None:
    """A limit cannot hold for a caller whom it does not know."""
    report = replayed(policy("name: key, per: [api_key], bucket: {capacity: 1, refill: 1/h}"), [at(0), at(0), at(0, api_key="k")])
    assert limit(report, "key").skipped == {"api_key": 2}
    assert (limit(report, "key").seen, report.requests.unlimited, report.requests.refused) == (1, 2, 0)


def test_missing_deny_refuses_a_request_without_the_subject() -> None:
    """Where the policy says so, who is not known is refused."""
    report = replayed(policy("name: key, per: [api_key], missing: deny, bucket: {capacity: 1, refill: 1/h}"), [at(0), at(0, api_key="k")])
    assert (report.requests.admitted, report.requests.refused, limit(report, "key").subjects_refused) == (1, 1, 0)


def test_no_raw_api_key_is_in_the_report() -> None:
    """A key that was refused is named by its digest."""
    report = replayed(policy("name: key, per: [api_key], bucket: {capacity: 1, refill: 1/h}"), [at(0, api_key="sk_live_1")] * 3)
    assert limit(report, "key").top[0].refused == 2
    assert b"sk_live_1" not in msgspec.json.encode(report)


@pytest.mark.parametrize(
    ("ip", "subject"),
    [
        ("203.0.113.7", "ip:203.0.113.7"),
        ("::ffff:203.0.113.7", "ip:203.0.113.7"),
        ("203.0.113.7:4711", "ip:203.0.113.7"),
        ("10.0.0.1", "ip:10.0.0.1"),
        ("198.51.100.9, 203.0.113.7, 10.0.0.1", "ip:203.0.113.7"),
        ("2001:db8::1", "ip:2001:db8::/64"),
    ],
)
def test_the_caller_is_found_as_live(ip: str, subject: str) -> None:
    """Trusted proxies are walked from the right, and an IPv6 caller is its prefix."""
    text = policy("name: one, per: [ip], bucket: {capacity: 1, refill: 1/h}", head="identity: {trusted_proxies: [10.0.0.0/8]}")
    assert [top.subject for top in limit(replayed(text, [at(0, ip=ip)] * 2), "one").top] == [subject]


def test_subjects_are_distinct_over_limits_that_count_alike() -> None:
    """An address that two limits saw is one subject."""
    path = "name: path, per: [ip], match: {path: [/only]}, bucket: {capacity: 1, refill: 1/h}"
    entries = [at(0), at(0, "/only"), at(0, "/only"), at(0, ip="198.51.100.9"), at(0, "/only", ip="198.51.100.10")]
    assert [(one.per, one.seen, one.refused) for one in replayed(policy(WIDE, path), entries).subjects] == [(("ip",), 3, 1)]


def test_of_too_many_subjects_the_number_is_an_estimate() -> None:
    """Beyond what is remembered it is marked as one, while requests and who is refused most are exact."""
    number = MOST + 10
    passing = [at(0, ip=f"10.{one >> 16}.{one >> 8 & 255}.{one & 255}") for one in range(number)]
    report = replayed(policy(TWO_A_MINUTE), [at(0)] * 3 + passing + [at(0)])
    found = limit(report, "slow")
    assert (found.seen, found.admitted, found.refused, found.subjects_refused) == (number + 4, number + 2, 2, 1)
    assert [(top.subject, top.seen, top.refused) for top in found.top] == [("ip:203.0.113.7", 4, 2)]
    assert found.approx
    assert report.subjects[0].approx
    assert found.subjects_seen == report.subjects[0].seen == pytest.approx(number + 1, rel=0.032)


def test_time_stands_still_for_a_late_entry() -> None:
    """An entry older than one before it mints nothing, is asked at that one's time, and is counted."""
    report = replayed(policy(TWO_A_MINUTE), [at(0), at(0), at(30), at(1), at(59), at(60)])
    assert (limit(report, "slow").admitted, limit(report, "slow").refused) == (4, 2)
    assert (report.order.late, report.order.late_over_1s, report.order.worst_late_s) == (1, 1, 29.0)


@pytest.mark.parametrize(("late", "unordered"), [(1, False), (5, True)])
def test_says_when_a_log_is_too_unordered(late: int, unordered: bool) -> None:
    """A few late entries are usual; many make rates meaningless."""
    report = replayed(policy(WIDE), [at(second) for second in range(10, 30)] + [at(0)] * late)
    assert report.order.unordered is unordered


def test_what_is_no_request_is_not_asked() -> None:
    """A connection that never spoke HTTP is counted apart."""
    report = replayed(policy(TWO_A_MINUTE), [at(0)._replace(method="", path="")] * 5 + [at(0)])
    assert (report.requests.no_request, report.requests.seen, report.requests.refused) == (5, 1, 0)


def test_what_happens_to_an_account_is_not_asked() -> None:
    """A login is no request: it charges nothing and is counted apart."""
    report = replayed(policy(TWO_A_MINUTE), [at(0)._replace(method="", path="", kind="login")] * 5 + [at(0)])
    assert (report.requests.life_events, report.requests.no_request, report.requests.seen, report.requests.refused) == (5, 0, 1, 0)


def test_a_span_leaves_out_what_is_before_and_after() -> None:
    """The beginning belongs to it, the end does not."""
    report = replayed(policy(WIDE), [at(0), at(1), at(2), at(3)], (START_US + US_PER_S, START_US + 3 * US_PER_S))
    assert (report.requests.seen, report.requests.outside) == (2, 2)
    assert (report.first, report.last) == ("2022-12-22T10:26:59Z", "2022-12-22T10:27:00Z")


STEPS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["/", "/only"]), st.integers(0, 4)), max_size=80)


@given(STEPS)
def test_counts_add_up_and_never_exceed_the_limit(steps: list[tuple[int, str, int]]) -> None:
    """For any traffic: every request is counted once, and over the whole run no limit admits more than capacity + refill."""
    path = "name: path, per: [ip], match: {path: [/only]}, bucket: {capacity: 2, refill: 6/min}"
    wide = "name: wide, per: [ip], bucket: {capacity: 3, refill: 10/min}"
    entries, second = [], 0
    for step, target, cost in steps:
        second += step
        entries.append(at(second, target, cost=cost))
    report = replayed(policy(wide, path), entries)
    assert report.requests.refused == sum(one.refused for one in report.limits)
    assert sum(report.reasons.values()) == report.requests.seen == len(entries)
    assert limit(report, "wide").seen == len(entries)
    costless = sum(cost == 0 for _, _, cost in steps)
    assert limit(report, "wide").admitted <= costless + 3 + second * 10 / 60
    assert limit(report, "path").admitted <= costless + 2 + second * 6 / 60
