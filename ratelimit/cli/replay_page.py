"""A replay's report as one HTML page: it loads nothing, runs nothing, and shows text of the log as text."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ratelimit.cli import chart
from ratelimit.cli.replay_risk_table import why_of
from ratelimit.cli.written import percent, printable
from ratelimit.service.replay_report import Report, TimelineReport

_FOLDER: Final = Path(__file__).parent
_STYLE: Final = "replay.css"
_PAGE: Final = "replay.html"


def page(report: Report) -> str:
    """The whole page; its style is in it, and the only one that its Content-Security-Policy lets in."""
    style = (_FOLDER / _STYLE).read_text()
    pages = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.filters.update(number=lambda value: f"{value:,}", printable=printable, why=why_of)
    return pages.get_template(_PAGE).render(
        report=report,
        charts=_charts(report),
        drawing=chart,
        percent=percent,
        span=chart.duration(report.timeline.span_s) if report.timeline else "",
        style=Markup(style),  # noqa: S704 (ours, and CSS has no escapes of HTML)
        style_digest=b64encode(sha256(style.encode()).digest()).decode(),
    )


def _charts(report: Report) -> list[tuple[str, chart.Chart]]:
    """A chart for each policy, with its name."""
    time = report.timeline
    if time is None:
        return []
    charts = [(report.policy, _chart(time, time.refused))]
    if report.comparison and time.refused_against is not None:
        charts.append((report.comparison.against.policy, _chart(time, time.refused_against)))
    return charts


def _chart(time: TimelineReport, refused: list[int]) -> chart.Chart:
    return chart.stacked(time.start, time.span_s, time.seen, refused)
