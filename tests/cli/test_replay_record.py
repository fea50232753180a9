"""`ratelimit replay --record`, on records that a limiter and a model have made."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from ratelimit.anomaly.manifest import Manifest, Trained
from ratelimit.anomaly.model import Model
from ratelimit.cli.replay import replay
from ratelimit.core.decision import Decision
from ratelimit.core.errors import ConfigError
from ratelimit.core.record import Evidence, record_of
from ratelimit.core.signals import NAMES, VERSION
from ratelimit.service.policy_source import read_policy
from tests.anomaly.models import parts, signals, write

POLICY = "{version: 1, limits: [{name: key, per: [api_key], bucket: {capacity: 9, refill: 1/s}}]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy, a calibrated model, and a record that they have made."""
    (tmp_path / "p.yaml").write_text(POLICY)
    trained = Trained("2026-03-01", "2026-03-14", {"api_key": 600}, {"api_key": 600})
    write(tmp_path / "model", Manifest(signal_version=VERSION, signals=NAMES, trained=trained, libraries={}), {"api_key": parts("api_key")})
    model = Model.read(tmp_path / "model")
    rows = signals("api_key", 100, seed=3).astype("<f4")
    row = next(row for row in rows if 0.5 < model.score("api_key", row[None].astype(float), ["pro"])[0] < 0.9)
    evidence = Evidence("api_key", "k", float(model.score("api_key", row[None].astype(float), ["pro"])[0]), model.version, row.tobytes())
    decision = Decision("x-1", "throttle", "rate_exceeded", "key", "api_key:k", 0, 0.5, 9.5)
    policy = read_policy(tmp_path / "p.yaml").digest
    record = record_of(decision, time=1.0, method="GET", path="/", cost=1, policy=policy, plan="pro", evidence=evidence)
    (tmp_path / "r.json").write_bytes(msgspec.json.encode(record))
    return tmp_path


def run(folder: Path, *more: str, record: str | None = None, stdin: str | None = None) -> Result:
    arguments = ["--record", record or str(folder / "r.json"), "--policy", str(folder / "p.yaml"), *more]
    return CliRunner().invoke(replay, arguments, input=stdin)


def change(folder: Path, **fields: Any) -> None:
    record = json.loads((folder / "r.json").read_text())
    (folder / "r.json").write_text(json.dumps({**record, **fields}))


def test_the_same(folder: Path) -> None:
    """Verdict and risk come out as they were, from a file and from standard input."""
    found = run(folder, "--model", str(folder / "model"))
    assert found.exit_code == 0, found.output
    assert found.output.endswith("verdict  the same\n")
    assert "throttle, rate_exceeded, risk 0." in found.output
    piped = run(folder, "--model", str(folder / "model"), "--json", record="-", stdin=(folder / "r.json").read_text())
    assert json.loads(piped.output)["same"] is True


def test_different(folder: Path) -> None:
    """Who changed the signals of a record, or its limit, meets exit code 1."""
    then = json.loads((folder / "r.json").read_text())["signals"]
    change(folder, signals=[value and value * 50 for value in then])
    found = run(folder, "--model", str(folder / "model"), "--json")
    report = json.loads(found.output)
    assert (found.exit_code, report["same"]) == (1, False)
    assert report["now"]["risk"] > report["then"]["risk"]
    change(folder, signals=then, limit="another")
    assert "now      allow, ok" in run(folder, "--model", str(folder / "model")).output


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"policy": "0123"}, "p.yaml"), ({"model": "ba9876543210"}, "ba9876543210"), ({"signal_version": 99}, "version 99")],
)
def test_what_does_not_go_together(folder: Path, fields: dict[str, Any], said: str) -> None:
    """Another policy, model or version of signals is an error of usage that names both."""
    change(folder, **fields)
    found = run(folder, "--model", str(folder / "model"))
    assert isinstance(found.exception, ConfigError)
    assert said in str(found.exception)


def test_without_the_model(folder: Path) -> None:
    """A record with a risk by a model wants that model's folder."""
    assert "give that model's folder" in str(run(folder).exception)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"records": []}', "\udcff"])
def test_what_is_no_record(folder: Path, content: str) -> None:
    """Anything else is said to be none, and what would do."""
    (folder / "r.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    found = run(folder)
    assert isinstance(found.exception, ConfigError)
    assert "expected one record, as /v1/records/ID answers it" in str(found.exception)


def test_usage(folder: Path) -> None:
    """A file that is not there, a log beside a record, and neither, are errors."""
    assert "No such file" in str(run(folder, record="/nowhere").exception)
    assert run(folder, "some.log").exit_code == 2
    assert CliRunner().invoke(replay, []).exit_code == 2
