"""Fills an empty ledger with a site's past: `python bench/ledger_fill.py URL`, for the bench of the console and for trying it out.

A million decisions, sixty thousand purchases and twenty thousand cases with all that belongs to them take some minutes. The same seed makes
the same ledger. Exit codes: 0 filled, 2 usage.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Table

from bench.fill import casework, crowd, traffic
from bench.fill.casework import Casework
from bench.fill.crowd import Crowd
from bench.fill.loader import Loader, Rows
from bench.fill.traffic import Buying
from ratelimit.ledger.tables.action import ACTION, LABEL
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT, AUDIT_HEAD
from ratelimit.ledger.tables.case import CAMPAIGN, CASE, OPENING
from ratelimit.ledger.tables.person import PERSON
from ratelimit.ledger.tables.purchase import LIFE, LINK, OUTCOME, PURCHASE
from ratelimit.ledger.tables.record import RECORD, TRAFFIC
from ratelimit.ledger.tables.subject import SUBJECT

_TABLES: Final = (
    SUBJECT, LINK, RECORD, PURCHASE, OUTCOME, LABEL, LIFE, TRAFFIC, PERSON, CASE, OPENING, CAMPAIGN, ACTION, AUDIT, AUDIT_CONTENT,
    AUDIT_HEAD,
)  # fmt: skip


class Size(NamedTuple):
    """How many of what; `traffic_days` of counts."""

    records: int = 1_000_000
    purchases: int = 60_000
    cases: int = 20_000
    accounts: int = 30_000
    traffic_days: float = 7.0


class Part(NamedTuple):
    """Rows of one table, about so many."""

    table: Table
    columns: Sequence[str]
    rows: Rows
    about: int


def parts(size: Size, now: float, seed: int) -> Iterator[Part]:
    """All of it, table by table."""
    who = Crowd(size.accounts, now, seed)
    buying, cases = Buying(who, size.purchases), Casework(who, size.cases)
    yield Part(SUBJECT, crowd.COLUMNS, who.subjects(), size.accounts * 6)
    yield Part(LINK, crowd.LINK_COLUMNS, who.links(), size.accounts * 7)
    yield Part(RECORD, traffic.RECORD_COLUMNS, traffic.records(who, size.records), size.records)
    yield Part(PURCHASE, traffic.PURCHASE_COLUMNS, buying.purchases(), size.purchases)
    yield Part(OUTCOME, traffic.OUTCOME_COLUMNS, buying.outcomes(), size.purchases)
    yield Part(LABEL, traffic.LABEL_COLUMNS, buying.labels(), size.purchases // 100)
    yield Part(LIFE, traffic.LIFE_COLUMNS, traffic.lives(who, size.records // 20), size.records // 20)
    yield Part(TRAFFIC, traffic.TRAFFIC_COLUMNS, traffic.counts(who, size.traffic_days), int(size.traffic_days * 8_640) * 6)
    yield Part(PERSON, casework.PERSON_COLUMNS, cases.people(), len(casework.PEOPLE))
    yield Part(CASE, casework.CASE_COLUMNS, cases.cases(), size.cases)
    yield Part(OPENING, casework.OPENING_COLUMNS, cases.openings(), size.cases * 3 // 2)
    yield Part(CAMPAIGN, casework.CAMPAIGN_COLUMNS, cases.campaigns(), 40)
    yield Part(ACTION, casework.ACTION_COLUMNS, cases.actions(), size.cases)
    yield Part(AUDIT, casework.AUDIT_COLUMNS, cases.audit(), size.cases * 4)
    yield Part(AUDIT_CONTENT, casework.CONTENT_COLUMNS, cases.contents(), size.cases * 4)
    yield Part(AUDIT_HEAD, ("id", "seq", "link"), cases.head(), 1)


def fill(url: str, size: Size, *, now: float, seed: int = 1, progress: Progress | None = None) -> dict[str, int]:
    """Fill the ledger at that URL; how many rows of each table there are then."""
    loader, found = Loader(url), dict[str, int]()
    loader.prepare(_TABLES)
    for part in parts(size, now, seed):
        task = progress.add_task(part.table.name, total=part.about) if progress is not None else None
        for done in loader.load(part.table, part.columns, part.rows):
            found[part.table.name] = done
            if progress is not None and task is not None:
                progress.update(task, completed=done)
        if progress is not None and task is not None:
            progress.update(task, total=found.get(part.table.name, 0), completed=found.get(part.table.name, 0))
    loader.finish(_TABLES)
    return found


@click.command()
@click.argument("url")
@click.option("--records", default=Size().records, show_default=True, help="Decisions on requests.")
@click.option("--purchases", default=Size().purchases, show_default=True)
@click.option("--cases", default=Size().cases, show_default=True)
@click.option("--accounts", default=Size().accounts, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(url: str, **wanted: Any) -> None:
    """Fill the empty ledger at URL, such as sqlite:////tmp/ledger.db or postgresql://HOST/NAME."""
    seed, since = wanted.pop("seed"), time.monotonic()
    columns = (TextColumn("{task.description:>14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        found = fill(url, Size(**wanted), now=time.time(), seed=seed, progress=progress)
    click.echo(f"{sum(found.values()):,} rows in {time.monotonic() - since:.0f} s")


if __name__ == "__main__":
    main()
