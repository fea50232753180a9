"""`ratelimit people`: the way back in, on the ledger alone."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ratelimit.cli.people import people
from ratelimit.ledger import people as rows
from ratelimit.review.audit import AuditEntry, AuditFilter, entries
from ratelimit.review.entry import link_digest
from tests.ledger.database import opened, sqlite_url

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a data folder whose last admin has forgotten the password."""
    monkeypatch.setenv("RATELIMIT_DATA", str(tmp_path))
    monkeypatch.setenv("RATELIMIT_CONSOLE_URL", "https://console.example")
    asyncio.run(_fill(tmp_path))
    return lambda *arguments: CliRunner().invoke(people, arguments)


async def _fill(folder: Path) -> None:
    async with opened(sqlite_url(folder)) as ledger, ledger.write() as connection:
        await rows.add(connection, "ada", "Ada \x1b[1m[bold]", "admin", password="none", by="test", now=1.0)
        out = await rows.add(connection, "out", "Out", "admin", password="none", by="test", now=1.0)
        await rows.change(connection, out, disabled_at=2.0)


async def _after(folder: Path, link: str) -> tuple[str | None, list[AuditEntry]]:
    """Whose link it is, and what the audit has."""
    async with opened(sqlite_url(folder)) as ledger, ledger.read() as connection:
        found = await rows.invitation(connection, link_digest(link), 0.0)
        person = await rows.find(connection, found.person) if found is not None and found.person is not None else None
        return person.login if person is not None else None, await entries(connection, AuditFilter(), 9)


def _link(done: Result) -> str:
    assert done.exit_code == 0, done.output
    found = re.search(r"https://console\.example/welcome\?token=(\S+)", done.output)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("command", "login", "kind"),
    [(("link", "Ada"), "ada", "password.link"), (("invite", "bea", "--name", "Bea"), "bea", "person.invited")],
)
def test_a_link(run: Run, tmp_path: Path, command: tuple[str, ...], login: str, kind: str) -> None:
    """It is printed as a browser opens it, and in the audit it is the operator's, whose hand makes nobody a second person."""
    whose, (entry,) = asyncio.run(_after(tmp_path, _link(run(*command))))
    assert whose == login
    assert (entry.actor, entry.kind, (entry.content or {})["by"]) == ("operator", kind, 0)


def test_list(run: Run) -> None:
    """Names of whatever kind steer no terminal."""
    done = run("list")
    assert (done.exit_code, "\x1b" in done.output, "[bold]" in done.output, "disabled" in done.output) == (0, False, True, True)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("link", "nobody"), "people list"),
        (("link", "out"), "is disabled"),
        (("invite", "ada", "--name", "Ada"), "somebody's login already"),
        (("invite", "ä", "--name", "A"), "expected letters"),
        (("invite", "operator", "--name", "A"), "part of the program"),
        (("invite", "bea", "--name", "A", "--role", "king"), "king"),
    ],
)
def test_what_cannot_be(run: Run, command: tuple[str, ...], says: str) -> None:
    """It is said what is wrong, and nothing is made."""
    done = run(*command)
    assert (done.exit_code, says in done.output) == (2, True)
