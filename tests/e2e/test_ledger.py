"""What a service decides is in its ledger, once, whatever happens to the process."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.e2e.serving import CHECK, POLICY, Serving, serving, until

HOSTILE = "<script>alert(1)</script>\n' OR 1=1 --"
REFUSED = 60


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Read the ledger's file, as it is: nothing where the process was killed before it had made the tables."""
    with closing(sqlite3.connect(f"file:{folder / 'ratelimit-data' / 'ledger.db'}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall():
            return []
        return connection.execute(query).fetchall()


def told(running: Serving) -> float:
    """How many messages the service has sent."""
    lines = running.operate("/metrics")[1].splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith('ratelimit_ledger_told_total{result="sent"}'))


def test_killed(tmp_path: Path) -> None:
    """What left a process before it was killed is in the ledger once it runs again, each once, and links count it once."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    with serving(tmp_path) as running:
        for number in range(3 + REFUSED):
            running.check(account="anna", user_agent=HOSTILE, path=f"/v1/images/{number}")
        until(lambda: told(running) >= REFUSED)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    with serving(tmp_path):
        until(lambda: len(ask(tmp_path, "SELECT id FROM record")) >= REFUSED, seconds=90)
        rows = ask(tmp_path, "SELECT decision, user_agent, count(*) FROM record GROUP BY 1, 2")
        assert rows == [("throttle", HOSTILE, REFUSED)]
        assert ask(tmp_path, "SELECT DISTINCT count FROM link") == [(REFUSED,)]
    assert CHECK["api_key"].encode() not in b"".join(path.read_bytes() for path in (tmp_path / "ratelimit-data").glob("ledger.db*"))


def test_drained(tmp_path: Path) -> None:
    """A service that is told to stop sends what it has not told yet; the next one writes it. `retention show` reads that ledger."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    with serving(tmp_path, ALLOW_SAMPLE="1") as running:
        for _ in range(4):
            running.check(account="anna")
    with serving(tmp_path):
        until(lambda: len(ask(tmp_path, "SELECT id FROM record")) == 4, seconds=90)
        until(lambda: ask(tmp_path, "SELECT sum(count) FROM traffic") == [(4,)], seconds=90)
    shown = subprocess.run(
        [sys.executable, "-m", "ratelimit", "retention", "show", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(shown.stdout)["terms"]["records"] == "90d"
