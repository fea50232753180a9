"""What a model said in a replay, as a person reads it on the terminal."""

from rich.console import Console
from rich.table import Table

from ratelimit.cli.written import figure, percent, shown
from ratelimit.service.replay_report import FlaggedSubject, ReasonReport, RiskReport


def show_risk(risk: RiskReport, console: Console) -> None:
    """Print what risk is a rank among, how many were flagged, and who."""
    console.print(f"[bold]model {risk.model}[/bold], {risk.ranked}", highlight=False)
    for kind in risk.kinds:
        if not kind.scored:
            continue
        crawlers = f", {kind.crawlers:,} of them crawlers at their own addresses" if kind.crawlers else ""
        among = f"; ranked among {kind.ranked_days:,} days of subjects" if kind.ranked_days is not None else ""
        console.print(
            f"{kind.flagged:,} of {kind.scored:,} subjects by {kind.kind} that were scored had a risk above {risk.above:g} "
            f"({percent(kind.flagged, kind.scored)}){crawlers}{among}",
            highlight=False,
        )
    for title, subjects in (("flagged", risk.flagged), ("flagged, and a crawler at its own address", risk.crawlers)):
        if subjects:
            console.print(_table(title, subjects))


def _table(title: str, subjects: list[FlaggedSubject]) -> Table:
    """A row for each; seen, admitted and throttled are counted since it was flagged."""
    table = Table(title, "since", "why (normal)", "agent")
    for heading in ("seen", "admitted", "throttled"):
        table.add_column(heading, justify="right")
    for one in subjects:
        why = "\n".join(map(why_of, one.reasons))
        counts = (f"{count:,}" for count in (one.seen, one.admitted, one.throttled))
        table.add_row(shown(one.subject), one.first, why, shown(one.agent or "-"), *counts)
    return table


def why_of(reason: ReasonReport) -> str:
    """A signal's value and what is normal."""
    return f"{reason.signal} {figure(reason.value)} ({figure(reason.low)} to {figure(reason.high)})"
