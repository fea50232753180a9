"""A rule as the file writes it."""

from typing import Final

import pytest

from ratelimit.core.policy_file import parse_rule
from ratelimit.core.rule_text import DiffLine, compared, plain_rule, rule_lines, shown_duration
from ratelimit.core.units import Duration

LONG: Final = "purchase.cards_1h >= 3 && purchase.declines_1h >= 2 && !(purchase.account_age_s > 31536000 && purchase.account_frauds == 0)"
THROTTLE: Final = {"on": "purchase", "when": LONG, "then": "throttle", "hold": 0.25, "lapse": "36h", "reason": "a: b # c"}


def test_long_condition() -> None:
    """A long condition is broken before what joins its parts, and not inside of brackets or quotes."""
    rule = parse_rule({"name": "r", **THROTTLE}, "test")
    assert rule_lines(plain_rule(rule))[1:4] == [
        "when: purchase.cards_1h >= 3",
        "  && purchase.declines_1h >= 2",
        "  && !(purchase.account_age_s > 31536000 && purchase.account_frauds == 0)",
    ]


def test_only_what_is_said() -> None:
    """What is the default stands in no file."""
    rule = parse_rule({"name": "r", "canary": 1, "mode": "enforce", "action": "hold", **THROTTLE}, "test")
    assert list(plain_rule(rule)) == ["name", "on", "when", "then", "hold", "lapse", "reason"]


@pytest.mark.parametrize(("text", "shown"), [("90min", "90min"), ("24h", "1d"), ("3600s", "1h"), ("1500ms", "1500ms"), ("0s", "0ms")])
def test_durations(text: str, shown: str) -> None:
    """A span is written in the largest unit of which it is a whole number."""
    assert shown_duration(Duration.parse(text)) == shown


def test_compared() -> None:
    """Lines are numbered as in the newer text; what is gone has no number there."""
    assert compared(["a", "then: throttle", "c"], ["a", "b", "then: block", "c"]) == [
        DiffLine(1, " ", "a"),
        DiffLine(None, "-", "then: throttle"),
        DiffLine(2, "+", "b"),
        DiffLine(3, "+", "then: block"),
        DiffLine(4, " ", "c"),
    ]
