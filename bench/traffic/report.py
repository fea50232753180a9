"""The result of a load test on the terminal, as JSON, as one HTML page that holds locust's own, and as Markdown for a job's summary."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.box import HEAVY_HEAD, MARKDOWN, Box
from rich.console import Console
from rich.table import Table

from bench.traffic.objective import MEASURES
from bench.traffic.result import Result, Verdict

_PAGE: Final = "page.html"
_WIDTH: Final = 150  # where no terminal says how wide it is
_OF_CALLERS: Final = ("requests", "per s", "p50 ms", "p95 ms", "p99 ms", "errors", "refused", "without store")
_OF_LIMITS: Final = ("buckets", "admitted", "used of the fullest", "over-admission")


class Report:
    """One test: `facts` are of machine and run, `verdicts` of `result`."""

    def __init__(self, facts: Mapping[str, str], result: Result, verdicts: Sequence[Verdict]) -> None:
        self.facts, self.result, self.verdicts = facts, result, verdicts

    def show(self) -> None:
        """Print callers, limits and objectives."""
        console = Console() if Console().is_terminal else Console(width=_WIDTH)
        rows = self.result.rows()
        console.print(_table(("caller", "page"), _OF_CALLERS, [(*who, *map(figure, row)) for who, row in rows.items()]))
        console.print(_table(("limit",), _OF_LIMITS, [[figure(value) for value in row] for row in self.result.limits()]))
        for flaw, times in self.result.flaws():
            console.print(f"{times:,} times: {flaw}", style="yellow", markup=False, highlight=False)
        console.print(self._objectives(HEAVY_HEAD))
        console.print(self.summary, style="green" if self.met else "bold red", highlight=False)

    def append_markdown(self, path: Path) -> None:
        """Add the objectives to a file of Markdown."""
        with path.open("a", encoding="utf-8") as file:
            console = Console(file=file, width=_WIDTH, no_color=True)
            console.print("### Load test\n")
            console.print(self._objectives(MARKDOWN))
            console.print(f"\n{self.summary}, {len(self.result.entries):,} requests in {self.result.seconds:.0f} s\n", highlight=False)

    def write_json(self, path: Path) -> None:
        """Everything, for machines."""
        content = {
            "facts": dict(self.facts),
            "met": self.met,
            "objectives": [{**_filled(it.objective), "measured": it.measured, "met": it.met} for it in self.verdicts],
            "callers": [{"kind": kind, "page": page or None, **row._asdict()} for (kind, page), row in self.result.rows().items()],
            "limits": [row._asdict() for row in self.result.limits()],
            "flaws": [{"flaw": flaw, "times": times} for flaw, times in self.result.flaws()],
            "seconds": self.result.seconds,
        }
        path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")

    def write_html(self, path: Path, of_locust: str) -> None:
        """The same for people; `of_locust` is locust's own page, with its charts."""
        pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
        pages.filters["figure"] = figure
        text = pages.get_template(_PAGE).render(
            report=self, measures=MEASURES, of_callers=_OF_CALLERS, of_limits=_OF_LIMITS, of_locust=of_locust
        )
        path.write_text(text, encoding="utf-8")

    @property
    def met(self) -> bool:
        """Whether every objective is."""
        return all(verdict.met for verdict in self.verdicts)

    @property
    def summary(self) -> str:
        """The outcome in a few words."""
        missed = sum(not verdict.met for verdict in self.verdicts)
        return f"{missed} of {len(self.verdicts)} objectives missed" if missed else f"all {len(self.verdicts)} objectives met"

    def _objectives(self, box: Box) -> Table:
        rows = [
            ("met" if it.met else "MISSED", it.objective.measure, it.objective.of, it.objective.bound, figure(it.measured))
            for it in self.verdicts
        ]
        return _table(("", "objective", "of"), ("bound", "measured"), rows, box)


def figure(value: float | str | None) -> str:
    """A number as people read it: whole ones with separators, others with the digits that mean something."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _table(words: Sequence[str], numbers: Sequence[str], rows: Iterable[Sequence[str]], box: Box = HEAVY_HEAD) -> Table:
    """A table whose columns are `words`, then `numbers` on the right."""
    table = Table(*words, box=box)
    for heading in numbers:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _filled(struct: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in msgspec.to_builtins(struct).items() if value is not None}
