"""The text of a rule as people edit it."""

from typing import Any

import pytest

from ratelimit.core.policy_file import parse_rule
from ratelimit.core.rule_text import plain_rule, rule_lines
from ratelimit.service.rule_source import RuleText, read_rule, rule_problems

LONG = "purchase.cards_1h >= 3 && purchase.declines_1h >= 2 && !(purchase.account_age_s > 31536000 && purchase.account_frauds == 0)"
RULES: list[dict[str, Any]] = [
    {"on": "purchase", "when": "purchase.cards_1h >= 3", "then": "block", "reason": "several cards tried, several declined"},
    {"on": "purchase", "when": LONG, "then": "throttle", "hold": 0.25, "lapse": "36h", "reason": "a: b # c"},
    {"on": "purchase", "when": LONG, "then": "block", "of": ["account", "card"], "for": "90min", "scope": "both", "reason": "'so'"},
    {"on": "purchase", "when": "!purchase.vpn", "then": "review", "reason": "true", "mode": "shadow"},
    {"on": "purchase", "when": "purchase.user_agent.contains(' && ') || purchase.user_agent == 'a: #b'", "then": "allow", "reason": "no"},
    {"on": "purchase", "when": "purchase.vpn\n  && purchase.hosting", "then": "review", "reason": "two\nlines"},
    {"on": "purchase", "when": f"{LONG}  &&  purchase.device == '  &&  '", "then": "review", "reason": "blanks "},
    {"on": "request", "when": "request.kind == 'ip'", "then": "throttle", "bucket": {"capacity": 5}, "canary": 0.1, "reason": "-"},
]


@pytest.mark.parametrize("data", RULES, ids=lambda data: data["reason"])
def test_reads_back(data: dict[str, Any]) -> None:
    """What is written reads back as the same rule."""
    rule = parse_rule({"name": "r", **data}, "test")
    assert read_rule("r", "\n".join(rule_lines(plain_rule(rule)))) == RuleText(rule)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("on: purchase\nwhen: purchase.vpm\nthen: block\nreason: x", 2, 7, "when: purchase.vpm is not a signal"),
        ("on: purchase\nwhen: |\n  purchase.vpn\n  && purchase.vpm\nthen: block\nreason: x", 4, 6, "when: purchase.vpm is not a signal"),
        ("on: purchase\nwhen: purchase.vpn\nthen: blok\nreason: x", 3, None, "then: 'blok' is not allowed"),
        ("on: purchase\nwhen: purchase.vpn\nthen: block\n", None, None, "reason: is missing"),
        ("on: purchase\non: purchase", 2, 1, "'on' is there twice"),
        ("on: [", 2, 1, ""),
        ("block", 1, None, "is no mapping"),
        ("", 1, None, "is no mapping"),
        ("name: b\non: purchase", 1, None, "name: stands above"),
        ("on: purchase\nwhen: purchase.vpn\nthen: block\nreason: x\nof: [card, card]\nfor: 1h", 5, None, "of[1]: card is there twice"),
        ("when: " + "x" * 9_000, None, None, "has 9006 characters"),
        ("a: &b c", 1, 4, "anchors"),
    ],
)
def test_problems(text: str, line: int | None, column: int | None, says: str) -> None:
    """Each problem is told with its place in the text."""
    found = read_rule("r", text)
    assert found.rule is None
    assert any((it.line, it.column) == (line, column) and says in it.text for it in found.problems), found.problems


def test_all_at_once() -> None:
    """One problem hides no other."""
    found = read_rule("r", "on: purchase\nwhen: purchase.vpm\nthen: blok\nmode: off")
    assert sorted(it.line or 0 for it in found.problems) == [0, 2, 3, 4]


def test_problems_of_data() -> None:
    """Plain data has the same problems, by path."""
    assert rule_problems("r", {"on": "purchase", "when": "purchase.vpn", "then": "block", "reason": "x"}) == ()
    assert rule_problems("r", {"on": "purchase"})[0].startswith("$.when: is missing")
    assert rule_problems("R!", {"on": "purchase", "when": "purchase.vpn", "then": "block", "reason": "x"})[0].startswith("$.name: ")
