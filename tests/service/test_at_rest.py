"""What counts as new."""

import pytest

from ratelimit.service.at_rest import AtRest


@pytest.mark.parametrize(
    ("judged", "seen", "new"),
    [
        (None, "aaa", ".a."),
        ("a", "aaa", "..."),
        ("a", "abb", "..b"),
        ("a", "abcbc", "....."),
        ("a", "abba", "..b."),
        ("a", "abbaa", "..b.a"),
    ],
)
def test_is_new(judged: str | None, seen: str, new: str) -> None:
    """New is what two looks in a row saw and what was not the last to be judged."""
    at_rest = AtRest(judged)
    assert "".join(one if at_rest.is_new(one) else "." for one in seen) == new
