"""Plots of a run, each as SVG and PNG: `python bench/plot.py [FILE.json]` draws them again without measuring.

We are in colour, the others grey; bars are sorted and say their median, whiskers reach from the lowest to the highest round. A group that
was not measured has no plot, and who could not be measured is named in it.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.contenders import CONSTANT, ORDINARY, PROTOCOL, US
from bench.outcome import Outcome, read
from bench.row import Row
from bench.stages import GROUP as STAGES
from bench.stages import PARTS, REST, WHOLE
from bench.standing import Standing
from bench.table import figure
from bench.throughput import MANY

_OURS: Final = "#0b6e99"
_OURS_LIGHT: Final = "#8cc3d9"
_GREY: Final = "#9a9a9a"
_GREY_LIGHT: Final = "#d0d0d0"
_BAR_IN: Final = 0.34  # height of a bar
_MARGINS_IN: Final = 0.75  # title and caption
_PLAIN: Final = FuncFormatter(lambda value, _: f"{value:,g}")
_STAGE_COLOURS: Final = ("#0b6e99", "#3c93b8", "#e07a1f", "#f0a55b", "#6b9e78", "#93bf9e", "#bcd8c2")
_FOLDER: Final = Path(__file__).parent / "results"

Drawing = Callable[[Outcome], Figure | None]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=_FOLDER / "check.json")
def main(file: Path) -> None:
    """Draw FILE, which `bench/check.py` wrote, beside it."""
    try:
        outcome = read(file)
    except msgspec.DecodeError as error:
        click.echo(f"bench: {file}: {error}; expected what bench/check.py writes", err=True)
        sys.exit(2)
    for path in draw(outcome, file.parent):
        click.echo(path)


def draw(outcome: Outcome, folder: Path) -> list[Path]:
    """Write every plot that there are figures for, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, drawing in _DRAWINGS.items():
        made = drawing(outcome)
        if made is None:
            continue
        made.text(0.01, 0.06 / made.get_figheight(), outcome.caption, fontsize=7, color="#555555", ha="left", va="bottom", wrap=True)
        for kind in ("svg", "png"):
            drawn.append(folder / f"{name}.{kind}")
            made.savefig(drawn[-1], dpi=130, facecolor="white")
    return drawn


def _throughput(outcome: Outcome) -> Figure | None:
    under = {key: standings for key, standings in outcome.under().items() if key[1] == MANY}
    if not under:
        return None
    title = f"Checks per second on one core, store included, {MANY} connections"
    made, panels = _panels(len(under), max(map(len, under.values())), title)
    for panel, ((load, _), standings) in zip(panels, under.items(), strict=True):
        shown = _sorted(standings, lambda one: -median(one.rates))
        _bars(panel, shown, [(one.rates, _colour(one)) for one in shown], "≥ ")
        _named(panel, shown, standings, _title_of(load, shown))
        panel.set_xlabel("requests/s, median; whiskers: lowest and highest round")
    return made


def _latency(outcome: Outcome) -> Figure | None:
    under = sorted((connections, standings) for (load, connections), standings in outcome.under().items() if load == "hot")
    if not under:
        return None
    made, panels = _panels(len(under), max(len(standings) for _, standings in under), "Time to answer under full load, hot keys")
    for panel, (connections, standings) in zip(panels, under, strict=True):
        shown = _sorted(standings, lambda one: median(one.p50_us))
        for index, one in enumerate(shown):
            p50, p99 = median(one.p50_us) / 1e3, median(one.p99_us) / 1e3
            panel.plot([p50, p99], [index, index], color=_light(one), linewidth=3, zorder=1)
            panel.scatter([p50, p99], [index, index], color=[_colour(one), _light(one)], s=[34, 34], zorder=2)
            panel.annotate(f"{figure(p50)} - {figure(p99)}", (p99, index), (6, 0), textcoords="offset points", va="center", fontsize=7)
        panel.set_xscale("log")
        panel.set_xlim(right=panel.get_xlim()[1] * 6)
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_minor_formatter(NullFormatter())
        _named(panel, shown, standings, f"{connections} connection{'s' if connections > 1 else ''}")
        panel.set_xlabel("ms, logarithmic: p50 - p99, medians of the rounds")
    return made


def _cpu(outcome: Outcome) -> Figure | None:
    under = {key: standings for key, standings in outcome.under().items() if key[1] == MANY}
    if not under:
        return None
    made, panels = _panels(len(under), max(map(len, under.values())), f"CPU per decision, {MANY} connections")
    for panel, ((load, _), standings) in zip(panels, under.items(), strict=True):
        shown = _sorted(standings, lambda one: median(one.all_cpu_us))
        left = [median(one.cpu_us) for one in shown]
        panel.barh(range(len(shown)), left, color=[_colour(one) for one in shown], height=0.68)
        store = [median(one.store_cpu_us) for one in shown]
        panel.barh(range(len(shown)), store, left=left, color=[_light(one) for one in shown], height=0.68)
        for index, (own, of_store) in enumerate(zip(left, store, strict=True)):
            text = f"{figure(own)} + {figure(of_store)}" if of_store else figure(own)
            panel.annotate(text, (own + of_store, index), (4, 0), textcoords="offset points", va="center", fontsize=7)
        panel.set_xlim(right=panel.get_xlim()[1] * 1.2)
        _named(panel, shown, standings, _title_of(load, shown))
        panel.set_xlabel("µs of CPU per request: server (dark) + store (light)")
    return made


