"""Plots of how a model was judged, as SVG of the same bytes each time. Made for a model's folder and for reports."""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ratelimit.anomaly.calibration import BUDGET
from ratelimit.anomaly.evaluation import Curve, Floats, Judgement
from ratelimit.anomaly.evaluation_report import Share
from ratelimit.anomaly.signal_table import ModelKind

_OURS: Final = "#0b6e99"
_BAD: Final = "#c0392b"
_GREY: Final = "#9a9a9a"
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "ratelimit",
    "svg.fonttype": "none",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_WIDTH_IN: Final = 4.0  # of a kind of subject
_HEIGHT_IN: Final = 3.4
_TALL_IN: Final = 4.6  # with a legend below
_MOST_POINTS: Final = 300  # of a curve

Judged = Mapping[ModelKind, Judgement]


def plots(judged: Judged, precision: Mapping[str, Share]) -> dict[str, bytes]:
    """Every plot that there is something for, by its file name."""
    with mpl.rc_context(_STYLE):
        found = {"distribution.svg": _each(judged, _distribution), "calibration.svg": _each(judged, _calibration)}
        if any(one.curves for one in judged.values()):
            found |= {"roc.svg": _each(judged, _roc, _TALL_IN), "precision-recall.svg": _each(judged, _precision_recall, _TALL_IN)}
        if precision:
            found["precision.svg"] = _precision(precision)
        return {name: _svg(figure) for name, figure in found.items()}


def _svg(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()


def _each(judged: Judged, draw: Callable[[Axes, Judgement], None], height_in: float = _HEIGHT_IN) -> Figure:
    figure = Figure((_WIDTH_IN * len(judged), height_in), layout="constrained")
    for axes, (kind, one) in zip(figure.subplots(1, len(judged), squeeze=False)[0], judged.items(), strict=True):
        axes.set_title(kind)
        draw(axes, one)
    return figure


def _distribution(axes: Axes, one: Judgement) -> None:
    """The greatest scores of days, of those who have no label and of those who did wrong."""
    scores = one.days.score
    bins = np.linspace(float(scores.min()), float(scores.max()) + 1e-9, 50)
    for chosen, colour, name in ((~one.bad, _OURS, "no label"), (one.bad, _BAD, "abuse")):
        if chosen.any():
            axes.hist(scores[chosen], bins.tolist(), color=colour, alpha=0.6, label=name, weights=np.full(chosen.sum(), 1 / chosen.sum()))
    axes.set_xlabel("score, greatest of a day")
    axes.set_ylabel("share of days")
    axes.legend(frameon=False)


def _calibration(axes: Axes, one: Judgement) -> None:
    """How many days without a label are beyond a risk, against how many should be, with the interval of each."""
    honest = one.risks[~one.bad]
    honest = honest[~np.isnan(honest)]
    expected = np.geomspace(max(BUDGET, 1 / max(len(honest), 1)), 0.5, 25)
    shares = [Share.of(int((honest > 1 - share).sum()), len(honest)) for share in expected]
    axes.fill_between(expected, [share.low for share in shares], [share.high for share in shares], color=_OURS, alpha=0.25, linewidth=0)
    axes.plot(expected, [share.part / max(share.whole, 1) for share in shares], color=_OURS, label="found, with 95 % interval")
    axes.plot(expected, expected, color=_GREY, linestyle="--", label="as it should be")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=BUDGET / 10)
    axes.set_xlabel("1 - risk")
    axes.set_ylabel("share of days without a label beyond it")
    axes.legend(frameon=False)


def _roc(axes: Axes, one: Judgement) -> None:
    at = np.geomspace(BUDGET / 10, 1, _MOST_POINTS)
    for curve, style in _styled(one):
        false_alarms, recall = curve.roc
        axes.plot(at, recall[np.searchsorted(false_alarms, at, "right") - 1], label=curve.name, **style)
    axes.axvline(BUDGET, color=_GREY, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("share of honest days flagged")
    axes.set_ylabel("share of the abuse's days flagged")
    _legend_below(axes)


def _precision_recall(axes: Axes, one: Judgement) -> None:
    for curve, style in _styled(one):
        recall, precision = (_thin(column) for column in curve.pr)
        axes.plot(recall, precision, label=curve.name, **style)
    axes.set_xlabel("share of the abuse's days flagged")
    axes.set_ylabel("share of what is flagged that is that abuse")
    _legend_below(axes)


def _styled(one: Judgement) -> Iterator[tuple[Curve, dict[str, Any]]]:
    """A colour for each kind of abuse; its evasive form is dashed."""
    kinds = sorted({curve.name.partition(",")[0] for curve in one.curves})
    for curve in one.curves:
        kind, evasive, _ = curve.name.partition(",")
        yield curve, {"color": f"C{kinds.index(kind)}", "linestyle": "--" if evasive else "-"}


def _legend_below(axes: Axes) -> None:
    axes.legend(frameon=False, fontsize=6, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)


def _precision(precision: Mapping[str, Share]) -> Figure:
    figure = Figure((_WIDTH_IN, _HEIGHT_IN), layout="constrained")
    axes = figure.subplots()
    values = [share.part / max(share.whole, 1) for share in precision.values()]
    lows = [value - share.low for value, share in zip(values, precision.values(), strict=True)]
    highs = [share.high - value for value, share in zip(values, precision.values(), strict=True)]
    axes.bar([f"{cases} a day" for cases in precision], values, color=_OURS, yerr=[lows, highs], ecolor=_GREY)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share of cases that were abuse")
    return figure


def _thin(column: Floats) -> Floats:
    """Points of a curve, no more than can be told apart."""
    places = np.unique(np.linspace(0, len(column) - 1, _MOST_POINTS).astype(int))
    points: Floats = column[places]
    return points
