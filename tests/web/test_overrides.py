"""Overrides on the operator lane, obeyed on the gateway lane: made, shown, edited, taken away; and whatever is wrong with one is said."""

import time
from typing import Any

import pytest

from ratelimit.web.overrides import OVERRIDES
from tests.web.conftest import Answer, Operator, StartOperator

LIMITS = [
    {"name": "key", "per": ["api_key"], "bucket": {"capacity": 5, "refill": "1/h"}},
    {"name": "ip", "per": ["ip"], "bucket": {"capacity": 100, "refill": "1/h"}},
    {"name": "month", "per": ["account"], "quota": {"amount": 100, "every": "month"}},
]
WHY = {"reason": "stolen key", "author": "eve"}
BLOCK = {"target": "account:42", "then": "block", **WHY}
BUCKET = {"capacity": 8, "refill": "1/h"}


@pytest.fixture
async def operator(start_operator: StartOperator) -> Operator:
    return await start_operator(LIMITS)


async def add(operator: Operator, **fields: Any) -> Answer:
    return await operator.lane.post(OVERRIDES, {**BLOCK, **fields})


async def test_life_of_an_override(operator: Operator) -> None:
    """It is obeyed as soon as it was made, shown, edited as its next version, taken away with what it was, and then gone."""
    lane, gateway = operator.lane, operator.gateway
    made = await add(operator)
    assert made.status == 201
    id = made.json["id"]
    blocked = await gateway.check(account="42", api_key="k")
    assert (blocked.json["decision"], blocked.json["reason"], blocked.json["limit"]) == ("block", "override_block", f"override:{id}")
    assert blocked.json["subject"] == "account:42"
    assert (blocked.headers["x-ratelimit-decision"], blocked.headers["x-ratelimit-reason"]) == ("block", "override_block")
    record = (await lane.get(f"/v1/records/{blocked.json['id']}")).json
    assert (record["reason"], record["limit"]) == ("override_block", f"override:{id}")

    edited = await lane.post(f"{OVERRIDES}/{id}", {**BLOCK, "then": "allow", "author": "ada"}, method="PUT")
    assert (edited.status, edited.json["version"], edited.json["made_at"]) == (200, 2, made.json["made_at"])
    assert (await gateway.check(account="42", api_key="k")).json["reason"] == "override_allow"
    assert (await lane.get(f"{OVERRIDES}/{id}")).json == edited.json
    assert (await lane.get(OVERRIDES)).json == {"overrides": [edited.json], "all": 1}

    path = f"{OVERRIDES}/{id}?author=eve&reason=not%20theirs"
    assert (await lane.get(path, method="DELETE")).json == edited.json
    assert (await gateway.check(account="42", api_key="k")).json["reason"] == "ok"
    assert {(await lane.get(it, method=method)).status for it, method in ((path, "DELETE"), (f"{OVERRIDES}/{id}", "GET"))} == {404}
    assert (await lane.post(f"{OVERRIDES}/{id}", BLOCK, method="PUT")).status == 404


async def test_raw_values_do_not_come_out(operator: Operator) -> None:
    """A raw key is obeyed and found, and stands nowhere; so are a card and an email, however it is written."""
    made = await add(operator, target="api_key:sk_live_secret")
    assert (await operator.gateway.check(api_key="sk_live_secret")).json["decision"] == "block"
    card = await add(operator, target="card:fp_secret")
    email = await add(operator, target="email:Ada.Love+x@googlemail.com")
    shown = await operator.lane.get(OVERRIDES)
    assert b"secret" not in made.body + card.body + shown.body
    assert b"mail.com" not in email.body + shown.body
    found = await operator.lane.get(f"{OVERRIDES}?target=email:adalove@gmail.com")
    assert [it["id"] for it in found.json["overrides"]] == [email.json["id"]]
    digest = made.json["target"].partition(":")[2]
    for key in ("sk_live_secret", digest):
        assert (await operator.lane.get(f"{OVERRIDES}?target=api_key:{key}")).json["all"] == 1


