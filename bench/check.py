"""Measures what the product is budgeted for: `python bench/check.py`. It is a measurement and no gate: a missed budget is shown, and fails
only with --strict. Exit codes: 0 measured, 1 a budget is missed (--strict), 2 usage, 3 something needed is not there.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from bench import load
from bench.calls import calls
from bench.latency import latency
from bench.life import replay, start
from bench.machine import machine
from bench.memory import memory
from bench.outcome import make, write
from bench.plan import CannotMeasure, Plan, choose_cores
from bench.plot import draw
from bench.purchases import purchases
from bench.report import show, write_markdown
from bench.row import Row
from bench.scoring import scoring
from bench.script import script
from bench.signals import signals
from bench.stages import stages
from bench.standing import Standing
from bench.throughput import throughput
from ratelimit.core.errors import RatelimitError

GROUPS: Final[dict[str, Callable[[Plan], Iterator[Row | Standing]]]] = {
    "throughput": throughput,
    "stages": stages,
    "latency": latency,
    "calls": calls,
    "script": script,
    "memory": memory,
    "scoring": scoring,
    "start": start,
    "replay": replay,
    "signals": signals,
    "purchases": purchases,
}
FAILED: Final = "failed"
_JSON: Final = Path(__file__).parent / "results" / "check.json"


@click.command()
@click.option("--quick", is_flag=True, help="Short rounds, to see that everything runs.")
@click.option("--only", multiple=True, type=click.Choice(list(GROUPS)), help="Measure this only; may be given several times.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_JSON,
    help="Where the JSON goes; table and plots go beside it.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 if a budget is missed.")
def main(quick: bool, only: tuple[str, ...], json_path: Path, strict: bool) -> None:
    """Measure throughput, stages, latency, store calls, script and memory, as ratios in one run on this machine."""
    wanted = [name for name in GROUPS if not only or name in only]
    if {"throughput", "stages", "signals"} & set(wanted) and (missing := load.missing()):
        _give_up(missing)
    signal.signal(signal.SIGTERM, _end)  # so that what was started is ended
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ratelimit-bench-") as folder:
        plan = Plan(Path(folder), quick, choose_cores(), lambda text: click.echo(f"{time.monotonic() - since:5.0f} s  {text}", err=True))
        facts = machine(plan, ["python", *sys.argv])
        if plan.cores is not None:
            os.sched_setaffinity(0, {plan.cores.client})  # clients in this process are on the core that asks
        found = _measure(plan, wanted)
    outcome = make(facts, found)
    show(outcome)
    write(json_path, outcome)
    write_markdown(json_path.with_suffix(".md"), outcome)
    plots = draw(outcome, json_path.parent)
    click.echo(f"{time.monotonic() - since:.0f} s; {json_path}, the same as .md, and {len(plots)} plots beside it", err=True)
    sys.exit(_exit_code(outcome.rows, strict=strict))


def _measure(plan: Plan, wanted: list[str]) -> list[Row | Standing]:
    """Everything that can be measured; what fails becomes a row that says why, and the others go on."""
    found: list[Row | Standing] = []
    for name in wanted:
        try:
            for one in GROUPS[name](plan):
                found.append(one)
        except (CannotMeasure, RatelimitError) as error:
            found.append(Row(group=name, name=FAILED, unit="", note=str(error)))
            click.echo(f"bench: {name}: {error}", err=True)
    return found


def _exit_code(rows: Sequence[Row], *, strict: bool) -> int:
    if any(row.name == FAILED for row in rows):
        return 3
    return int(strict and any(row.met is False for row in rows))


def _give_up(why: str) -> NoReturn:
    click.echo(f"bench: {why}", err=True)
    sys.exit(3)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
