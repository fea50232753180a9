"""What was found, on the terminal."""

from collections.abc import Sequence
from math import isnan
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.fleet.finding import Estimate, Finding, Report

_WIDTH: Final = 190  # where no terminal says how wide it is
_MIB: Final = 1 << 20


def show(report: Report) -> None:
    """Print one table of what was run request by request, and one of what a sample of keys says of all."""
    console = Console() if Console().is_terminal else Console(width=_WIDTH)
    if report.findings:
        console.print(_run(report.findings))
        console.print("in brackets: an ideal bucket on the same trace; parts are of the mean; overdraft: most above a limit, in tokens")
    if report.estimates:
        console.print(_estimated(report.estimates))
        console.print(
            "simulated: requests that were run, of a sample of whole keys by strata of rank, each key standing for its stratum; the rest "
            "is their sum.\nborrowed: buckets of keys too hot to be run, taken to be asked as often as the hottest that was. nodes: Redis "
            "Cluster, one bucket a call,\npipelines as they come; full: if every call had 64. store: at the end, and if no bucket were full"
        )


def _run(findings: Sequence[Finding]) -> Table:
    columns = ("scenario", "case", "sidecars", "requests", "buckets per decision", "shortfall", "overdraft")
    table = Table(*columns, "Jain 1 s", "Jain 10 s", "parts", "drought s", "note")
    for column in table.columns[2:11]:
        column.justify = "right"
    before = ""
    for found in findings:
        if found.scenario != before:
            table.add_section()
        figures = (f"{found.per_decision:.4f}", f"{found.shortfall:.2%}", f"{found.overdraft:.3g}")
        name = "" if found.scenario == before else found.scenario
        table.add_row(name, found.case, str(found.sidecars), f"{found.requests:,}", *figures, *_fair(found), found.note)
        before = found.scenario
    return table


def _fair(found: Finding) -> tuple[str, ...]:
    ours, just = found.ours, found.just
    if ours is None or just is None:
        return ("",) * 4
    return (
        f"{ours.jain_1s:.3f} ({just.jain_1s:.3f})",
        "" if isnan(ours.jain_10s) else f"{ours.jain_10s:.3f} ({just.jain_10s:.3f})",
        f"{ours.least_part:.2f}-{ours.greatest_part:.2f} ({just.least_part:.2f}-{just.greatest_part:.2f})",
        f"{ours.drought_s:.2f} ({just.drought_s:.2f})",
    )


def _estimated(estimates: Sequence[Estimate]) -> Table:
    columns = ("M requests/s", "M keys", "sidecars", "routing", "simulated", "borrowed", "per decision", "M buckets/s", "refused")
    table = Table(*columns, "shortfall", "overdraft", "store MiB", "sidecar MiB", "nodes", "full")
    for column in table.columns[4:]:
        column.justify, column.no_wrap = "right", True
    for one in estimates:
        table.add_row(
            f"{one.requests_per_s / 1e6:g}",
            f"{one.keys / 1e6:g}",
            f"{one.sidecars:,}",
            one.routing,
            f"{one.simulated:,}",
            f"{one.borrowed:.1%}",
            f"{one.per_decision:.3f} ± {one.error:.3f}",
            f"{one.buckets_per_s / 1e6:,.2f}",
            f"{one.refused:.0%}",
            f"{one.shortfall:.2%}",
            f"{one.overdraft:.3g}",
            f"{one.store_bytes / _MIB:,.1f}; {one.store_bytes_most / _MIB:,.0f}",
            f"{one.sidecar_bytes / _MIB:,.0f}",
            f"{one.nodes:,}",
            f"{one.full_nodes:,}",
        )
    return table
