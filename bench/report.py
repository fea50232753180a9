"""Rows on the terminal as they are, and as JSON. A budget that is missed is never hidden."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from bench.row import Row

_MET: Final = {True: "[green]yes[/]", False: "[bold red]NO[/]", None: ""}
_WIDTH: Final = 150  # where no terminal says how wide it is


def show(facts: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Print the machine and the table."""
    console = Console() if Console().is_terminal else Console(width=_WIDTH)
    for name, fact in facts.items():
        console.print(f"{name:18} {fact}", highlight=False, markup=False)
    table = Table("", "row", "median", "spread", "rounds", "budget", "met", "note")
    for column in table.columns[2:5]:
        column.justify = "right"
        column.no_wrap = True
    group = ""
    for row in rows:
        if row.group != group:
            table.add_section()
        table.add_row("" if row.group == group else row.group, row.name, *_numbers(row), row.note)
        group = row.group
    console.print(table)
    budgets = [row.met for row in rows if row.budget is not None]
    console.print(f"{budgets.count(True)} budgets met, {budgets.count(False)} missed, {budgets.count(None)} not measured")


def write(path: Path, facts: Mapping[str, str], rows: Iterable[Row]) -> None:
    """Write the same as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": dict(facts), "rows": [{**msgspec.to_builtins(row), "median": row.median, "met": row.met} for row in rows]}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def _numbers(row: Row) -> tuple[str, str, str, str, str]:
    budget = str(row.budget) if row.budget else ""
    if row.median is None:
        return "missing", "", "0", budget, ""
    spread = f"{_figure(min(row.values))} - {_figure(max(row.values))}" if len(row.values) > 1 else ""
    return f"{_figure(row.median)} {row.unit}", spread, str(len(row.values)), budget, _MET[row.met]


def _figure(value: float) -> str:
    """Three or four figures that mean something."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.4f}"
