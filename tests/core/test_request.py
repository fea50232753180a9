"""A check as clients may write it: what is refused is named by its path, and nothing of it shows a key."""

import msgspec
import pytest

from ratelimit.core.request import MAX_BATCH, MAX_COST, BatchRequest, CheckRequest

LEAST = {"method": "GET", "path": "/v1/images"}


def decode(**fields: object) -> CheckRequest:
    return msgspec.json.decode(msgspec.json.encode(LEAST | fields), type=CheckRequest)


def test_least_request() -> None:
    """Method and path suffice, and the cost is 1."""
    request = decode()
    assert (request.method, request.path, request.cost, request.api_key, request.explain) == ("GET", "/v1/images", 1, None, False)


@pytest.mark.parametrize("cost", [0, 1, MAX_COST])
def test_cost_in_bounds(cost: int) -> None:
    """A cost of 0 peeks, and the largest is taken."""
    assert decode(cost=cost).cost == cost


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost", -1),
        ("cost", MAX_COST + 1),
        ("cost", 1.5),
        ("cost", "1"),
        ("cost", True),
        ("method", ""),
        ("method", "x" * 33),
        ("path", ""),
        ("path", "/" * 8_193),
        ("api_key", ""),
        ("api_key", "k" * 513),
        ("account", 7),
        ("ip", "1" * 65),
        ("plan", []),
        ("user_agent", "u" * 8_193),
        ("explain", 1),
    ],
)
def test_field_out_of_bounds(field: str, value: object) -> None:
    """A field beyond its bounds is refused, and the error says where."""
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}`"):
        decode(**{field: value})


def test_unknown_field() -> None:
    """A field that we do not know is refused by name, so that a typing error does not pass as absent."""
    with pytest.raises(msgspec.ValidationError, match="apikey"):
        decode(apikey="k")


@pytest.mark.parametrize("missing", ["method", "path"])
def test_missing_field(missing: str) -> None:
    """What must be there is asked for by name."""
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.json.decode(msgspec.json.encode({name: value for name, value in LEAST.items() if name != missing}), type=CheckRequest)


def test_request_is_printed_without_secrets() -> None:
    """A request in a log or a traceback shows neither key nor address nor query."""
    text = repr(decode(api_key="sk_secret", ip="203.0.113.7", account="acme", path="/search?q=private"))
    assert text == "CheckRequest(GET /search cost=1)"


def test_batch_is_bounded() -> None:
    """A batch holds at most so many checks."""
    full = msgspec.json.encode({"checks": [LEAST] * MAX_BATCH})
    assert len(msgspec.json.decode(full, type=BatchRequest).checks) == MAX_BATCH
    with pytest.raises(msgspec.ValidationError, match=r"\$\.checks"):
        msgspec.json.decode(msgspec.json.encode({"checks": [LEAST] * (MAX_BATCH + 1)}), type=BatchRequest)
