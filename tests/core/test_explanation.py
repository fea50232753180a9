"""Explanations: which limits a request meets, as whom, and why not the others."""

from typing import Any

import pytest

from ratelimit.core.explanation import Explanation, Question, explain
from ratelimit.core.identity import Caller
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (True, "ip:203.0.113.7", "enforced")),
        ({"mode": "shadow"}, (True, "ip:203.0.113.7", "shadow: decided and recorded, not enforced")),
        ({"match": {"method": ["POST", "PUT"]}}, (False, None, "method GET is not among POST, PUT")),
        ({"match": {"path": ["/b*"]}}, (False, None, "path /a is not among /b*")),
        ({"match": {"plan": ["free"]}}, (False, None, "plan none given is not among free")),
        ({"per": ["ip", "account"]}, (False, None, "the request has no account, so it is skipped")),
        ({"per": ["account"], "missing": "deny"}, (True, None, "the request has no account, and missing is deny: refused")),
    ],
)
def test_explain(fields: dict[str, Any], expected: tuple[bool, str | None, str]) -> None:
    """Each limit is explained by the first thing that decides whether it applies."""
    limit = {"name": "x", "per": ["ip"], "bucket": {"capacity": 3, "refill": "10/s"}, **fields}
    policy = Policy(parse_policy({"version": 1, "limits": [limit]}, "p"))
    assert explain(policy, Question("get", "//a?b", Caller(ip=bytes([203, 0, 113, 7])))) == [Explanation("x", *expected)]


def test_explanation_agrees_with_match() -> None:
    """What is explained as not matching is not in the policy's own answer."""
    limits = [
        {"name": f"l{number}", "per": ["ip"], "match": match, "bucket": {"capacity": 3, "refill": "10/s"}}
        for number, match in enumerate(
            [{}, {"method": ["GET"]}, {"path": ["/a*"]}, {"plan": ["free"]}, {"method": ["POST"], "path": ["/a"]}]
        )
    ]
    policy = Policy(parse_policy({"version": 1, "limits": limits}, "p"))
    for method, path, plan in [("GET", "/a", "free"), ("POST", "/A/", None), ("PUT", "/b", "pro")]:
        applies = [found.limit for found in explain(policy, Question(method, path, Caller(ip=bytes(4), plan=plan))) if found.applies]
        assert applies == [limit.name for limit in policy.match(method, path, plan)]
