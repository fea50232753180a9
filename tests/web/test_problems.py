"""Problem details: the draft's types for refusals, the reason and a reference, and nothing of thresholds or subjects."""

import json

import pytest

from ratelimit.core.decision import Decision, Reason, Verdict
from ratelimit.web.problems import ClientError, encode, refusal

IANA = "https://iana.org/assignments/http-problem-types"


@pytest.mark.parametrize(
    ("verdict", "reason", "status", "kind"),
    [
        ("throttle", "rate_exceeded", 429, f"{IANA}#quota-exceeded"),
        ("throttle", "quota_exhausted", 429, f"{IANA}#quota-exceeded"),
        ("throttle", "cost_exceeds_capacity", 429, f"{IANA}#quota-exceeded"),
        ("throttle", "store_unavailable", 503, f"{IANA}#temporary-reduced-capacity"),
        ("throttle", "risk_throttled", 429, f"{IANA}#abnormal-usage-detected"),
        ("throttle", "rule_throttled", 429, f"{IANA}#abnormal-usage-detected"),
        ("block", "deny_listed", 403, "about:blank"),
        ("block", "risk_blocked", 403, "about:blank"),
    ],
)
def test_refusal(verdict: Verdict, reason: Reason, status: int, kind: str) -> None:
    """A refusal has the type that its reason calls for, and tells the reason and the reference."""
    found = json.loads(encode(refusal(Decision("abc-1", verdict, reason, "key", "account:42", 7, 1.5, 9.75, 0.5), status)))
    assert (found["type"], found["status"], found["reason"], found["id"]) == (kind, status, reason, "abc-1")
    assert found["title"]
    assert not {"subject", "remaining", "risk", "limit"} & found.keys()
    assert "account:42" not in str(found)


def test_violated_policies() -> None:
    """A limit that refused is named as the draft says, which is the name that RateLimit has as well."""
    assert json.loads(encode(refusal(Decision("a", "throttle", "rate_exceeded", "key"), 429)))["violated-policies"] == ["key"]
    assert "violated-policies" not in json.loads(encode(refusal(Decision("a", "throttle", "rule_throttled"), 429)))


def test_mistake() -> None:
    """A mistake has its status' title, and the path of the field if there is one; what means nothing is left out."""
    problem = ClientError(422, "$.cost: too much", path="$.cost").problem
    assert json.loads(encode(problem)) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "$.cost: too much",
        "path": "$.cost",
    }
