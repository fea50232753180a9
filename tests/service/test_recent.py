"""The ring of refusals: what it keeps is bounded, whatever a client sends."""

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.service.question import Question
from ratelimit.service.recent import Recent


def refusal(number: int) -> Decision:
    return Decision(f"x-{number}", "throttle", "rate_exceeded", "key", "api_key:k")


def asked(method: str = "GET", path: str = "/") -> Question:
    return Question(method, path, 1, Caller(api_key="k"))


def test_what_is_kept_is_short() -> None:
    """Of a long method and a long path the beginning is kept, and of a path what stands before its query."""
    recent = Recent()
    recent.add(refusal(1), asked("M" * 60_000, "/" + "p" * 60_000), "digest", None, 64)
    recent.add(refusal(2), asked(path="/a?card=1"), "digest", None, 64)
    latest, first = recent.records()
    assert (latest.id, latest.path) == ("x-2", "/a")
    assert (len(first.method), len(first.path)) == (32, 512)


def test_the_oldest_is_forgotten() -> None:
    """It holds so many and no more, and finds them by id."""
    recent = Recent(most=3)
    for number in range(5):
        recent.add(refusal(number), asked(), "digest", None, 64)
    assert [record.id for record in recent.records()] == ["x-4", "x-3", "x-2"]
    assert recent.find("x-1") is None
    assert recent.find("x-3") is not None
