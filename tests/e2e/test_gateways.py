"""Each gateway with the configuration that users copy, a sidecar beside it and an upstream behind it: real processes all of them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.gateways import access_log
from tests.e2e.gateways.client import AT_ONCE, TRUSTED, ask, drive
from tests.e2e.gateways.gateway import Gateway
from tests.e2e.gateways.kind import KINDS
from tests.e2e.gateways.process import sidecar
from tests.e2e.gateways.relay import Relay, relay
from tests.e2e.gateways.replayed import live, replayed
from tests.e2e.gateways.upstream import FORBIDDEN, upstream

Require = Callable[[str], Path]

POLICY = f"""
version: 1
identity:
  account: [{{header: X-Account-Id}}]
  plan: [{{header: X-Plan}}]
  cost: [{{header: X-Request-Cost}}]
  trusted_proxies: [{TRUSTED}]
limits:
  - {{name: once, per: [ip], match: {{path: [/once]}}, bucket: {{capacity: 1, refill: 1/h}}}}
  - {{name: key, per: [api_key], match: {{path: [/keyed]}}, bucket: {{capacity: 1, refill: 1/h}}}}
  - {{name: account, per: [account], match: {{method: [GET, HEAD, PUT]}}, bucket: {{capacity: 1, refill: 1/h}}}}
  - {{name: premium, per: [ip], match: {{plan: [premium]}}, bucket: {{capacity: 1, refill: 1/h}}}}
  - {{name: address, per: [ip], match: {{method: [GET, HEAD, PUT]}}, bucket: {{capacity: 100, refill: 1/s}}}}
lists:
  - {{name: banned, subjects: [203.0.113.66], then: block, reason: scrapes}}
"""

# Slow refills against a drive of seconds, so that a request more or less, here or there, is what differs and not a clock; the waits are far
# enough apart that it is certain which limit a refusal names. The one in shadow refills while the drive lasts: there the log's times count.
DRIVEN_POLICY = f"""
version: 1
identity: {{trusted_proxies: [{TRUSTED}]}}
limits:
  - {{name: address, per: [ip], bucket: {{capacity: 4, refill: 1/min}}}}
  - {{name: front-page, per: [ip], match: {{path: [/]}}, bucket: {{capacity: 1, refill: 6/h}}}}
  - {{name: pictures, per: [ip], match: {{path: ["*.png", "*.ico", "*.css"]}}, bucket: {{capacity: 1, refill: 20/h}}}}
  - {{name: network, per: [subnet], subnet: {{v4: 8, v6: 32}}, bucket: {{capacity: 20, refill: 2/s}}, mode: shadow}}
"""
LIMITS, SHADOWS = ["address", "front-page", "pictures"], ["network"]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.contextmanager
def running(kind: str, require: Require, folder: Path, policy: str) -> Iterator[tuple[Gateway, Relay]]:
    program = require(kind)
    with (
        upstream() as behind,
        sidecar(folder / "sidecar", policy) as beside,
        relay(beside.gateway) as between,
        KINDS[kind](program, folder / kind, beside._replace(gateway=between.address), behind, {}) as found,
    ):
        yield found, between


@pytest.fixture(scope="module")
def gateway(kind: str, require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for all tests that ask for addresses of their own."""
    with running(kind, require, tmp_path_factory.mktemp(kind), POLICY) as (found, _):
        yield found


def test_the_real_logs_are_driven() -> None:
    """The drive is made with real access logs; where they are not at hand, it is made with one that is made up, and this says so."""
    if not access_log.are_real():
        pytest.skip(f"no real access logs in {access_log.DATA} (RATELIMIT_TEST_DATA says where): the drives use one that is made up")
    assert len(access_log.logged_requests()) > 1_000


