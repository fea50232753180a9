"""Load as users make it, judged: `python bench/load_test.py`. Serves, lets the callers of locustfile.py come, and holds what was measured
against objectives. Exit codes: 0 all are met, 1 one is missed, 2 usage, 3 something needed is not there or failed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple, NoReturn

import click

from bench.machine import machine
from bench.plan import CannotMeasure, Plan, choose_cores, clean_environment
from bench.traffic import logbook
from bench.traffic.admissions import buckets
from bench.traffic.objective import read_objectives
from bench.traffic.report import Report
from bench.traffic.result import Result
from bench.traffic.service import DEADLINE_MS, elsewhere, serving
from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.service.policy_source import read_policy

BENCH: Final = Path(__file__).parent
TOKEN: Final = "RATELIMIT_GATEWAY_TOKEN"  # noqa: S105  the name of a variable
RECORD: Final = "record"
PAGE: Final = "locust.html"
REPORTS: Final = ("load.json", "load.html")
_FACTS: Final = ("date", "cpu", "cores", "load", "kernel", "python", "aiohttp", "ratelimit-sidecar", "valkey")
_RAMP_S: Final = 4  # until all users are there; a crowd in one instant would measure how fast locust makes users
_GRACE_S: Final = 60  # for locust to start, and to end
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


class Options(NamedTuple):
    """What the command line says."""

    users: int
    duration: int
    seed: int
    objectives: Path
    policy: Path
    host: str | None
    results: Path
    summary: Path | None


@click.command()
@click.option("--users", type=click.IntRange(min=1, max=10_000), default=40, show_default=True, help="How many callers come.")
@click.option("--duration", type=click.IntRange(min=5, max=3_600), default=30, show_default=True, help="For how many seconds.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which callers come.")
@click.option(
    "--objectives", type=_file, default=BENCH / "objectives.yaml", help="What is to be reached, instead of bench/objectives.yaml."
)
@click.option(
    "--policy", type=_file, default=BENCH / "load-policy.yaml", help="What is served and judged, instead of bench/load-policy.yaml."
)
@click.option("--host", help="Ask this sidecar, which has that policy, instead of one of our own; such as http://127.0.0.1:8080.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=BENCH / "results", help="Where the reports go.")
@click.option("--summary", type=click.Path(dir_okay=False, path_type=Path), help="Append the outcome to this file, in Markdown.")
def main(**told: Any) -> None:
    """Put a sidecar under the load of honest and abusive callers, and fail if an objective is missed."""
    options = Options(**told)
    signal.signal(signal.SIGTERM, _end)  # so that what was started is ended
    try:
        objectives, policy = read_objectives(options.objectives), read_policy(options.policy)
    except ConfigError as error:
        _give_up(str(error), error.exit_code)
    with tempfile.TemporaryDirectory(prefix="ratelimit-load-") as folder:
        plan = Plan(Path(folder), False, choose_cores(), lambda text: click.echo(text, err=True))
        facts = _facts(plan, options, policy)
        try:
            clock_moved_us = _load(plan, options)
        except CannotMeasure as error:
            _give_up(str(error), 3)
        entries = list(logbook.read(plan.folder / RECORD))
        of_locust = (plan.folder / PAGE).read_text(encoding="utf-8")
    result = Result(entries, buckets(entries, policy, clock_moved_us))
    report = Report(facts, result, result.verdicts(objectives))
    _write(report, options, of_locust)
    sys.exit(0 if report.met else 1)


def _load(plan: Plan, options: Options) -> int:
    """Serve and let them come; by how many microseconds the machine's clock was set meanwhile. Raises CannotMeasure."""
    with elsewhere(options.host.rstrip("/")) if options.host else serving(plan, options.policy) as url:
        plan.say(f"{options.duration} s of {options.users} users on {url}")
        ahead = _wall_clock_us()
        _drive(plan, url, options)
        return _wall_clock_us() - ahead


def _drive(plan: Plan, url: str, options: Options) -> None:
    """Locust on the core that asks, in a process of its own, since it replaces what sockets and threads are."""
    told = {
        "--locustfile": BENCH / "locustfile.py", "--host": url, "--users": options.users, "--spawn-rate": options.users / _RAMP_S,
        "--run-time": f"{options.duration}s", "--seed": options.seed, "--record": plan.folder / RECORD, "--html": plan.folder / PAGE,
        "--exit-code-on-error": 0, "--loglevel": "WARNING",
    }  # fmt: skip
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary", *(str(word) for pair in told.items() for word in pair)]
    environment = {name: value for name, value in clean_environment().items() if not name.startswith("LOCUST_")}
    if options.host and TOKEN in os.environ:
        environment[TOKEN] = os.environ[TOKEN]
    try:
        run = subprocess.run(
            plan.on_client_core(command), capture_output=True, text=True, check=False, env=environment, cwd=plan.folder,
            timeout=options.duration + _GRACE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotMeasure(f"locust did not end {_GRACE_S} s after the {options.duration} s that it was to run") from None
    if run.returncode:
        raise CannotMeasure(f"locust ended with {run.returncode}: {(run.stderr or run.stdout)[-800:].strip()}")


def _facts(plan: Plan, options: Options, policy: Policy) -> dict[str, str]:
    """What was done, on what machine."""
    known = machine(plan, ["python", *sys.argv])
    return {
        "run": f"{options.users} users for {options.duration} s, seed {options.seed}",
        "policy": f"{options.policy.name} ({policy.digest})",
        "sidecar": options.host or f"our own, RATELIMIT_DEADLINE_MS={DEADLINE_MS}",
        **{name: known[name] for name in _FACTS},
        "locust": version("locust"),
    }


def _write(report: Report, options: Options, of_locust: str) -> None:
    options.results.mkdir(parents=True, exist_ok=True)
    for_machines, for_people = (options.results / name for name in REPORTS)
    report.write_json(for_machines)
    report.write_html(for_people, of_locust)
    if options.summary is not None:
        report.append_markdown(options.summary)
    report.show()
    click.echo(f"JSON in {for_machines}, HTML in {for_people}", err=True)


def _wall_clock_us() -> int:
    """How far the wall clock, by which a store counts, is before the clock of the entries; a change says that it was set."""
    return time.time_ns() // 1_000 - logbook.now_us()


def _give_up(why: str, code: int) -> NoReturn:
    click.echo("\n".join(f"load test: {line}" for line in why.splitlines()), err=True)
    sys.exit(code)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
