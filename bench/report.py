"""What was measured, on the terminal and as Markdown. A budget that is missed is never hidden, and neither is who could not be measured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table as Drawn
from rich.text import Text

from bench.outcome import Outcome
from bench.table import Table, budgets, tables

_WIDTH: Final = 170  # where no terminal says how wide it is
_WORDS: Final = ("note", "missing")  # columns that hold sentences
_STYLES: Final = {"NO": "bold red", "yes": "green", "missing": "yellow"}


def show(outcome: Outcome) -> None:
    """Print machine and tables."""
    console = Console() if Console().is_terminal else Console(width=_WIDTH)
    for name, fact in outcome.machine.items():
        console.print(f"{name:18} {fact}", highlight=False, markup=False)
    for table in tables(outcome):
        console.print(_drawn(table))
        for note in table.notes:
            console.print(f"  {note}", highlight=False, markup=False)
    console.print(budgets(outcome.rows))


def markdown(outcome: Outcome) -> str:
    """The same as a page."""
    parts = ["# What was measured", "\n".join(f"* {name}: {fact}" for name, fact in outcome.machine.items()), budgets(outcome.rows)]
    for table in tables(outcome):
        parts += [f"## {table.title}", "\n".join(_lines(table))]
        if table.notes:
            parts.append("\n".join(f"* {_escaped(note)}" for note in table.notes))
    return "\n\n".join(parts) + "\n"


def write_markdown(path: Path, outcome: Outcome) -> None:
    """Write the page."""
    path.write_text(markdown(outcome), encoding="utf-8")


def _drawn(table: Table) -> Drawn:
    drawn = Drawn(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for index, head in enumerate(table.heads):
        words = index < table.texts or head in _WORDS
        drawn.add_column(head, justify="left" if words else "right", no_wrap=not words)
    before = ""
    for line in table.lines:
        first = "" if table.texts > 1 and line[0] == before else line[0]
        drawn.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in (first, *line[1:])))
        before = line[0]
    return drawn


def _lines(table: Table) -> Iterator[str]:
    yield _line(table.heads)
    yield _line(tuple("---" if index < table.texts or head in _WORDS else "---:" for index, head in enumerate(table.heads)))
    for line in table.lines:
        yield _line(line)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