def test_drive(kind: str, require: Require, tmp_path: Path) -> None:
    """What is allowed reaches the upstream and what is refused does not, and a replay of the gateway's log counts what was counted live."""
    asked = access_log.logged_requests()
    with running(kind, require, tmp_path, DRIVEN_POLICY) as (gateway, between):
        answers = drive(gateway.url, asked)
        gateway.log_once(lambda text: text.count("\n") >= len(asked))
        counted = live(gateway.sidecar, LIMITS, SHADOWS)
        assert gateway.sidecar.count("ratelimit_without_store_total") == 0  # nobody guessed
        arrivals = gateway.behind.taken()
    assert {answer.status for answer in answers} == {200, 429}
    allowed = [request for request, answer in zip(asked, answers, strict=True) if answer.status == 200]
    reached = {line: [(arrival.method, arrival.target) for arrival in at] for line, at in arrivals.items()}
    assert reached == {request.line: [(request.method, request.target)] for request in allowed}
    assert (counted.asked, counted.allowed) == (len(asked), len(allowed))
    assert sum(counted.refused.values()) == len(asked) - len(allowed)
    assert min(*counted.refused.values(), *counted.shadowed.values()) >= 100  # enough for some percent to mean something
    found = replayed(gateway.access_log, gateway.sidecar.policy, LIMITS, SHADOWS)
    assert found.asked == len(asked)
    assert found.allowed == pytest.approx(counted.allowed, rel=0.01)
    # the log has the instants of answers, which a busy machine gives a little after it decided
    assert found.refused == pytest.approx(counted.refused, rel=0.03)
    assert found.shadowed == pytest.approx(counted.shadowed, rel=0.03)
    assert max(between.connections, gateway.behind.connections) <= 2 * AT_ONCE  # they are kept, over refusals too


def test_refused_client_is_told(gateway: Gateway) -> None:
    """A client beyond a limit gets 429, when to come again, how it stands, why, and a problem body; the upstream hears nothing of it."""
    assert ask(gateway.url, "/once", "203.0.113.1").status == 200
    gateway.behind.taken()
    answer = ask(gateway.url, "/once", "203.0.113.1")
    assert answer.status == 429
    assert {name: answer.headers.getall(name) for name in ("Retry-After", "RateLimit", "X-RateLimit-Decision", "X-RateLimit-Reason")} == {
        "Retry-After": ["3600"],
        "RateLimit": ['"once";r=0;t=3600'],
        "X-RateLimit-Decision": ["throttle"],
        "X-RateLimit-Reason": ["rate_exceeded"],
    }
    assert answer.headers["RateLimit-Policy"].startswith('"once";q=1;w=3600')
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert (problem["status"], problem["reason"], problem["violated-policies"]) == (429, "rate_exceeded", ["once"])
    assert problem["id"] == answer.headers["X-RateLimit-Id"]
    assert gateway.behind.taken() == {}


def test_blocked_client_is_told(gateway: Gateway) -> None:
    """Whom a list blocks gets 403, the reason's code and a reference, no word of limits or waiting; the upstream hears nothing of it."""
    gateway.behind.taken()
    answer = ask(gateway.url, "/some/page", "203.0.113.66")
    assert answer.status == 403
    assert [answer.headers.getall(f"X-RateLimit-{name}") for name in ("Decision", "Reason")] == [["block"], ["deny_listed"]]
    assert "Retry-After" not in answer.headers
    assert "RateLimit" not in answer.headers
    problem = answer.json
    assert (problem["title"], problem["status"], problem["reason"]) == ("Forbidden", 403, "deny_listed")
    assert problem["id"] == answer.headers["X-RateLimit-Id"]
    assert "banned" not in answer.body.decode()
    assert gateway.behind.taken() == {}


def test_refused_head_has_no_body(gateway: Gateway) -> None:
    """HEAD is limited like any other method, and its refusal is the same without a body."""
    statuses = [ask(gateway.url, "/once", "203.0.113.2", method="HEAD").status for _ in range(2)]
    assert statuses == [200, 429]


def test_allowed_client_is_told(gateway: Gateway) -> None:
    """What passes has the upstream's answer, and each header of how the client stands once."""
    answer = ask(gateway.url, "/some/page?q=1", "203.0.113.3")
    assert (answer.status, answer.body) == (200, b"here you are")
    assert answer.headers.getall("RateLimit") == ['"address";r=99;t=1']
    assert answer.headers.getall("RateLimit-Policy") == ['"account";q=1;w=3600, "address";q=100;w=100']
    assert [answer.headers.getall(f"X-RateLimit-{name}") for name in ("Decision", "Reason")] == [["allow"], ["ok"]]
    assert len(answer.headers.getall("X-RateLimit-Id")) == 1
    assert "Retry-After" not in answer.headers


def test_what_no_limit_meets_passes(gateway: Gateway) -> None:
    """Where there is nothing to say of limits, no header says it."""
    answer = ask(gateway.url, "/", "203.0.113.10", method="DELETE")
    assert (answer.status, answer.headers["X-RateLimit-Decision"]) == (200, "allow")
    assert [name for name in ("RateLimit", "RateLimit-Policy", "Retry-After") if name in answer.headers] == []


