"""Plots of a report, as SVG and PNG: what it shows is all in the JSON."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: there is no screen

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.fleet.finding import Estimate, Finding, Report

_OURS, _IDEAL, _STORE, _OFFERED = "#0072b2", "#e69f00", "#d55e00", "#999999"  # told apart by the colour-blind as well
_ROUTED: Final = ("#0072b2", "#009e73", "#d55e00")
_SIZE: Final = (9.0, 4.8)


def draw(report: Report, folder: Path) -> list[str]:
    """Draw what the report has the figures for, and say which plots that were."""
    folder.mkdir(parents=True, exist_ok=True)
    fair = [found for found in report.findings if found.ours is not None and found.scenario in {"contended", "skewed", "late"}]
    flash = [found for found in report.findings if found.scenario == "flash"]
    days = [found for found in report.findings if found.scenario == "diurnal"]
    drawn: list[str] = []
    for name, given, paint in [
        ("scale-fairness", fair, lambda figure: _fairness(figure, fair)),
        ("scale-flash", flash, lambda figure: _flash(figure, flash[0])),
        ("scale-day", days, lambda figure: _day(figure, days[0])),
        ("scale-calls", report.estimates, lambda figure: _calls(figure, report.estimates)),
        ("scale-nodes", report.estimates, lambda figure: _nodes(figure, report.estimates)),
    ]:
        if given:
            _save(folder / name, paint)
            drawn.append(name)
    return drawn


def _save(path: Path, paint: Callable[[Figure], None]) -> None:
    figure = plt.figure(figsize=_SIZE, layout="constrained")
    paint(figure)
    for kind in ("svg", "png"):
        figure.savefig(path.with_suffix(f".{kind}"), dpi=150)
    plt.close(figure)


def _fairness(figure: Figure, findings: Sequence[Finding]) -> None:
    """Per case a bar from the least to the greatest part of any sidecar; 1 is the mean."""
    figure.set_size_inches(_SIZE[0], 1.6 + 0.42 * len(findings))
    axes = figure.subplots()
    for row, found in enumerate(findings):
        for fairness, offset, colour, label in ((found.ours, -0.17, _OURS, "leases"), (found.just, 0.17, _IDEAL, "ideal bucket")):
            assert fairness is not None
            width = fairness.greatest_part - fairness.least_part
            axes.barh(row + offset, width, 0.3, fairness.least_part, color=colour, label=label if row == 0 else None)
    axes.set_yticks(range(len(findings)), [f"{found.scenario}: {found.case}" for found in findings])
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlim(left=0)
    axes.set_xlabel("admitted part of a sidecar's requests, least to greatest; 1 is the mean")
    axes.set_title("Who gets how much of a limit that many want")
    axes.legend(loc="upper right", frameon=False)
    _plain(axes)


def _flash(figure: Figure, found: Finding) -> None:
    series, (above, below) = found.series, figure.subplots(2, 1, sharex=True)
    above.step(series["at_s"], series["offered"], where="post", color=_OFFERED, label="offered")
    above.step(series["at_s"], series["just"], where="post", color=_IDEAL, linewidth=3, label="admitted by an ideal bucket")
    above.step(series["at_s"], series["admitted"], where="post", color=_OURS, label="admitted by leases")
    above.set_yscale("log")
    above.set_ylabel("requests/s")
    above.legend(frameon=False, ncols=3, loc="upper left", fontsize="small")
    above.set_ylim(50, max(series["offered"]) * 8)
    above.set_title(f"A flash crowd: {found.case}, {found.sidecars} sidecars")
    below.step(series["at_s"], series["asked"], where="post", color=_STORE)
    below.set_ylabel("buckets asked/s")
    below.set_ylim(bottom=0)
    below.set_xlabel("seconds")
    _plain(above, below)


def _day(figure: Figure, found: Finding) -> None:
    series, (above, below) = found.series, figure.subplots(2, 1, sharex=True)
    hours = [at_s / (series["at_s"][-1] + series["at_s"][1]) * 24 for at_s in series["at_s"]]
    above.step(hours, series["offered"], where="post", color=_OFFERED, label="offered")
    above.step(hours, series["admitted"], where="post", color=_OURS, label="admitted")
    above.step(hours, series["asked"], where="post", color=_STORE, label="buckets asked")
    above.set_ylabel("per second")
    above.set_ylim(bottom=0)
    above.legend(frameon=False)
    above.set_title(f"A day: {found.case}, {found.sidecars} sidecars")
    below.step(
        hours,
        [asked / max(1, offered) for asked, offered in zip(series["asked"], series["offered"], strict=True)],
        where="post",
        color=_STORE,
    )
    below.set_ylabel("buckets per decision")
    below.set_ylim(bottom=0)
    below.set_xticks(range(0, 25, 4))
    below.set_xlabel("hour of the day (a day lasts seconds here)")
    _plain(above, below)


def _calls(figure: Figure, estimates: Sequence[Estimate]) -> None:
    """What a key costs by how hot it is, for the smallest population."""
    axes = figure.subplots()
    least = min(one.requests_per_s for one in estimates)
    for one, colour in zip([one for one in estimates if one.requests_per_s == least], _ROUTED, strict=False):
        axes.plot(one.series["rate"], one.series["per_decision"], "o-", color=colour, markersize=4, label=one.routing)
    axes.axvline(1_000, color="black", linewidth=0.8, linestyle=":")
    axes.annotate("limit", (1_000, 1.02), ha="center", va="bottom", xycoords=("data", "axes fraction"), fontsize="small")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("requests per second of a key")
    axes.set_ylabel("buckets asked per decision")
    axes.set_title(f"What a key costs the store, {least:,.0f} requests/s on {estimates[0].sidecars:,} sidecars", pad=22)
    axes.legend(title="a key's requests go to", frameon=False)
    _plain(axes)


def _nodes(figure: Figure, estimates: Sequence[Estimate]) -> None:
    axes = figure.subplots()
    for routing, colour in zip(dict.fromkeys(one.routing for one in estimates), _ROUTED, strict=False):
        own = [one for one in estimates if one.routing == routing]
        load = [one.requests_per_s for one in own]
        axes.plot(load, [one.nodes for one in own], "o-", color=colour, label=routing)
        axes.plot(load, [one.full_nodes for one in own], "o:", color=colour, markersize=3)
        axes.annotate(
            f"{own[-1].nodes:,}", (load[-1], own[-1].nodes), xytext=(8, -3), textcoords="offset points", fontsize="small", color=colour
        )
    axes.plot([], [], "o:", color="grey", markersize=3, label="if every call had 64 buckets")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("requests per second")
    axes.set_ylabel("nodes with one core each, half busy")
    axes.set_title("Redis Cluster nodes")
    axes.legend(title="a key's requests go to", frameon=False)
    axes.margins(x=0.12)
    _plain(axes)


def _plain(*axes: Axes) -> None:
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(alpha=0.25)
        one.set_axisbelow(True)
