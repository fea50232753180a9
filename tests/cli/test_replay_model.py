"""`ratelimit replay --model`: whom a model flags, what it is worth, and what becomes of their requests."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from ratelimit.anomaly.artifact import read_artifact, write_artifact
from ratelimit.anomaly.manifest import Manifest
from ratelimit.cli.replay import replay
from ratelimit.core.errors import ConfigError
from tests.anomaly.conftest import manifest  # noqa: F401  (a fixture)
from tests.anomaly.models import parts, write

SECONDS = 120
RISKY = "203.0.113.7"
AGENT = "\x1b[2J<script>"
LIMITS = "limits: [{name: ip, per: [ip], bucket: {capacity: 1000, refill: 100/s}}]"
RISK = "risk: {requests: {model: model, MODE throttle: {above: 0.6, bucket: {capacity: 2, refill_ratio: 0.01, below_a_quarter: allowed}}}}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One address asks ten times a second, each time for another path and more than its twin holds; others are seldom, one too seldom."""
    path = tmp_path / "usage.ndjson"
    with path.open("w") as file:
        for second in range(SECONDS):
            callers = [RISKY] * 10 + [f"198.51.100.{number}" for number in range(12) if second % (number + 3) == 0]
            for number, ip in enumerate(callers):
                line = {"time": 1_790_000_000 + second, "method": "GET", "path": f"/{second}/{number}", "ip": ip, "status": 200}
                line |= {"user_agent": AGENT, "cost": 3} if ip == RISKY else {"user_agent": "curl/8.5.0"}
                file.write(json.dumps(line) + "\n")
    return path


@pytest.fixture
def model(tmp_path: Path, manifest: Manifest) -> Path:  # noqa: F811
    write(tmp_path / "model", manifest, {"ip": parts("ip")})
    return tmp_path / "model"


def policy(folder: Path, mode: str | None = None, name: str = "policy.yaml") -> Path:
    """Without a mode the policy says nothing of risk."""
    path = folder / name
    path.write_text("version: 1\n" + LIMITS + ("\n" + RISK.replace("MODE", f"mode: {mode}, ") if mode else ""))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(replay, [str(argument) for argument in arguments])


