"""The ring of refusals: what it keeps is bounded, whatever a client sends."""

from ratelimit.core.decision import Decision
from ratelimit.service.recent import Recent


def refusal(number: int) -> Decision:
    return Decision(f"x-{number}", "throttle", "rate_exceeded", "key", "api_key:k")


def test_what_is_kept_is_short() -> None:
    """Of a long method and a long path the beginning is kept, and of a path what stands before its query."""
    recent = Recent()
    recent.add(refusal(1), "M" * 60_000, "/" + "p" * 60_000, 1, "digest")
    recent.add(refusal(2), "GET", "/a?card=1", 1, "digest")
    latest, first = recent.records()
    assert (latest.id, latest.path) == ("x-2", "/a")
    assert (len(first.method), len(first.path)) == (32, 512)


def test_the_oldest_is_forgotten() -> None:
    """It holds so many and no more, and finds them by id."""
    recent = Recent(most=3)
    for number in range(5):
        recent.add(refusal(number), "GET", "/", 1, "digest")
    assert [record.id for record in recent.records()] == ["x-4", "x-3", "x-2"]
    assert recent.find("x-1") is None
    assert recent.find("x-3") is not None
