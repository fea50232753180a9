"""What one person may not say alone."""

import pytest

from ratelimit.core.standing import Standing, Target, TargetKind, Then
from ratelimit.review.alone import alone_too_long

HOUR = 3_600.0


@pytest.mark.parametrize(
    ("then", "kind", "hours", "too_long"),
    [
        ("block", "account", 72, False),
        ("block", "account", 72.1, True),
        ("block", "account", None, True),
        ("throttle", "account", None, False),
        ("allow", "account", None, False),
        ("block", "api_key", None, False),
        ("block", "card", None, False),
    ],
)
def test_alone(then: Then, kind: TargetKind, hours: float | None, *, too_long: bool) -> None:
    """Only a block of an account, and only beyond 72 h."""
    until = None if hours is None else hours * HOUR
    word = Standing(id="w", target=Target(kind, "a"), then=then, source="override", reason="r", author="mia", made_at=0.0, until=until)
    assert alone_too_long(word) is too_long