def found(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def of_risky(report: dict[str, Any]) -> dict[str, Any]:
    [one] = [one for one in report["risk"]["flagged"] if one["subject"] == f"ip:{RISKY}"]
    assert isinstance(one, dict)
    return one


@pytest.mark.usefixtures("model")
def test_in_shadow_it_is_said_what_would_be_refused(log: Path, tmp_path: Path) -> None:
    """The policy's model flags with reasons; all is admitted, and the twin tells what it would have refused."""
    report = found(log, "--policy", policy(tmp_path, "shadow"))
    one = of_risky(report)
    assert report["requests"]["refused"] == 0
    assert report["risk"]["ranks"] == "calibrated"
    assert [kind["scored"] for kind in report["risk"]["kinds"] if kind["kind"] == "ip"] == [12]
    assert len(one["reasons"]) == 3
    assert one["first"].startswith("2026-09-21T")
    assert one["seen"] == one["admitted"] > one["throttled"] > 0
    [twin] = report["risk"]["twins"]
    assert (twin["name"], twin["mode"]) == ("risk:ip", "shadow")
    assert twin["refused"] >= one["throttled"]


@pytest.mark.parametrize(("mode", "options"), [("enforce", []), ("shadow", ["--enforce-risk"])])
@pytest.mark.usefixtures("model")
def test_enforced_it_refuses(mode: str, options: list[str], log: Path, tmp_path: Path) -> None:
    """By the policy's word or by the option: what the twin has no room for is refused, and nobody is locked out; the same each time."""
    report = found(log, "--policy", policy(tmp_path, mode), *options)
    one = of_risky(report)
    assert report["reasons"]["risk_throttled"] == report["requests"]["refused"] == report["risk"]["twins"][0]["refused"] > 0
    assert one["admitted"] == one["seen"] - one["throttled"] > 0
    assert of_risky(found(log, "--policy", policy(tmp_path, mode), *options)) == one


@pytest.mark.usefixtures("model")
def test_two_policies_with_and_without_risk(log: Path, tmp_path: Path) -> None:
    """--against counts what the twins refuse as newly refused, and names them as what makes the difference."""
    enforced, without = policy(tmp_path, "enforce", "enforced.yaml"), policy(tmp_path)
    comparison = found(log, "--policy", without, "--against", enforced)["comparison"]
    assert comparison["requests"]["newly_refused"] > 0
    assert [limit["name"] for limit in comparison["limits"]] == ["risk:ip"]
    assert comparison["against"]["twins"][0]["refused"] == comparison["requests"]["newly_refused"]


def test_without_a_model_nothing_is_said_of_risk(log: Path, tmp_path: Path) -> None:
    """A policy that names none, and no --model."""
    assert found(log, "--policy", policy(tmp_path))["risk"] is None


def test_a_model_without_ranks_ranks_the_log(log: Path, tmp_path: Path, manifest: Manifest) -> None:  # noqa: F811
    """Nobody takes it for more than it is, and a log that is too short for 0.999 flags nobody."""
    write(tmp_path / "model", manifest, {"ip": parts("ip", calibrated=False)})
    report = found(log, "--policy", policy(tmp_path), "--model", tmp_path / "model")
    assert report["risk"]["ranks"] == "own_days"
    [kind] = [kind for kind in report["risk"]["kinds"] if kind["kind"] == "ip"]
    assert (kind["scored"], kind["flagged"], kind["ranked_days"]) == (12, 0, 12)
    assert "not calibrated: ranked on this log's own days" in " ".join(
        run(log, "--policy", policy(tmp_path), "--model", tmp_path / "model").stdout.split()
    )
    assert of_risky(found(log, "--policy", policy(tmp_path, "shadow")))["risk"] == pytest.approx(12 / 13, abs=0.1)


def test_a_log_that_comes_once_cannot_be_ranked(tmp_path: Path, manifest: Manifest) -> None:  # noqa: F811
    """Standard input is refused with a model that has no ranks."""
    write(tmp_path / "model", manifest, {"ip": parts("ip", calibrated=False)})
    error = run("-", "--policy", policy(tmp_path), "--model", tmp_path / "model").exception
    assert isinstance(error, ConfigError)
    assert "expected files instead of -" in str(error)


def test_simulated_is_said(log: Path, model: Path, tmp_path: Path) -> None:
    """A model that was ranked on days that nobody lived flags here, and the report says of what worth that is."""
    artifact = read_artifact(model)
    calibration = artifact.manifest.calibration
    assert calibration is not None
    write_artifact(model, replace(artifact.manifest, calibration=replace(calibration, simulated=True)), artifact.arrays, {})
    report = found(log, "--policy", policy(tmp_path, "shadow"))
    assert report["risk"]["ranks"] == "simulated"
    assert report["risk"]["ranked"].startswith("simulated: ")
    assert of_risky(report)["throttled"] > 0


@pytest.mark.usefixtures("model")
def test_what_a_client_calls_itself_is_only_text(log: Path, tmp_path: Path) -> None:
    """On the terminal and on the page."""
    shown = run(log, "--policy", policy(tmp_path, "shadow"), "--html", tmp_path / "page.html").stdout
    page = (tmp_path / "page.html").read_text()
    assert "\x1b" not in shown + page
    assert "\\x1b[2J" in shown
    assert "\\x1b[2J&lt;script&gt;" in page
    assert "calibrated on 2026-03-15 to 2026-03-28" in page


@pytest.mark.usefixtures("model")
def test_crawlers_are_listed_apart(log: Path, tmp_path: Path) -> None:
    """Whoever says it is a crawler, from that crawler's networks."""
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "googlebot.txt").write_text("203.0.113.0/24\n")
    log.write_text(log.read_text().replace(json.dumps(AGENT), '"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"'))
    risk = found(log, "--policy", policy(tmp_path, "shadow"), "--ip-lists", lists)["risk"]
    assert [one["subject"] for one in risk["crawlers"]] == [f"ip:{RISKY}"]
    assert f"ip:{RISKY}" not in [one["subject"] for one in risk["flagged"]]
    assert [kind["crawlers"] for kind in risk["kinds"]] == [0, 1, 0]
