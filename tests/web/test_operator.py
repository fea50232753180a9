"""The operator lane: metrics that say what happened, the policy in force, pages that load nothing from elsewhere."""

import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ratelimit.core.signals import COLUMN, SIGNALS, VERSION
from ratelimit.web.page import ASSETS, PAGES
from tests.web.signals_site import FixedScorer, Site

StartOperator = Callable[..., Awaitable[Any]]

KEY = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 2, "refill": "10/s"}}
MONTH = {"name": "month", "per": ["account"], "quota": {"amount": 9, "every": "month"}}
NET = {"name": "net", "per": ["subnet"], "bucket": {"capacity": 100, "refill": "10/s"}, "mode": "shadow"}
TOKEN = "a-token-that-is-long-enough"


async def samples(lane: Any) -> dict[str, float]:
    """Every sample, as `name{label=value}`."""
    found = {}
    for family in text_string_to_metric_families((await lane.get("/metrics")).body.decode()):
        for name, labels, value, *_ in family.samples:
            found[name + "".join(f"{{{key}={labels[key]}}}" for key in sorted(labels))] = value
    return found


async def test_metrics(start_operator: StartOperator) -> None:
    """What was decided, refused, skipped and asked of the store is counted by reason, limit and node."""
    operator = await start_operator([{**KEY, "bucket": {"capacity": 2, "refill": "1/h"}}, MONTH, NET])
    gateway = operator.gateway
    for _ in range(3):
        await gateway.check(api_key="k")
    await gateway.check(api_key="k", cost=-1)
    await gateway.get("/v1/authorize/forwarded", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /")
    await gateway.ask(b"nonsense\r\n\r\n")
    found = await samples(operator.lane)
    node = "{node=" + operator.store.lanes[0].name + "}"
    assert {
        name: found.get(name) for name in found if name.startswith(("ratelimit_decisions", "ratelimit_refused", "ratelimit_skipped"))
    } == {
        "ratelimit_decisions_total{decision=allow}{reason=ok}": 3,
        "ratelimit_decisions_total{decision=throttle}{reason=rate_exceeded}": 1,
        "ratelimit_refused_total{limit=key}": 1,
        "ratelimit_refused_total{limit=month}": 0,
        "ratelimit_refused_total{limit=net}": 0,
        "ratelimit_refused_total{limit=hold}": 0,
        "ratelimit_skipped_total{kind=api_key}{limit=key}": 1,
        "ratelimit_skipped_total{kind=account}{limit=month}": 4,
        "ratelimit_skipped_total{kind=subnet}{limit=net}": 4,
        "ratelimit_skipped_total{kind=account}{limit=hold}": 0,
    }
    assert found["ratelimit_subjects{limit=key}"] == 1
    assert found["ratelimit_problems_total{lane=gateway}{status=422}"] == 1
    assert found["ratelimit_problems_total{lane=gateway}{status=400}"] == 1
    assert (found["ratelimit_unparsable_total{lane=gateway}"], found["ratelimit_no_address_total"]) == (1, 1)
    assert found[f"ratelimit_store_calls_total{node}"] >= 1
    assert found[f"ratelimit_store_away{node}"] == 0
    assert (found["ratelimit_embedded_restarts_total"], found["ratelimit_ready"], found["ratelimit_bugs_total{lane=gateway}"]) == (3, 1, 0)
    assert found["process_resident_memory_bytes"] > 0


async def test_metrics_of_signals(start_operator: StartOperator) -> None:
    """Who is watched, what was told and scored, which model scores, and what became of events."""
    operator = await start_operator([{**KEY, "bucket": {"capacity": 100, "refill": "1/h"}}])
    assert not [name for name in await samples(operator.lane) if name.startswith("ratelimit_signals")]
    here = Site(operator.gateway)
    here.usage.scoring.scorer = FixedScorer()
    await here.ask(10, ip="203.0.113.7")
    await here.settle()
    await here.tell({}, {"decision_id": "a"}, {"decision_id": "a"}, {"status": 0}, b"no json")
    found = await samples(operator.lane)
    assert {
        name: value for name, value in found.items() if name.startswith(("ratelimit_signals", "ratelimit_events", "ratelimit_model"))
    } == {
        "ratelimit_signals_subjects{kind=api_key}": 1,
        "ratelimit_signals_subjects{kind=ip}": 1,
        "ratelimit_signals_subjects{kind=account}": 0,
        "ratelimit_signals_told_total": 4,  # twice: what was seen, and the risk
        "ratelimit_signals_untold_total": 0,
        "ratelimit_signals_scored_total": 4,
        "ratelimit_signals_dropped_total{what=requests}": 0,
        "ratelimit_signals_dropped_total{what=profiles}": 0,
        "ratelimit_signals_dropped_total{what=events}": 0,
        "ratelimit_signals_profiles": 0,
        "ratelimit_signals_full": 0,
        "ratelimit_signals_clock_jumps_total": 0,
        "ratelimit_model_info{version=0123456789ab}": 1,
        "ratelimit_events_total{outcome=accepted}": 2,
        "ratelimit_events_total{outcome=repeated}": 1,
        "ratelimit_events_total{outcome=unreadable}": 1,
        "ratelimit_events_total{outcome=invalid}": 1,
        "ratelimit_events_total{outcome=too_old}": 0,
        "ratelimit_events_total{outcome=too_new}": 0,
        "ratelimit_events_total{outcome=signals_off}": 0,
    }


async def test_metrics_of_drift(start_operator: StartOperator) -> None:
    """Which signal has moved is told of the kinds that have it; before enough was seen only how much was."""
    operator = await start_operator([KEY])
    here = Site(operator.gateway)
    here.usage.scoring.scorer = FixedScorer()
    here.drift(10, higher="burst")
    told = {
        name: value for name, value in (await samples(operator.lane)).items() if "_drift" in name and not name.startswith("ratelimit_store")
    }
    assert told == {"ratelimit_drift_rows{kind=api_key}": 10}
    here.drift(2_000, higher="burst")
    told = {
        name: value for name, value in (await samples(operator.lane)).items() if "_drift" in name and not name.startswith("ratelimit_store")
    }
    assert told.pop("ratelimit_drift_rows{kind=api_key}") == 2_010
    assert told.pop("ratelimit_signal_drift{kind=api_key}{signal=burst}") > 0.25
    assert "ratelimit_risk_drift{kind=api_key}" in told
    assert "ratelimit_signal_drift{kind=api_key}{signal=signups_1d}" not in told
    assert max(told.values()) < 0.1


async def test_metrics_of_a_challenger(start_operator: StartOperator) -> None:
    """How often both models would act on the same is told, and how likely it holds fraud to be."""
    operator = await start_operator([KEY])
    here = Site(operator.gateway)
    assert not [name for name in await samples(operator.lane) if name.startswith("ratelimit_challenger")]
    here.challenge(kind="api_key", risks=(0.5, 1.0, 1.0), chances=(0.02, 0.7, 1.0))
    found = {name: value for name, value in (await samples(operator.lane)).items() if name.startswith("ratelimit_challenger")}
    agreement = {name: value for name, value in found.items() if "agreement" in name and value}
    assert agreement == {
        "ratelimit_challenger_agreement_total{above=champion}{kind=api_key}": 1,
        "ratelimit_challenger_agreement_total{above=both}{kind=api_key}": 2,
    }
    assert found["ratelimit_challenger_p_fraud_bucket{kind=api_key}{le=0.05}"] == 1
    assert found["ratelimit_challenger_p_fraud_bucket{kind=api_key}{le=0.7}"] == 2
    assert found["ratelimit_challenger_p_fraud_count{kind=api_key}"] == 3
    assert found["ratelimit_challenger_p_fraud_sum{kind=api_key}"] == 1.72


async def test_metrics_are_documented(start_operator: StartOperator) -> None:
    """Each has its row, with its labels and its meaning."""
    documented = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    operator = await start_operator([KEY])
    here = Site(operator.gateway)
    here.usage.scoring.scorer = FixedScorer()
    operator.sidecar._signal_nodes = lambda: operator.store.lanes
    await here.ask(3)
    here.drift(1_000, higher="burst")
    here.challenge(kind="ip", risks=(0.5,), chances=(0.5,))
    for family in text_string_to_metric_families((await operator.lane.get("/metrics")).body.decode()):
        for name, labels, *_ in family.samples:
            if name.startswith("ratelimit_"):
                rows = [line.split("|")[1:4] for line in documented.splitlines() if line.startswith(f"| `{name}` ")]
                assert [(set(re.findall(r"\w+", row[1])), row[2].strip()) for row in rows] == [(set(labels), family.documentation)], name


async def test_metrics_of_the_policy(start_operator: StartOperator) -> None:
    """Which policy is in force is said, and that its file is broken."""
    operator = await start_operator([KEY], store=False)
    operator.reload.failed, operator.reload.problems = 2, ["a", "b", "c"]
    found = await samples(operator.lane)
    digest = operator.gateway.limiter.policy.digest
    assert found[f"ratelimit_policy_info{{digest={digest}}}{{mode=enforce}}{{source=built in}}"] == 1
    assert (found["ratelimit_policy_failed_reloads_total"], found["ratelimit_policy_problems"]) == (2, 3)


async def test_records_of_bytes_that_are_no_text(start_operator: StartOperator) -> None:
    """A client that sends no UTF-8 is in the list like anybody else."""
    operator = await start_operator([{**KEY, "bucket": {"capacity": 1, "refill": "1/h"}}])
    for _ in range(2):
        await operator.gateway.get("/v1/authorize/forwarded", "X-Forwarded-Method: G\xff", "X-Forwarded-Uri: /\xe4?card=1", "X-Api-Key: k")
    answer = await operator.lane.get("/v1/records")
    assert [(record["method"], record["path"]) for record in answer.json["records"]] == [(r"G\udcff", r"/\udce4")]


async def test_records_say_what_was_known(start_operator: StartOperator) -> None:
    """A refusal has the signals, the risk and the model of that moment; of nobody who asked seldom there is anything."""
    operator = await start_operator([{**KEY, "bucket": {"capacity": 12, "refill": "1/h"}}])
    here = Site(operator.gateway)
    here.usage.scoring.scorer = FixedScorer(0.75)
    await here.ask(1, api_key="new", cost=13)
    await here.ask(12, plan="pro")
    await here.settle()
    await here.ask(1, ip="203.0.113.7", plan="pro")
    here.usage.scoring.scorer = FixedScorer(0.25)  # what comes later changes no record
    await here.ask(5)
    await here.settle()
    latest, first = (await operator.lane.get("/v1/records")).json["records"][-2:]
    assert (first["risk"], first["risk_subject"], first["model"], first["signal_version"], first["signals"]) == (None,) * 5
    assert (latest["risk"], latest["risk_subject"], latest["plan"]) == (0.75, latest["subject"], "pro")
    assert (latest["model"], latest["signal_version"], len(latest["signals"])) == ("0123456789ab", VERSION, len(SIGNALS))
    assert latest["signals"][COLUMN["attempts_14d"]] == 12
    assert latest["signals"][COLUMN["error_share_1d"]] is None
    assert (await operator.lane.get(f"/v1/records/{latest['id']}")).json == latest


async def test_open_metrics(start_operator: StartOperator) -> None:
    """A scraper gets the format that it asks for."""
    operator = await start_operator([KEY], store=False)
    answer = await operator.lane.get("/metrics", "Accept: application/openmetrics-text;version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.body.endswith(b"# EOF\n")


async def test_store_away_is_a_metric(start_operator: StartOperator) -> None:
    """Limits that answered by on_store_failure are counted, and readiness says that the store is away."""
    operator = await start_operator([{**KEY, "on_store_failure": "allow"}], store=False)
    await operator.gateway.check(api_key="k")
    assert (await samples(operator.lane))["ratelimit_without_store_total{limit=key}"] == 1
    assert (await operator.lane.get("/readyz")).json["store"] == "away"


async def test_policy(start_operator: StartOperator) -> None:
    """The policy in force is shown as its file writes it, with what is wrong with the file as it is now."""
    operator = await start_operator([KEY, MONTH], store=False, trusted_proxies=["10.0.0.0/8"])
    operator.reload.problems = ["ratelimit.yaml: $.limits: is missing"]
    view = (await operator.lane.get("/v1/policy")).json
    assert [(limit["name"], limit["bucket"]) for limit in view["limits"]] == [("key", {"capacity": 2, "refill": "10/s"}), ("month", None)]
    assert (view["mode"], view["source"], view["problems"]) == ("enforce", "built in", operator.reload.problems)
    assert view["identity"]["trusted_proxies"] == ["10.0.0.0/8"]
    assert view["loaded_at"] == "1970-01-01T00:00:00+00:00"


async def test_pages_stand_alone(start_operator: StartOperator) -> None:
    """Every link and file of the pages is served by ourselves, under a policy that lets nothing else load."""
    operator = await start_operator([KEY], store=False)
    for page in ("/", "/docs"):
        answer = await operator.lane.get(page)
        csp = answer.headers["content-security-policy"]
        assert "default-src 'none'" in csp
        assert "http" not in csp
        targets = re.findall(r'(?:href|src)="([^"]+)"', answer.body.decode())
        assert targets
        for target in targets:
            assert (target, (await operator.lane.get(target)).status) == (target, 200)
    assert b'url: "/openapi.json"' in (await operator.lane.get("/docs/start.js")).body
    assert (await operator.lane.get("/docs/swagger-ui-bundle.js")).headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/docs/../metrics.py", "/docs/swagger-ui.js.map", "/docs/%2e%2e/%2e%2e/x", "/docs//etc/passwd"])
async def test_nothing_else_is_served(path: str, start_operator: StartOperator) -> None:
    """Files are known by name; no path leads to another."""
    operator = await start_operator([KEY], store=False)
    answer = await operator.lane.get(path)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_problems(start_operator: StartOperator, caplog: pytest.LogCaptureFixture) -> None:
    """Mistakes are problems here as well, and what is no HTTP is logged by nobody."""
    caplog.set_level(logging.INFO)
    operator = await start_operator([KEY], store=False)
    wrong = await operator.lane.get("/metrics", method="DELETE")
    assert (wrong.status, wrong.headers["allow"], wrong.json["status"]) == (405, "GET, HEAD", 405)
    nowhere = await operator.lane.get("/nowhere")
    assert (nowhere.status, nowhere.json["detail"]) == (404, "nothing is here; the console begins at /, and /docs lists the calls")
    broken = await operator.lane.ask(b"GET / HTTP/1.1\r\nX-Api-Key: secret\x01\r\n\r\n")
    assert (broken.status, broken.headers["content-type"]) == (400, "application/problem+json")
    assert operator.lane.counts.problems == {405: 1, 404: 1, 400: 1}
    assert "secret" not in caplog.text + broken.body.decode()


async def test_token(start_operator: StartOperator) -> None:
    """With a token everything asks for it but the probes."""
    operator = await start_operator([KEY], operator_token=TOKEN, store=False)
    for path in ("/metrics", "/v1/policy", "/nowhere", *PAGES, *ASSETS):
        refused = await operator.lane.get(path)
        assert (path, refused.status, refused.headers["www-authenticate"]) == (path, 401, "Bearer")
    for header in (
        f"Authorization: Bearer {TOKEN}x",
        f"Authorization: Basic {TOKEN}",
        "Authorization: Bearer \xff",
        f"X-RateLimit-Token: {TOKEN}",
    ):
        assert (await operator.lane.get("/metrics", header)).status == 401
    assert (await operator.lane.get("/metrics", f"Authorization: bearer {TOKEN}")).status == 200
    assert [(await operator.lane.get(path)).status for path in ("/livez", "/readyz")] == [200, 200]
