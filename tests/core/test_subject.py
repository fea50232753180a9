"""Subjects: what a limit counts a caller by, and how that is written."""

from ipaddress import ip_address

import pytest

from ratelimit.core.identity import Caller
from ratelimit.core.limit import BucketRule, Limit, SubjectKind, SubnetRule
from ratelimit.core.subject import Value, describe, lacking, subject_of
from ratelimit.core.units import Refill

V4 = ip_address("203.0.113.7").packed
V6 = ip_address("2001:db8:1:2::").packed
FULL = Caller(api_key="k3", ip=V4, account="42", plan="free")


def limit(*per: SubjectKind, subnet: SubnetRule = SubnetRule()) -> Limit:  # noqa: B008 - frozen
    return Limit(name="a", per=per, subnet=subnet, bucket=BucketRule(capacity=1, refill=Refill(1, 1)))


@pytest.mark.parametrize(
    ("per", "caller", "value", "shown"),
    [
        (("api_key",), FULL, "k3", "api_key:k3"),
        (("account",), FULL, "42", "account:42"),
        (("ip",), FULL, V4, "ip:203.0.113.7"),
        (("ip",), Caller(ip=V6), V6, "ip:2001:db8:1:2::/64"),
        (("subnet",), FULL, ip_address("203.0.113.0").packed, "subnet:203.0.113.0/24"),
        (("subnet",), Caller(ip=V6), ip_address("2001:db8:1::").packed, "subnet:2001:db8:1::/48"),
        (("api_key", "ip"), FULL, ("k3", V4), "api_key:k3+ip:203.0.113.7"),
        (("ip", "api_key"), FULL, (V4, "k3"), "ip:203.0.113.7+api_key:k3"),
        (("account", "subnet"), FULL, ("42", ip_address("203.0.113.0").packed), "account:42+subnet:203.0.113.0/24"),
    ],
)
def test_subject(per: tuple[SubjectKind, ...], caller: Caller, value: Value, shown: str) -> None:
    """A limit counts by its kinds in their order, a single one bare, and says so in words."""
    assert subject_of(limit(*per))(caller) == value
    assert describe(limit(*per), value, 64) == shown


@pytest.mark.parametrize(
    ("per", "caller", "lacks"),
    [
        (("api_key",), Caller(ip=V4), "api_key"),
        (("subnet",), Caller(api_key="k"), "subnet"),
        (("api_key", "ip"), Caller(api_key="k"), "ip"),
        (("api_key", "account"), Caller(account="1"), "api_key"),
    ],
)
def test_caller_that_lacks_a_kind_is_no_subject(per: tuple[SubjectKind, ...], caller: Caller, lacks: SubjectKind) -> None:
    """Where one of the kinds is missing there is no subject, and what is missing can be said."""
    assert subject_of(limit(*per))(caller) is None
    assert lacking(limit(*per), caller) == lacks
    assert lacking(limit(*per), FULL) is None


def test_subnet_follows_the_limit() -> None:
    """The neighbourhood is as wide as the limit says."""
    assert subject_of(limit("subnet", subnet=SubnetRule(v4=16)))(FULL) == ip_address("203.0.0.0").packed
