"""What the console says to everybody."""

from ratelimit.front import late


def test_late() -> None:
    """That records are late is said when they are late by more than a minute, and by how much."""
    assert [late(lag_s) for lag_s in (0.0, 59.0, 130.0)] == ["", "", "Records are late by 2 min: what happened since is not shown yet."]
