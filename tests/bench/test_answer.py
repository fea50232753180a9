"""How a load test reads an answer: what is whole passes, and whatever is not has a name."""

from typing import Any

import msgspec
import pytest

from bench.traffic.answer import read_answer

ALLOWED: dict[str, Any] = {
    "id": "ab-1", "decision": "allow", "reason": "ok", "limit": "key", "subject": "api_key:x", "remaining": 3,
    "retry_after": None, "reset_after": 0.1, "risk": None,
}  # fmt: skip
REFUSED = {**ALLOWED, "decision": "throttle", "reason": "rate_exceeded", "remaining": 0, "retry_after": 1.2}
HEADERS = {"X-RateLimit-Id": "ab-1", "X-RateLimit-Decision": "allow", "X-RateLimit-Reason": "ok"}
ALLOWED_HEADERS = {**HEADERS, "RateLimit": '"key";r=3;t=1', "RateLimit-Policy": '"key";q=40;w=4, "address";q=150;w=3'}
REFUSED_HEADERS = {
    **ALLOWED_HEADERS,
    "X-RateLimit-Decision": "throttle",
    "X-RateLimit-Reason": "rate_exceeded",
    "RateLimit": '"key";r=0;t=2',
    "Retry-After": "2",
}


@pytest.mark.parametrize(("body", "headers"), [(ALLOWED, ALLOWED_HEADERS), (REFUSED, REFUSED_HEADERS)])
def test_a_whole_answer_has_no_flaw(body: dict[str, Any], headers: dict[str, str]) -> None:
    """What the product answers passes, allowed or refused."""
    decision, flaw = read_answer(200, headers, msgspec.json.encode(body))
    assert flaw is None
    assert decision is not None
    assert (decision.decision, decision.retry_after) == (body["decision"], body["retry_after"])


@pytest.mark.parametrize(
    ("changed", "headers", "flaw"),
    [
        ({"reason": "rate_exceeded"}, {}, "allow because of rate_exceeded"),
        ({"retry_after": 1.0}, {}, "allowed, and yet retry_after"),
        ({"remaining": -1}, {}, "-1 remaining"),
        ({}, {"X-RateLimit-Id": "ab-2"}, "X-RateLimit-Id is 'ab-2' where the body says 'ab-1'"),
        ({}, {"X-RateLimit-Decision": "block"}, "X-RateLimit-Decision is 'block'"),
        ({}, {"X-RateLimit-Reason": "rate_exceeded"}, "X-RateLimit-Reason is 'rate_exceeded'"),
        ({}, {"Retry-After": "1"}, "Retry-After is '1' where the body says None"),
        ({}, {"RateLimit": '"key";r=30;t=1'}, "RateLimit is"),
        ({}, {"RateLimit": '"address";r=3;t=1'}, "RateLimit is"),
        ({}, {"RateLimit-Policy": '"address";q=150;w=3'}, "RateLimit-Policy does not name key"),
    ],
)
def test_flaws_of_an_allowed_answer(changed: dict[str, Any], headers: dict[str, str], flaw: str) -> None:
    """A body that contradicts itself, or a header that contradicts the body, is named."""
    found = read_answer(200, ALLOWED_HEADERS | headers, msgspec.json.encode(ALLOWED | changed))[1]
    assert found is not None
    assert found.startswith(flaw)


@pytest.mark.parametrize(
    ("changed", "headers", "flaw"),
    [
        ({"reason": "ok"}, {}, "throttle because of ok"),
        ({"retry_after": None}, {}, "rate_exceeded with retry_after None"),
        ({"retry_after": 0.0}, {}, "rate_exceeded with retry_after 0.0"),
        ({}, {"Retry-After": "1"}, "Retry-After is '1' where the body says '2'"),
        ({"retry_after": 2.000001}, {}, "Retry-After is '2' where the body says '3'"),
    ],
)
def test_flaws_of_a_refusal(changed: dict[str, Any], headers: dict[str, str], flaw: str) -> None:
    """A refusal says when to come again, and its header no sooner than its body."""
    found = read_answer(200, REFUSED_HEADERS | headers, msgspec.json.encode(REFUSED | changed))[1]
    assert found is not None
    assert found.startswith(flaw)


def test_a_missing_header_is_a_flaw() -> None:
    """Every header that an answer must carry is missed where it lacks."""
    for name in REFUSED_HEADERS:
        left = {other: value for other, value in REFUSED_HEADERS.items() if other != name}
        assert read_answer(200, left, msgspec.json.encode(REFUSED))[1] is not None, name


@pytest.mark.parametrize(
    ("status", "body", "flaw"), [(500, b"oops", "status 500: oops"), (200, b"<html>", "no decision"), (200, b"{}", "no decision")]
)
def test_no_decision(status: int, body: bytes, flaw: str) -> None:
    """What is no decision at all is none, and says what came instead."""
    decision, found = read_answer(status, ALLOWED_HEADERS, body)
    assert decision is None
    assert found is not None
    assert found.startswith(flaw)
