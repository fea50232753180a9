"""Simulates fleets of sidecars in virtual time: `python bench/scale.py`. Limiters, lanes, leases and buckets are the real ones; time,
network and requests are made up. Exit codes: 0 simulated, 1 more was admitted than a limit allows, 2 usage.
"""

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import click
import msgspec

from bench.fleet import contention, growth, weather
from bench.fleet.finding import Estimate, Finding, Plan, Report
from bench.fleet.nodes import Speeds
from bench.fleet.plots import draw
from bench.fleet.table import show

SCENARIOS: Final[dict[str, Callable[[Plan], Iterable[Finding]]]] = {
    "contended": contention.contended,
    "skewed": contention.skewed,
    "sizes": contention.sizes,
    "late": contention.late,
    "flash": weather.flash,
    "diurnal": weather.diurnal,
    "pair": weather.pair,
    "sample": growth.sampled,
}
GROWTH: Final = "growth"
_RESULTS: Final = Path(__file__).parent / "results"
_POSITIVE: Final = click.FloatRange(min=0, min_open=True)


@click.command()
@click.option("--quick", is_flag=True, help="Short traces, to see that everything runs.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="What is drawn; the same seed finds the same.")
@click.option("--only", multiple=True, type=click.Choice([*SCENARIOS, GROWTH]), help="This scenario only; may be given several times.")
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), default=_RESULTS / "scale.json", help="Where the JSON goes."
)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), default=_RESULTS, help="Folder of the plots, SVG and PNG.")
@click.option("--round-trip-us", type=click.IntRange(1, 5_000), default=300, show_default=True, help="To the store and back, mean.")
@click.option("--buckets-per-core", type=_POSITIVE, default=Speeds().buckets, show_default=True, help="Per second, 64 to a call.")
@click.option(
    "--calls-per-core", type=_POSITIVE, default=Speeds().calls, show_default=True, help="Per second, one bucket each, 64 to a pipeline."
)
@click.option("--pipelines-per-core", type=_POSITIVE, default=Speeds().pipelines, show_default=True, help="Per second, one bucket each.")
@click.option("--busy", type=click.FloatRange(0.05, 1), default=Speeds().busy, show_default=True, help="Part of a core that may be used.")
@click.option("--bytes-per-bucket", type=_POSITIVE, default=growth.Bytes().bucket, show_default=True, help="In the store.")
@click.option("--bytes-per-subject", type=_POSITIVE, default=growth.Bytes().subject, show_default=True, help="In a sidecar.")
@click.option(
    "--bytes-per-lease", type=_POSITIVE, default=growth.Bytes().leased, show_default=True, help="In a sidecar, a subject with a lease."
)
def main(  # noqa: PLR0913  one for each option
    *,
    quick: bool,
    seed: int,
    only: tuple[str, ...],
    json_path: Path,
    plots: Path,
    round_trip_us: int,
    buckets_per_core: float,
    calls_per_core: float,
    pipelines_per_core: float,
    busy: float,
    bytes_per_bucket: float,
    bytes_per_subject: float,
    bytes_per_lease: float,
) -> None:
    """Simulate hundreds of sidecars and millions of keys: store calls, memory, shortfall, fairness, nodes."""
    speeds = Speeds(buckets_per_core, calls_per_core, pipelines_per_core, busy)
    if not pipelines_per_core <= calls_per_core <= buckets_per_core:
        raise click.UsageError("expected --pipelines-per-core <= --calls-per-core <= --buckets-per-core: each of them does more at once")
    memory = growth.Bytes(bytes_per_bucket, bytes_per_subject, bytes_per_lease)
    since = time.monotonic()
    plan = Plan(quick, seed, round_trip_us, lambda text: click.echo(f"{time.monotonic() - since:5.0f} s  {text}", err=True))
    findings = [found for name, scenario in SCENARIOS.items() if not only or name in only for found in scenario(plan)]
    estimates = list(growth.growth(plan, speeds, memory)) if not only or GROWTH in only else []
    report = Report(command=" ".join(["python", *sys.argv]), seed=seed, findings=findings, estimates=estimates)
    show(report)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    drawn = draw(report, plots)
    click.echo(f"{time.monotonic() - since:.0f} s; JSON in {json_path}; plots: {', '.join(drawn) or 'none'}", err=True)
    sys.exit(_exit_code([*findings, *estimates]))


def _exit_code(found: Iterable[Finding | Estimate]) -> int:
    over = [one for one in found if one.overdraft > 0]
    for one in over:
        name = one.case if isinstance(one, Finding) else f"{one.requests_per_s:,.0f} requests/s, {one.routing}"
        click.echo(f"scale: {name}: {one.overdraft:g} tokens more were admitted than the limit allows", err=True)
    return int(bool(over))


if __name__ == "__main__":
    main()
