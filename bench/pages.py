"""How long the console's pages take on a ledger of a million records: `python -m bench.pages`, on SQLite and on PostgreSQL.

Each page is asked for over HTTP by one client, one after another; what is measured is from the request to the last byte, and beside it the
CPU time that the service and the database took, which says what a page costs where the machine has other work too. A ledger is filled
first (bench/ledger_fill.py), which takes some minutes each. Exit codes: 0 within the budget, 1 a page was slower, 2 usage.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import click
from rich.console import Console
from rich.table import Table

from bench.cpu import family, used_ms
from bench.ledger_fill import Size, fill
from tests.ledger.postgres import postgres

BUDGET_MS: Final = 100.0
_TOKEN: Final = "token-of-the-bench-of-pages"  # noqa: S105  of a server that lives as long as the bench
_ROUNDS: Final = 7
_START_S: Final = 30.0
_PAGES: Final = (
    "/overview", "/queue", "/queue?tab=closed", "/queue?tab=mine", "/queue?tab=snoozed", "/queue?sort=due", "/queue?text=acc",
    "/cases/{busiest}", "/cases/{busiest}?show=purchases", "/cases/{latest}", "/cases/{busiest}/preview?then=block", "/subjects/{subject}",
    "/campaigns", "/campaigns/{campaign}", "/traffic", "/traffic?span=7d", "/rules", "/rules/card-testing", "/models", "/lists", "/audit",
    "/privacy", "/users",
    # what a text costs that is in many names, in few, in one and in none; far down in the list; by number, network and card
    "/queue?text=acct_02", "/queue?text=nobody-is-called-so", "/queue?tab=closed&text=acc", "/queue?tab=closed&text=person.1",
    "/queue?tab=closed&text=acct_0123", "/queue?tab=closed&text=nobody-is-called-so", "/queue?tab=closed&text=10.&sort=money",
    "/queue?tab=closed&after={deep}", "/queue?tab=closed&text=acc&after={deep}",
    "/search?q=ac", "/search?q=acct_0", "/search?q=acct_012345", "/search?q=gmail", "/search?q=@gmail.com", "/search?q=person.1234",
    "/search?q=nobody-is-called-so", "/search?q=10.0.", "/search?q=10.0.0.0/9", "/search?q=10.0.0.0/23", "/search?q=10.0.4.7",
    "/search?q=1234", "/search?q=pi_0012345", "/search?q=key_0123",
)  # fmt: skip
_DEEP: Final = 20  # pages of 200 cases


class Took(NamedTuple):
    """A page: the median and the worst of its rounds, the first one apart, since it fills caches."""

    page: str
    status: int
    first_ms: float
    median_ms: float
    worst_ms: float
    cpu_ms: float
    size_kb: float


def measure(origin: str, pages: list[str], pids: list[int]) -> Iterator[Took]:
    """Every page, one after another; `pids` are whose CPU time counts, theirs and their children's."""
    place = urlsplit(origin)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    for page in pages:
        times, cpu, status, size = [], [], 0, 0
        for _ in range(1 + _ROUNDS):
            who = [one for pid in pids for one in family(pid)]
            used, began = used_ms(who), time.perf_counter()
            connection.request("GET", page, headers={"Authorization": f"Bearer {_TOKEN}", "Accept": "text/html"})
            answer = connection.getresponse()
            status, size = answer.status, len(answer.read())
            times.append((time.perf_counter() - began) * 1_000)
            cpu.append(used_ms(who) - used)
        yield Took(page, status, times[0], median(times[1:]), max(times[1:]), median(cpu[1:]), size / 1_000)
    connection.close()


