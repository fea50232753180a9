"""Warnings: what a sound policy's author should look at again."""

from typing import Any

import pytest

from ratelimit.core.policy_file import parse_policy
from ratelimit.core.policy_warning import policy_warnings


def limit(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "per": ["ip"], "bucket": {"capacity": 30, "refill": "10/s"}, **fields}


def warnings(*limits: dict[str, Any], **fields: Any) -> tuple[str, ...]:
    return policy_warnings(parse_policy({"version": 1, "limits": list(limits), **fields}, "p"))


KEY = limit("key", per=["api_key"])
LOGIN = {"method": ["POST"], "path": ["/login"]}


@pytest.mark.parametrize(
    "limits",
    [
        [limit("a")],
        [KEY, limit("a")],
        [KEY, limit("a", per=["subnet"], subnet={"v4": 20})],
        [{**KEY, "match": LOGIN}, limit("a", match={"method": ["POST", "PUT"]})],
        [{**KEY, "match": LOGIN}, limit("a", match=LOGIN)],
        [{**KEY, "mode": "shadow"}, limit("a", mode="shadow")],
        [limit("a", bucket={"capacity": 2, "refill": "10/s"})],
        [limit("a"), limit("b", per=["subnet"]), limit("c", match=LOGIN)],
    ],
)
def test_sound_policy_has_no_warning(limits: list[dict[str, Any]]) -> None:
    """What is as it should be is not warned of."""
    assert warnings(*limits) == ()


@pytest.mark.parametrize(
    "others",
    [
        [],
        [limit("a", match=LOGIN)],
        [limit("a", mode="shadow")],
        [limit("a", per=["account"])],
        [limit("a", per=["api_key", "ip"], match=LOGIN)],
    ],
)
def test_keys_without_address_limit(others: list[dict[str, Any]]) -> None:
    """A limit per key alone is open to whoever invents keys."""
    assert any(line.startswith("$.limits[0]: key is per api_key and no limit per ip") for line in warnings(KEY, *others))


def test_small_fast_bucket() -> None:
    """A bucket that refills within a lease's life is exact but dear."""
    (warning,) = warnings(limit("a", bucket={"capacity": 1, "refill": "10/s"}))
    assert warning.startswith("$.limits[0].bucket.capacity: 1 refills in less than 200 ms")


def test_twin_limit() -> None:
    """Two limits alike but for the name are one too many."""
    (warning,) = warnings(limit("a"), limit("b"))
    assert warning.startswith("$.limits[1]: b is the same as a")


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "::/0"])
def test_everyone_trusted(cidr: str) -> None:
    """To trust everyone's X-Forwarded-For is to let callers choose their address."""
    (warning,) = warnings(limit("a"), identity={"trusted_proxies": ["10.0.0.0/8", cidr]})
    assert warning.startswith(f"$.identity.trusted_proxies[1]: {cidr} is everyone")


@pytest.mark.parametrize(
    ("match", "says"),
    [
        ({"method": ["PSOT"]}, "$.limits[0].match.method[0]: PSOT is no common method"),
        ({"path": ["/search?q=*"]}, "$.limits[0].match.path[0]: '/search?q=*' looks for a query"),
        ({"path": ["/a", "//login"]}, "$.limits[0].match.path[1]: '//login' never matches"),
        ({"path": ["/a/../b"]}, "$.limits[0].match.path[0]: '/a/../b' never matches"),
        ({"path": ["/a%3bx"]}, "$.limits[0].match.path[0]: '/a%3bx' never matches"),
        ({"path": ["/a/."]}, "$.limits[0].match.path[0]: '/a/.' never matches"),
    ],
)
def test_match_that_never_applies(match: dict[str, Any], says: str) -> None:
    """A condition that no request fulfils is said to be one."""
    (warning,) = warnings(limit("a", match=match))
    assert warning.startswith(says)


RULE = {"name": "r", "on": "purchase", "when": "purchase.vpn", "then": "block", "of": ["card"], "for": "1h", "reason": "x"}
SLOW = {"name": "s", "on": "request", "when": "request.burst > 9", "then": "throttle", "bucket": {"capacity": 5}, "reason": "x"}


@pytest.mark.parametrize(
    ("rule", "warning"),
    [
        (RULE, None),
        ({**RULE, "of": ["card", "ip", "email_domain"]}, "$.rules[0].of: r blocks by ip and email_domain, which many honest people share"),
        ({**RULE, "of": ["ip"], "then": "throttle"}, None),
        ({**RULE, "canary": 0.1}, None),
        ({**RULE, "canary": 0.1, "mode": "shadow"}, "$.rules[0].canary: r is in shadow, so it is in force for nobody"),
        (SLOW, "$.rules[0]: no bucket limit is per api_key or per account alone, so s slows nobody down"),
        ({**SLOW, "of": ["ip"]}, None),
    ],
)
def test_rules(rule: dict[str, Any], warning: str | None) -> None:
    """A block by what many share is warned of, and what is in force for nobody."""
    found = warnings(limit("a"), rules=[rule])
    assert len(found) == (warning is not None)
    assert warning is None or found[0].startswith(warning)
