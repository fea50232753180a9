"""`ratelimit audit verify`."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from ratelimit.cli.audit import audit
from ratelimit.review.audit import append
from ratelimit.review.audit import head as head_of
from tests.ledger.database import opened, sqlite_url

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command on a data folder with a ledger of three entries."""
    monkeypatch.setenv("RATELIMIT_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    asyncio.run(_fill(tmp_path))
    return lambda *arguments: CliRunner().invoke(audit, ["verify", *arguments])


async def _fill(folder: Path) -> str:
    async with opened(sqlite_url(folder)) as ledger, ledger.write() as connection:
        for number in range(3):
            await append(connection, "mira", "noted", {"n": number}, at=float(number))
        end = await head_of(connection)
    return f"{end.seq}:{end.link.hex()}"


async def _change(folder: Path, *statements: str) -> None:
    async with opened(sqlite_url(folder)) as ledger, ledger.write() as connection:
        for statement in statements:
            await connection.execute(text(statement))


def test_whole(run: Run) -> None:
    """It says how much there is, and the head to note."""
    done = run()
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "the chain is whole")
    assert done.output.startswith("3 entries, 0 of them forgotten; head ")


def test_broken(run: Run, tmp_path: Path) -> None:
    """The first entry that is wrong is named."""
    asyncio.run(_change(tmp_path, "UPDATE audit SET actor = 'eve' WHERE seq = 2"))
    done = run()
    assert done.exit_code == 1
    assert "entry 2: the entry was changed" in done.output


def test_a_chain_that_was_made_anew(run: Run, tmp_path: Path) -> None:
    """It is whole in itself, and found out by a head that was noted."""
    noted = asyncio.run(_fill(tmp_path))
    assert run("--head", noted).output.splitlines()[-1] == "the chain is whole, and goes on from what was noted"
    asyncio.run(_change(tmp_path, "DELETE FROM audit", "DELETE FROM audit_content", "DELETE FROM audit_head"))
    asyncio.run(_fill(tmp_path))
    asyncio.run(_fill(tmp_path))
    assert run().exit_code == 0
    done = run("--head", noted)
    assert (done.exit_code, "made anew" in done.output) == (1, True)


def test_a_head_that_is_none(run: Run) -> None:
    """It says what was expected."""
    done = run("--head", "nonsense")
    assert (done.exit_code, "expected SEQ:LINK" in done.output) == (2, True)
