"""The precedence table: every row, and what each row beats."""

from itertools import combinations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.decision import ALLOWED, PRECEDENCE, Reason, Row, Source, Verdict, decide

FINDINGS = [(row.source, row.verdict) for row in PRECEDENCE]


def test_table_is_the_documented_one() -> None:
    """The order is the one that the policy's documentation gives."""
    assert [f"{row.source} {row.verdict}" for row in PRECEDENCE] == [
        "override block",
        "override allow",
        "list block",
        "list allow",
        "rule block",
        "risk block",
        "limit throttle",
        "override throttle",
        "rule throttle",
        "risk throttle",
    ]


@pytest.mark.parametrize("row", PRECEDENCE, ids=lambda row: f"{row.source}-{row.verdict}")
def test_row_alone(row: Row) -> None:
    """Each row decides where nothing else is found."""
    assert decide([(row.source, row.verdict)]) == row


@pytest.mark.parametrize(
    ("findings", "reason"),
    [
        ([("override", "block"), ("override", "allow"), ("list", "allow")], "override_block"),
        ([("override", "allow"), ("list", "block"), ("rule", "block"), ("risk", "block")], "override_allow"),
        ([("list", "block"), ("list", "allow")], "deny_listed"),
        ([("list", "allow"), ("rule", "block"), ("risk", "throttle")], "allow_listed"),
        ([("rule", "block"), ("risk", "block"), ("limit", "throttle")], "rule_matched"),
        ([("risk", "block"), ("limit", "throttle")], "risk_blocked"),
        ([("limit", "throttle"), ("override", "throttle"), ("rule", "throttle")], "rate_exceeded"),
        ([("override", "throttle"), ("rule", "throttle"), ("risk", "throttle")], "override_throttle"),
        ([("rule", "throttle"), ("risk", "throttle")], "rule_throttled"),
        ([("risk", "throttle")], "risk_throttled"),
        ([("override", "allow"), ("limit", "throttle")], "rate_exceeded"),
        ([("list", "allow"), ("limit", "throttle"), ("rule", "block")], "rate_exceeded"),
        ([("list", "allow"), ("override", "throttle")], "allow_listed"),
        ([("limit", "allow")], "ok"),
        ([], "ok"),
    ],
)
def test_first_row_decides(findings: list[tuple[Source, Verdict]], reason: Reason) -> None:
    """Of several findings the first row decides; an allow exempts from lists, rules and risk, never from limits."""
    assert decide(findings).reason == reason


@given(st.lists(st.sampled_from(FINDINGS)).flatmap(st.permutations))
def test_order_of_findings_does_not_matter(findings: list[tuple[Source, Verdict]]) -> None:
    """Whoever finds first, and however often, the answer is the table's."""
    assert decide(findings) == decide(sorted(set(findings)))


def test_a_block_is_lifted_only_by_a_stronger_allow() -> None:
    """Of every pair, a block before an allow stands, and a block after an allow is void."""
    for first, second in combinations(PRECEDENCE, 2):
        verdict = decide([(second.source, second.verdict), (first.source, first.verdict)]).verdict
        expected = "throttle" if first.verdict == "allow" and second.source == "limit" else first.verdict
        assert verdict == expected


def test_reasons_are_the_closed_set() -> None:
    """Every row's reason is one that callers are told of."""
    assert {row.reason for row in (*PRECEDENCE, ALLOWED)} <= set(get_args(Reason))
