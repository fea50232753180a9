"""Who asks: what headers are believed, and that a raw key goes no further."""

from base64 import b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from ratelimit.core.base32 import base32
from ratelimit.core.identity import MAX_NAME, ApiKeys, Found, Identity, Place, read_identity
from ratelimit.core.request import MAX_COST

IDENTITY = Identity(
    account=(Place(header="X-Account-Id"),), plan=(Place(header="X-Plan"),), cost=(Place(header="X-Request-Cost"), Place(header="X-Cost"))
)
KEYS = ApiKeys(bytes(32))


def found(*headers: tuple[str, str], identity: Identity = IDENTITY) -> Found:
    return read_identity(identity, CIMultiDictProxy(CIMultiDict(headers)))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Found()),
        ([("x-api-key", "k1")], Found(api_key="k1")),
        ([("Authorization", "Bearer k2")], Found(api_key="k2")),
        ([("Authorization", "bearer  k2 ")], Found(api_key="k2")),
        ([("X-Api-Key", "k1"), ("Authorization", "Bearer k1")], Found(api_key="k1")),
        ([("X-Api-Key", " "), ("Authorization", "Bearer k2")], Found(api_key="k2")),
        ([("Authorization", "Basic dTpw")], Found()),
        ([("Authorization", "Bearer")], Found()),
        ([("X-Account-Id", "42"), ("X-Plan", "free"), ("X-Request-Cost", "5")], Found(account="42", plan="free", cost=5)),
        ([("X-Cost", "7")], Found(cost=7)),
        ([("X-Request-Cost", "0")], Found(cost=0)),
        ([("X-Request-Cost", str(MAX_COST))], Found(cost=MAX_COST)),
        ([("X-Other", "x")], Found()),
    ],
)
def test_read_identity(headers: list[tuple[str, str]], expected: Found) -> None:
    """The place that holds something counts, and no other header does."""
    assert found(*headers) == expected


def test_two_keys_are_a_problem() -> None:
    """Of two different keys the upstream may take the one that was not counted, so an invented one would free the other."""
    assert found(("X-Api-Key", "k1"), ("Authorization", "Bearer k2")).problem == (
        "X-Api-Key and Authorization hold different values; expected one of them"
    )


@pytest.mark.parametrize("cost", ["-1", "+1", "1.5", "1e3", "1_000", "x", "\u0661", str(MAX_COST + 1), "9" * 500, "0x1", "1 1"])
def test_bad_cost_is_a_problem(cost: str) -> None:
    """A cost that is no integer in range is said to be wrong, shortly."""
    problem = found(("X-Request-Cost", cost)).problem
    assert problem is not None
    assert "expected an integer from 0 to" in problem
    assert len(problem) < 120


def test_header_twice_is_a_problem() -> None:
    """Of two account headers one is the client's, so neither is believed."""
    assert found(("X-Account-Id", "1"), ("x-account-id", "2")) == Found(problem="X-Account-Id is there 2 times; expected once")


@pytest.mark.parametrize("header", [("X-Api-Key", "k1,k2"), ("Authorization", "Bearer k1, Bearer k2"), ("X-Account-Id", "1, 2")])
def test_several_joined_by_a_proxy_are_a_problem(header: tuple[str, str]) -> None:
    """A proxy may write a header that came twice as one with a comma: else whoever adds a second key would have a fresh bucket."""
    assert found(header) == Found(problem=f"{header[0]} holds a comma, as if it was there several times; expected one value")


def test_long_key_is_a_problem_that_does_not_show_it() -> None:
    """A key beyond the bound is refused, and the message holds none of it."""
    problem = found(("X-Api-Key", "s" * (MAX_NAME + 1))).problem
    assert problem == f"X-Api-Key has {MAX_NAME + 1} characters; expected at most {MAX_NAME}"


def test_nothing_but_the_key_is_believed_by_default() -> None:
    """Without places for them, headers of account, plan and cost are a client's wish."""
    headers = [("X-Account-Id", "42"), ("X-Plan", "pro"), ("X-Request-Cost", "0"), ("X-Api-Key", "k")]
    assert found(*headers, identity=Identity()) == Found(api_key="k")


def test_raw_key_is_not_in_its_repr() -> None:
    """What a log or a traceback may show of it has no key."""
    assert "secret" not in repr(Found(api_key="secret"))


@given(st.binary(min_size=16, max_size=16))
def test_base32_agrees_with_the_standard(digest: bytes) -> None:
    """Our base32 is RFC 4648's in lower case without padding."""
    assert base32(digest) == b32encode(digest).decode().rstrip("=").lower()


@given(st.text(alphabet=st.characters()), st.text(alphabet=st.characters()))
def test_digest_tells_keys_apart(one: str, other: str) -> None:
    """Equal keys have equal digests, different ones different, whatever characters they hold."""
    assert (KEYS.digest(one) == KEYS.digest(other)) == (one == other)
    assert len(KEYS.digest(one)) == 26


def test_digest_depends_on_the_store_key() -> None:
    """Another store key gives another digest."""
    assert KEYS.digest("k") != ApiKeys(bytes(31) + b"\1").digest("k")
