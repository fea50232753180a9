"""A table as plain text in cells, so that the terminal and Markdown show the same figures."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final, NamedTuple

from bench.contenders import NOTES, US
from bench.outcome import Outcome
from bench.row import Row
from bench.standing import Standing, times

_MET: Final = {True: "yes", False: "NO", None: ""}


class Table(NamedTuple):
    """A title, the heads of its columns, its lines, and notes that stand below. `texts` is how many columns from the left are words."""

    title: str
    heads: tuple[str, ...]
    lines: Sequence[tuple[str, ...]]
    notes: list[str]
    texts: int = 1


def tables(outcome: Outcome) -> Iterator[Table]:
    """One of everything that has a budget or stands alone, then one for each load."""
    if outcome.rows:
        yield _of_rows(outcome.rows)
    if outcome.standings:
        yield _of_contenders(outcome.standings)
    for (load, connections), standings in outcome.under().items():
        yield _of_load(f"{load}, {connections} connection{'s' if connections > 1 else ''}", standings)


def budgets(rows: Sequence[Row]) -> str:
    """How many were kept."""
    found = [row.met for row in rows if row.budget is not None]
    return f"{found.count(True)} budgets met, {found.count(False)} missed, {found.count(None)} not measured"


def _of_rows(rows: Sequence[Row]) -> Table:
    heads = ("group", "row", "median", "spread", "rounds", "budget", "met", "note")
    return Table("Budgets and figures", heads, [(row.group, row.name, *_numbers(row), row.note) for row in rows], [], texts=2)


def _numbers(row: Row) -> tuple[str, str, str, str, str]:
    budget = str(row.budget) if row.budget else ""
    if row.median is None:
        return "missing", "", "0", budget, ""
    return f"{figure(row.median)} {row.unit}", spread(row.values), str(len(row.values)), budget, _MET[row.met]


def _of_contenders(standings: Sequence[Standing]) -> Table:
    """Who they are, and why some are missing; the reason is the one from the first load."""
    missing = {one.server: one.note for one in reversed(standings) if not one.measured}
    names = dict.fromkeys(one.server for one in standings)
    lines = [(name, _line_of(NOTES.get(name, "")), _line_of(missing.get(name, ""))) for name in names]
    return Table("Who is compared", ("server", "note", "missing"), lines, [])


def _line_of(text: str) -> str:
    return " ".join(text.removeprefix("missing: ").split())


def _of_load(title: str, standings: Sequence[Standing]) -> Table:
    heads = (
        "server", "requests/s", "spread", "rounds", "ours is", "p50 ms", "p99 ms", "CPU µs", "of the store", "store reads",
        "refused", "wrk busy", "others",
    )  # fmt: skip
    ours = next((one for one in standings if one.server == US and one.measured), None)
    shown = sorted((one for one in standings if one.measured), key=lambda one: -median(one.rates))
    notes = [f"{one.server}: {one.note}" for one in shown if one.note]
    notes += [f"{one.server}: at least, since wrk had no more to give" for one in shown if one.client_bound]
    missing = [(one.server, "missing", *[""] * (len(heads) - 2)) for one in standings if not one.measured]
    return Table(title, heads, [_line(one, ours) for one in shown] + missing, notes)


def _line(one: Standing, ours: Standing | None) -> tuple[str, ...]:
    rate = f"{'≥ ' if one.client_bound else ''}{figure(median(one.rates))}"
    against = "" if ours is None or one.server == US else f"{figure(median(times(ours, one)))} x"
    store = median(one.store_cpu_us)
    return (
        one.server,
        rate,
        spread(one.rates),
        str(len(one.rates)),
        against,
        figure(median(one.p50_us) / 1e3),
        figure(median(one.p99_us) / 1e3),
        figure(median(one.cpu_us)),
        figure(store) if store else "",
        figure(median(one.store_reads)) if store else "",
        f"{one.refused:.0%}" if one.refused is not None else "",
        f"{median(one.client_busy):.0%}",
        f"{median(one.others_busy):.0%}" if one.others_busy else "",
    )


def spread(values: Sequence[float]) -> str:
    """The lowest and the highest round."""
    return f"{figure(min(values))} - {figure(max(values))}" if len(values) > 1 else ""


def figure(value: float) -> str:
    """Three or four figures that mean something."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.4f}"
