"""`ratelimit retention`."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from ratelimit.cli.retention import retention
from ratelimit.core.errors import ConfigError
from ratelimit.ledger.tables.record import RECORD
from tests.ledger.database import opened, sqlite_url

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command on a data folder of its own."""
    monkeypatch.setenv("RATELIMIT_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> str:
        return CliRunner().invoke(retention, arguments, catch_exceptions=False).output

    return call


async def _fill(folder: Path) -> None:
    rows = [
        {"id": f"r{at}", "at": at, "decision": "block", "reason": "x", "method": "GET", "path": "/", "cost": 1, "policy": "p"}
        for at in (1.0, 2.0)
    ]
    async with opened(sqlite_url(folder)) as ledger, ledger.write() as connection:
        await connection.execute(insert(RECORD), rows)


def test_run(run: Run, tmp_path: Path) -> None:
    """What is due is removed, said, and shown from then on."""
    asyncio.run(_fill(tmp_path))
    assert json.loads(run("run", "--json").splitlines()[-1])["removed"] == {"records": 2}
    assert "nothing was due" in run("run")
    shown = run("show")
    assert "records    90d" in shown
    assert "2 records" in shown
    (before,) = json.loads(run("show", "--json"))["runs"]
    assert before["removed"] == {"records": 2}


def test_policy(run: Run, tmp_path: Path) -> None:
    """The terms are those of the policy file."""
    asyncio.run(_fill(tmp_path))
    limits = "limits: [{name: k, per: [api_key], bucket: {capacity: 5, refill: 1/s}}]"
    (tmp_path / "ratelimit.yaml").write_text(f"version: 1\n{limits}\nretention: {{records: 35d, keep: [device]}}\n")
    terms = json.loads(run("show", "--json"))
    assert (terms["terms"]["records"], terms["keep"]) == ("35d", ["device"])


def test_no_ledger(run: Run) -> None:
    """Where there is none that is said, and none is made."""
    with pytest.raises(ConfigError, match="there is no ledger in"):
        run("run")
