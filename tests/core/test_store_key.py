"""Names in the store: of fixed length, nothing to be read from them, and no two limits or callers share one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.limit import BucketRule, Limit, QuotaRule, SubjectKind
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.subject import Value
from ratelimit.core.units import Refill

SECRET = bytes(range(32))
RULE = BucketRule(10, Refill(1, 100_000))
TEXTS = st.text(max_size=20)


def limit(name: str, *per: SubjectKind) -> Limit:
    return Limit(name, per or ("api_key",), bucket=RULE)


@given(TEXTS)
def test_shape(value: str) -> None:
    """A name has its kind's prefix and 22 characters, whatever the caller is called."""
    assert re.fullmatch(r"rl1:b:[A-Za-z0-9_-]{22}", StoreKeys(SECRET).name(limit("key"), value))


def test_quota_has_its_own_prefix() -> None:
    """A limit that changes from bucket to quota does not read the other's state."""
    quota = Limit("key", ("api_key",), quota=QuotaRule(10, "month"))
    assert StoreKeys(SECRET).name(quota, "k").startswith("rl1:q:")


@given(st.tuples(TEXTS, TEXTS), st.tuples(TEXTS, TEXTS))
def test_composites_do_not_collide(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Two pairs share a name only if they are the same pair, so no text can reach over into its neighbour."""
    keys, pair = StoreKeys(SECRET), limit("pair", "api_key", "account")
    assert (keys.name(pair, one) == keys.name(pair, other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((limit("a"), "k"), (limit("b"), "k")),
        ((limit("a", "api_key"), "k"), (limit("a", "account"), "k")),
        ((limit("a"), "k"), (limit("a"), "K")),
        ((limit("a", "api_key", "account"), ("x", "y")), (limit("a", "api_key", "account"), ("y", "x"))),
        ((limit("a", "ip"), b"\x01\x02\x03\x04"), (limit("a", "ip"), b"\x01\x02\x03\x05")),
    ],
    ids=["limit", "kind", "case", "order", "address"],
)
def test_what_differs_has_another_name(one: tuple[Limit, Value], other: tuple[Limit, Value]) -> None:
    """Limit, kind, value and order all count."""
    assert StoreKeys(SECRET).name(*one) != StoreKeys(SECRET).name(*other)


def test_secret() -> None:
    """The same secret gives the same names everywhere; another gives others, and its check value tells."""
    ours, same, other = StoreKeys(SECRET), StoreKeys(SECRET), StoreKeys(bytes(32))
    assert ours.name(limit("a"), "k") == same.name(limit("a"), "k") != other.name(limit("a"), "k")
    assert ours.check_value == same.check_value != other.check_value
    assert SECRET.hex() not in ours.check_value


def test_a_name_is_stable() -> None:
    """Names do not change between versions: that would make every bucket full."""
    assert StoreKeys(SECRET).name(limit("key"), "k") == "rl1:b:LifRBqAkkMxIMmjhBFBuVA"


def test_broken_text_has_a_name() -> None:
    """Half a surrogate pair, which JSON can carry, is a caller like any other."""
    assert StoreKeys(SECRET).name(limit("a"), "\ud800") != StoreKeys(SECRET).name(limit("a"), "\udfff")