@contextmanager
def serving(folder: Path, url: str) -> Iterator[tuple[str, int]]:
    """A `serve` on that ledger; where its operator lane is, and its process."""
    settings = {"GATEWAY": "127.0.0.1:0", "OPERATOR": "127.0.0.1:0", "OPERATOR_TOKEN": _TOKEN, "DATABASE_URL": url, "LEDGER_KEY": "0" * 64}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")}
    environment |= {f"RATELIMIT_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "ratelimit", "serve"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _operator(process), process.pid
        finally:
            process.terminate()


def _operator(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith("operator lane"):
            return f"http://{line.split()[2]}"
    raise click.ClickException("the service did not start")


def _named(origin: str) -> list[str]:
    """The pages, with a case, a subject and a campaign that are there."""
    rows = _first(origin)
    campaigns = _json(origin, "/v1/campaigns").get("campaigns", [])
    said = {
        "busiest": rows[0]["number"],
        "latest": rows[-1]["number"],
        "subject": rows[0]["anchor"]["id"],
        "campaign": campaigns[0]["number"] if campaigns else 1,
        "deep": quote(_deep(origin)),
    }
    return [page.format(**said) for page in _PAGES]


def _deep(origin: str) -> str:
    """Where a page far down in the list of closed cases begins."""
    after = ""
    for _ in range(_DEEP):
        page = _json(origin, f"/v1/cases?tab=closed&most=200{after and f'&after={quote(after)}'}")
        after = page.get("following") or after
    return after


def _first(origin: str) -> list[dict[str, Any]]:
    """The first page of the queue, asked for until the ledger answers."""
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        rows: list[dict[str, Any]] = _json(origin, "/v1/cases?most=50").get("rows", [])
        if rows:
            return rows
        time.sleep(0.2)
    raise click.ClickException("the ledger does not answer, or has no case")


def _postgres_pid(socket: str) -> int:
    return int((Path(socket) / "data" / "postmaster.pid").read_text().split()[0])


def _json(origin: str, path: str) -> dict[str, Any]:
    place = urlsplit(origin)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {_TOKEN}"})
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def shown(title: str, found: list[Took]) -> Table:
    """As a table."""
    table = Table("page", "status", "first ms", "median ms", "worst ms", "CPU ms", "kB", title=title)
    for took in found:
        slow = "[bold]" if took.median_ms > BUDGET_MS else ""
        figures = (
            f"{took.first_ms:.0f}",
            f"{slow}{took.median_ms:.0f}",
            f"{took.worst_ms:.0f}",
            f"{took.cpu_ms:.0f}",
            f"{took.size_kb:.0f}",
        )
        table.add_row(took.page, str(took.status), *figures)
    return table


@click.command()
@click.option("--records", default=Size().records, show_default=True, help="Decisions on requests in the ledger.")
@click.option("--cases", default=Size().cases, show_default=True)
@click.option("--only", type=click.Choice(["sqlite", "postgresql"]), help="One of the two databases.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Folder of a SQLite ledger that is filled once.")
def main(records: int, cases: int, only: str | None, keep: Path | None) -> None:
    """Measure the pages on both databases."""
    console, slow, size = Console(), False, Size(records=records, cases=cases)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rl-pages-")))
        urls, socket = dict[str, str](), None
        if only != "postgresql":
            urls["SQLite"] = f"sqlite://{(keep or folder).absolute() / 'ledger.db'}"
        if only != "sqlite" and (socket := stack.enter_context(postgres())) is not None:
            urls["PostgreSQL"] = f"postgresql://ratelimit@/postgres?host={socket}"
        for name, url in urls.items():
            if not (keep is not None and name == "SQLite" and (keep / "ledger.db").exists()):
                console.print(f"{name}: filling a ledger of {records:,} records")
                fill(url, size, now=time.time())
            with serving(folder, url) as (origin, pid):
                found = list(measure(origin, _named(origin), [pid, *([_postgres_pid(socket)] if name == "PostgreSQL" and socket else [])]))
            console.print(shown(f"{name}, {records:,} records, {cases:,} cases", found))
            slow |= any(took.median_ms > BUDGET_MS or took.status != 200 for took in found)
    sys.exit(int(slow))


if __name__ == "__main__":
    main()