def test_body_reaches_the_upstream(gateway: Gateway) -> None:
    """A request with a body is asked about without it, and passed on whole with its method and its query."""
    gateway.behind.taken()
    assert ask(gateway.url, "/upload?x=1", "203.0.113.4", ("Content-Type", "text/plain"), method="PUT").status == 200
    (((arrival,)),) = gateway.behind.taken().values()
    assert (arrival.method, arrival.target, arrival.headers["content-type"]) == ("PUT", "/upload?x=1", "text/plain")


def test_upstreams_own_refusal_stays(gateway: Gateway) -> None:
    """A 403 of the upstream is its own: it passes as it is and is not taken for one of the sidecar."""
    answer = ask(gateway.url, FORBIDDEN, "203.0.113.5")
    assert (answer.status, answer.body) == (403, b"not yours")
    assert answer.headers["X-RateLimit-Decision"] == "allow"


def test_client_does_not_say_who_it_is(gateway: Gateway) -> None:
    """Account, plan and cost that a client sends reach neither the sidecar nor the upstream, in whatever spelling."""
    claims = [("X-Account-Id", "victim"), ("X-Plan", "premium"), ("X-Request-Cost", "0"), ("X_Account_Id", "victim"), ("x_plan", "premium")]
    gateway.behind.taken()
    answers = [ask(gateway.url, path, "203.0.113.6", *claims) for path in ("/a", "/a", "/once", "/once")]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]  # the account's limit, the plan's and the free cost did not count
    (arrivals,) = gateway.behind.taken().values()
    believed = [name for name in arrivals[0].headers if name.replace("_", "-") in {"x-account-id", "x-plan", "x-request-cost"}]
    assert (len(arrivals), believed) == (3, [])


def test_forged_address_is_no_fresh_bucket(gateway: Gateway) -> None:
    """What a client writes into X-Forwarded-For stands left of what the load balancer saw, and changes nothing."""
    answers = [ask(gateway.url, "/once", f"{forged}203.0.113.7") for forged in ("", "198.51.100.9, ", "127.0.0.1, x, ")]
    assert [answer.status for answer in answers] == [200, 429, 429]


@pytest.mark.parametrize("target", ["//once", "/x/../once", "/%6fnce", "/once?page=2", "/once/"])
def test_spelling_is_no_way_around(gateway: Gateway, target: str) -> None:
    """Another spelling of a limited path is the same path, whatever the gateway makes of it."""
    ip = f"198.51.100.{len(target) * 10 + ord(target[1]) % 10}"
    assert [ask(gateway.url, path, ip).status for path in ("/once", target)] == [200, 429]


def test_key_is_limited(gateway: Gateway) -> None:
    """A key has its own bucket from wherever it comes, also as a bearer token, and reaches the upstream, which has to check it."""
    gateway.behind.taken()
    headers = [("X-Api-Key", "k1"), ("X-Api-Key", "k1"), ("Authorization", "Bearer k1"), ("X-Api-Key", "k2")]
    answers = [ask(gateway.url, "/keyed", f"192.0.2.{number}", sent) for number, sent in enumerate(headers)]
    assert [answer.status for answer in answers] == [200, 429, 429, 200]
    assert [arrival.headers["x-api-key"] for arrival in gateway.behind.taken()["once"]] == ["k1", "k2"]


def test_second_key_is_no_fresh_bucket(gateway: Gateway) -> None:
    """A request with two keys is the client's mistake: which of them the upstream would take is not ours to guess."""
    gateway.behind.taken()
    answer = ask(gateway.url, "/keyed", "192.0.2.9", ("X-Api-Key", "k3"), ("X-Api-Key", "k4"))
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert gateway.behind.taken() == {}


def test_gateways_own_health_is_free(gateway: Gateway) -> None:
    """The gateway's health is its own: no limit meets it, and the upstream is not asked."""
    gateway.behind.taken()
    before = gateway.sidecar.count("ratelimit_decisions_total")
    assert ask(gateway.url, "/gateway/healthz", "203.0.113.8").status == 204
    assert (gateway.sidecar.count("ratelimit_decisions_total"), gateway.behind.taken()) == (before, {})


def test_log_keeps_no_secret(gateway: Gateway) -> None:
    """The access log that the configuration writes has neither queries nor keys."""
    ask(gateway.url, "/log?token=hush-hush", "203.0.113.9", ("X-Api-Key", "s3cret-key"), ("Authorization", "Bearer s3cret-key"))
    text = gateway.log_once(lambda text: "/log" in text)
    assert "hush-hush" not in text
    assert "s3cret-key" not in text