@pytest.mark.parametrize(
    ("target", "stands_for"),
    [
        ("ip:198.51.100.7", "ip:198.51.100.7"),
        ("198.51.100.7", "ip:198.51.100.7"),
        ("ip:::ffff:198.51.100.7", "ip:198.51.100.7"),
        ("ip:2001:db8:1:2::3", "ip:2001:db8:1:2::/64"),
        ("2001:db8:1:2::/80", None),
        ("network:198.51.100.0/24", "network:198.51.100.0/24"),
        ("network:2001:db8::/48", "network:2001:db8::/48"),
        ("account:a:b", "account:a:b"),
    ],
)
async def test_targets(operator: Operator, target: str, stands_for: str | None) -> None:
    """Addresses stand for the caller that they are, as limits count it."""
    made = await add(operator, target=target)
    assert made.json.get("target") == (stands_for or "ip:2001:db8:1:2::/64")


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"target": "acount:42"}, "$.target", "did you mean 'account'"),
        ({"target": "ip:300.1.1.1"}, "$.target", "not an address"),
        ({"target": "network:198.51.100.7/24"}, "$.target", "expected 198.51.100.0/24"),
        ({"target": "network:198.51.100.0/33"}, "$.target", "not a network"),
        ({"target": "email:nobody"}, "$.target", "not an email"),
        ({"target": "account:" + "x" * 513}, "$.target", "1 to 512"),
        ({"target": "0.0.0.0/0"}, "$.target", "wide: true"),
        ({"target": "2000::/3", "then": "allow"}, "$.target", "wide: true"),
        ({"then": "throttle"}, "$.bucket", "is missing"),
        ({"bucket": BUCKET}, "$.bucket", "means nothing"),
        ({"then": "throttle", "bucket": {"capacity": 5, "refill": "ten/s"}}, "$.bucket.refill", "ten/s"),
        ({"then": "throttle", "bucket": {"capacity": 1_000_000_000, "refill": "0.000001/d"}}, "$.bucket", "exactly"),
        ({"then": "bucket", "bucket": BUCKET}, "$.limit", "one of key, ip"),
        ({"target": "api_key:k", "then": "bucket", "bucket": BUCKET, "limit": "keys"}, "$.limit", "did you mean 'key'"),
        ({"then": "bucket", "bucket": BUCKET, "limit": "month"}, "$.limit", "not a limit with a bucket"),
        ({"then": "bucket", "bucket": BUCKET, "limit": "key"}, "$.limit", "not by account"),
        ({"limit": "key"}, "$.limit", "means nothing"),
        ({"target": "card:fp", "scope": "request"}, "$.scope", "no request is known by its card"),
        ({"target": "card:fp", "then": "exempt_limits"}, "$.then", "no limit counts by card"),
        ({"then": "exempt_limits", "scope": "purchase"}, "$.scope", "meet no limits"),
        ({"for": "24h", "until": "2901-01-01"}, "$.until", "beside for"),
        ({"for": "soon"}, "$.for", "not a duration"),
        ({"for": "0s"}, "$.for", "ends at once"),
        ({"until": "2001-01-01"}, "$.until", "has passed"),
        ({"until": "2901-01-01T00:00"}, "$.until", "with its offset"),
        ({"until": "tomorrow"}, "$.until", "not a date"),
        ({"reason": ""}, "$.reason", ""),
        ({"author": "x" * 101}, "$.author", ""),
        ({"then": "ban"}, "$.then", ""),
        ({"autor": "x"}, "$.autor", "did you mean"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_said(operator: Operator, fields: dict[str, Any], path: str, text: str) -> None:
    """A mistake names the field, what was found and what would do, and nothing stands afterwards."""
    answer = await add(operator, **fields)
    assert (answer.status, answer.json["path"]) == (422, path)
    assert text in answer.json["detail"]
    assert (await operator.lane.get(OVERRIDES)).json["all"] == 0


async def test_wide(operator: Operator) -> None:
    """What is met by many can be said, in words."""
    assert (await add(operator, target="0.0.0.0/0", wide=True)).status == 201
    assert (await operator.gateway.check(ip="203.0.113.7")).json["decision"] == "block"


async def test_dry_run(operator: Operator) -> None:
    """It is judged, shown, and not said."""
    answer = await add(operator, dry_run=True, **{"for": "24h"})
    assert (answer.status, answer.json["id"], answer.json["version"]) == (200, "", 1)
    assert answer.json["until"] == pytest.approx(time.time() + 86_400, abs=600)
    assert (await operator.gateway.check(account="42")).json["decision"] == "allow"
    assert (await operator.lane.get(OVERRIDES)).json["all"] == 0


async def test_another_bucket(operator: Operator) -> None:
    """With another bucket the key has more than the policy gives."""
    await add(operator, target="api_key:k", then="bucket", limit="key", bucket=BUCKET)
    assert [(await operator.gateway.check(api_key="k")).json["decision"] for _ in range(9)].count("allow") == 8


@pytest.mark.parametrize("query", ["?author=eve", "?reason=x", "?author=&reason=x", "?author=eve&reason=x&y=z", "?author=a&author=b"])
async def test_deletion_needs_a_reason(operator: Operator, query: str) -> None:
    """Who takes one away says so, and why."""
    made = await add(operator)
    assert (await operator.lane.get(f"{OVERRIDES}/{made.json['id']}{query}", method="DELETE")).status == 400
    assert (await operator.lane.get(OVERRIDES)).json["all"] == 1


@pytest.mark.parametrize(("query", "status"), [("?source=rul", 422), ("?target=nobody", 422), ("?page=2", 400), ("?source=rule", 200)])
async def test_queries(operator: Operator, query: str, status: int) -> None:
    """A query is understood or refused."""
    await add(operator)
    answer = await operator.lane.get(OVERRIDES + query)
    assert answer.status == status
    assert answer.json.get("all", 0) == 0


async def test_store_away(start_operator: StartOperator) -> None:
    """Where the store cannot be asked nothing is promised."""
    operator = await start_operator(LIMITS, store=False)
    assert (await add(operator)).status == 503


async def test_blocked_on_the_authorize_lanes(operator: Operator) -> None:
    """A block is 403 everywhere, with the reason in the headers and in a problem."""
    await add(operator, target="api_key:k")
    who = ("X-Api-Key: k", "X-Forwarded-For: 203.0.113.7")
    for path, more in (
        ("/v1/authorize/forwarded", ("X-Forwarded-Method: GET", "X-Forwarded-Uri: /")),
        ("/v1/authorize/nginx", ("X-Original-Method: GET", "X-Original-URI: /")),
        ("/v1/authorize/envoy/", ()),
    ):
        answer = await operator.gateway.get(path, *who, *more)
        assert (answer.status, answer.headers["x-ratelimit-decision"], answer.headers["x-ratelimit-reason"]) == (
            403,
            "block",
            "override_block",
        )
        assert "retry-after" not in answer.headers
        assert (answer.json["title"], answer.json["reason"]) == ("Forbidden", "override_block")
