"""A compiled policy: which limits a request meets, and that no client can make the memory of it grow."""

from typing import Any

import pytest

from ratelimit.core.limit import Limit
from ratelimit.core.policy import MAX_REMEMBERED, MAX_REMEMBERED_TEXT, Policy
from ratelimit.core.policy_file import parse_policy


def limit(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "per": ["ip"], "bucket": {"capacity": 3, "refill": "10/s"}, **fields}


def policy(*limits: dict[str, Any], **fields: Any) -> Policy:
    return Policy(parse_policy({"version": 1, "limits": list(limits), **fields}, "p"))


SITE = policy(
    limit("all"),
    limit("login", match={"method": ["post"], "path": ["/login", "/v1/sessions"]}),
    limit("free", match={"plan": ["free", "trial"], "path": ["/v1/generate*"]}),
    limit("writes", match={"method": ["POST", "PUT"]}),
)


def names(limits: tuple[Limit, ...]) -> list[str]:
    return [limit.name for limit in limits]


@pytest.mark.parametrize(
    ("method", "path", "plan", "met"),
    [
        ("GET", "/", None, ["all"]),
        ("POST", "/login", None, ["all", "login", "writes"]),
        ("post", "//LOGIN/?next=/a", None, ["all", "login", "writes"]),
        ("GET", "/login", None, ["all"]),
        ("PUT", "/v1/sessions", "free", ["all", "writes"]),
        ("GET", "/v1/generate/cat", "free", ["all", "free"]),
        ("GET", "/v1/generate/cat?size=9", "trial", ["all", "free"]),
        ("GET", "/v1/generate/cat", "pro", ["all"]),
        ("GET", "/v1/generate/cat", None, ["all"]),
        ("\ud800", "\ud800%", "\ud800", ["all"]),
    ],
)
def test_match(method: str, path: str, plan: str | None, met: list[str]) -> None:
    """A request meets the limits whose every condition it fulfils, in the file's order."""
    assert names(SITE.match(method, path, plan)) == met


def test_same_set_is_same_tuple() -> None:
    """Requests that meet the same limits get one and the same tuple."""
    assert SITE.match("GET", "/a", None) is SITE.match("DELETE", "/b", "pro")
    assert SITE.match("POST", "/login", None) is SITE.match("POST", "/login?x", "pro")


def test_hostile_requests_do_not_grow_the_memory() -> None:
    """However many paths are asked for, what is remembered is bounded, and answers stay right."""
    found = policy(limit("a", match={"path": ["/a*"]}))
    for number in range(MAX_REMEMBERED * 2 + 10):
        found.match("GET", f"/{number}", None)
    assert len(found._remembered) <= MAX_REMEMBERED
    before = len(found._remembered)
    long = "/a" + "x" * MAX_REMEMBERED_TEXT
    assert names(found.match("GET", long, None)) == ["a"]
    found.match("GET", "/b", "p" * MAX_REMEMBERED_TEXT)
    assert len(found._remembered) == before


def test_queries_are_not_remembered() -> None:
    """A thousand queries of one path are one thing to remember."""
    found = policy(limit("a", match={"path": ["/a*"]}))
    for number in range(1_000):
        found.match("GET", f"/a?page={number}", None)
    assert len(found._remembered) == 1


def test_policy_without_conditions_remembers_nothing() -> None:
    """Where every limit meets every request the answer is the limits themselves."""
    found = policy(limit("a"), limit("b"))
    assert found.match("GET", "/x", "free") is found.limits
    assert not found._remembered


def test_shadow_policy_makes_every_limit_shadow() -> None:
    """The policy's own mode wins over that of its limits, as long as it is shadow."""
    assert {limit.mode for limit in policy(limit("a"), limit("b", mode="shadow"), mode="shadow").limits} == {"shadow"}
    assert [limit.mode for limit in policy(limit("a"), limit("b", mode="shadow")).limits] == ["enforce", "shadow"]


def test_digest_is_of_the_content() -> None:
    """Defaults written out leave the digest, a changed number changes it."""
    assert policy(limit("a")).digest == policy(limit("a", mode="enforce"), mode="enforce").digest
    assert policy(limit("a")).digest == policy(limit("a", bucket={"refill": "600/min", "capacity": 3})).digest
    assert policy(limit("a")).digest != policy(limit("a", bucket={"capacity": 4, "refill": "10/s"})).digest
    assert policy(limit("a")).digest != policy(limit("a"), mode="shadow").digest
