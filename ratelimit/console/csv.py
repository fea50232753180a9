"""Tables as CSV for people's spreadsheets. A cell that a caller wrote cannot become a formula there, nor break out of its cell."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from ratelimit.console.hostile import plain
from ratelimit.web.reply import Reply, lines

_FORMULA: Final = ("=", "+", "-", "@", "|", "%")
_MOST_CELL: Final = 2_000  # characters

Cell = str | int | float | None


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The table. Numbers stand as they are; text is made harmless."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: Cell) -> str:
    """One value. What a spreadsheet would take for a formula begins with an apostrophe, and what has no shape is spelled."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:.15g}"
    text = plain(value[:_MOST_CELL])
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def csv_reply(name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Reply:
    """The table as a file; `name` is ours, without its ending."""
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Reply(200, lines(headers), csv_text(head, rows).encode("utf-8", "replace"))