def _stages(outcome: Outcome) -> Figure | None:
    rows = {row.name: row for row in outcome.rows if row.group == STAGES}
    if not {*PARTS, REST, WHOLE} <= rows.keys():
        return None
    made = _figure(12, 4.8, "What a check is made of, hot keys, two limits")
    upper, lower = made.subplots(2, 1)
    parts = [(name, _us(rows[name])) for name in PARTS]
    ours = sum(us for _, us in parts)
    _stack(upper, [("the stages below", ours, _OURS), ("rest: event loop, kernel", _us(rows[REST]), _GREY_LIGHT)])
    upper.set_title(f"the whole: {figure(_us(rows[WHOLE]))} µs of CPU per request", fontsize=9, loc="left")
    _stack(lower, [(name, us, colour) for (name, us), colour in zip(parts, _STAGE_COLOURS, strict=True)])
    lower.set_title(f"the stages: {figure(ours)} µs", fontsize=9, loc="left")
    return made


def _stack(axes: Axes, parts: Sequence[tuple[str, float, str]]) -> None:
    """One bar of parts; those too narrow for their words are told in the legend alone."""
    whole, left = sum(us for _, us, _ in parts), 0.0
    for name, us, colour in parts:
        axes.barh([0], [us], left=left, color=colour, height=0.8, label=f"{name} {figure(us)}")
        if us > whole * 0.08:
            axes.text(left + us / 2, 0, f"{name}\n{figure(us)}", ha="center", va="center", fontsize=8, color=_ink(colour))
        left += us
    axes.set_yticks([])
    axes.set_xlim(0, whole)
    axes.set_xlabel("µs", fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    _quiet(axes)


def _us(row: Row) -> float:
    return median(row.values) / 1e3


def _panels(count: int, bars: int, title: str) -> tuple[Figure, list[Axes]]:
    """A figure of panels, two or three in a row."""
    across = 3 if count == 3 else min(2, count)
    down = -(-count // across)
    made = _figure((4.7 if across == 3 else 5.6) * across, _MARGINS_IN + down * (0.9 + _BAR_IN * bars), title)
    panels: list[Axes] = list(made.subplots(down, across, squeeze=False).flat)
    for spare in panels[count:]:
        spare.set_axis_off()
    return made, panels[:count]


def _figure(width: float, height: float, title: str) -> Figure:
    """Inches; a title on top, and room for the caption below."""
    made = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(rect=(0, 0.3 / height, 1, 1 - _MARGINS_IN / height)))
    made.suptitle(title, fontsize=12, fontweight="bold", y=1 - 0.1 / height, va="top")
    return made


def _bars(panel: Axes, shown: Sequence[Standing], bars: Sequence[tuple[tuple[float, ...], str]], bound: str) -> None:
    """A bar for each with its median, whiskers over all rounds; `bound` marks what wrk could not drive harder."""
    for index, (one, (values, colour)) in enumerate(zip(shown, bars, strict=True)):
        middle = median(values)
        whiskers: Any = [[middle - min(values)], [max(values) - middle]] if len(values) > 1 else None
        panel.barh(
            [index], [middle], xerr=whiskers, color=colour, height=0.68, error_kw={"elinewidth": 1, "capsize": 2, "ecolor": "#333333"}
        )
        text = f"{bound if one.client_bound else ''}{figure(middle)}"
        panel.annotate(text, (max(values), index), (5, 0), textcoords="offset points", va="center", fontsize=7)
    panel.set_xlim(right=panel.get_xlim()[1] * 1.15)


def _named(panel: Axes, shown: Sequence[Standing], standings: Sequence[Standing], title: str) -> None:
    """The servers' names, best on top, and below them who is missing."""
    missing = [one.server for one in standings if not one.measured]
    names = [one.server for one in shown] + missing
    told = {**{name: f"{name} (no limits)" for name in (CONSTANT, PROTOCOL)}, **{name: f"{name}: missing" for name in missing}}
    panel.set_yticks(range(len(names)), [told.get(name, name) for name in names], fontsize=8)
    for label, name in zip(panel.get_yticklabels(), names, strict=True):
        if name in (US, ORDINARY):
            label.set_color(_OURS)
            label.set_fontweight("bold")
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.set_title(title, fontsize=9, loc="left")
    panel.xaxis.label.set_fontsize(8)
    panel.xaxis.set_major_formatter(_PLAIN)
    panel.tick_params(axis="x", labelsize=7)
    _quiet(panel)


def _quiet(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _title_of(load: str, shown: Sequence[Standing]) -> str:
    ours = next((one.refused for one in shown if one.server == US), None)
    return f"{load}{f' ({ours:.0%} of ours)' if ours is not None else ''}"


def _sorted(standings: Sequence[Standing], key: Callable[[Standing], float]) -> list[Standing]:
    return sorted((one for one in standings if one.measured), key=key)


def _colour(one: Standing) -> str:
    return _OURS if one.server in (US, ORDINARY) else _GREY


def _light(one: Standing) -> str:
    return _OURS_LIGHT if one.server in (US, ORDINARY) else _GREY_LIGHT


def _ink(colour: str) -> str:
    """Black or white, whichever can be read on it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


_DRAWINGS: Final[dict[str, Drawing]] = {"throughput": _throughput, "latency": _latency, "cpu": _cpu, "stages": _stages}

if __name__ == "__main__":
    main()
