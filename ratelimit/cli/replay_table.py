"""A replay's report as a person reads it on the terminal."""

import msgspec
from rich.console import Console
from rich.table import Table

from ratelimit.cli.replay_risk_table import show_risk
from ratelimit.cli.written import percent, shown
from ratelimit.service.replay_report import Comparison, FileReport, LimitReport, Report


def show(report: Report, console: Console) -> None:
    """Print the report: what was read, what to be wary of, the requests, the limits, who was refused most, what another policy changes."""
    for file in report.files:
        _show_file(file, console)
    _show_order(report, console)
    _show_requests(report, console)
    console.print(_limit_table(report.limits))
    for limit in report.limits:
        if limit.skipped:
            missing = ", ".join(f"{count:,} no {kind}" for kind, count in limit.skipped.items())
            console.print(f"[dim]{limit.name} skipped: {missing}[/dim]")
    for limit in report.limits:
        if limit.top:
            console.print(_top_table(limit))
    if report.risk:
        show_risk(report.risk, console)
        if report.risk.twins:
            console.print(_limit_table(report.risk.twins))
    if report.comparison:
        _show_comparison(report.comparison, console)


def _show_file(file: FileReport, console: Console) -> None:
    console.print(f"{shown(file.name)}: {file.read:,} of {file.lines:,} lines read, {file.format or 'empty'}", highlight=False)
    if file.ended_early:
        console.print(f"[yellow]  its rest could not be read: {shown(file.ended_early)}[/yellow]")
    if file.broken:
        console.print(f"[yellow]  {file.broken:,} broken lines, the first:[/yellow]")
    for example in file.examples:
        console.print(f"[yellow]    line {example.line}: {shown(example.problem)}[/yellow]", highlight=False)


def _show_order(report: Report, console: Console) -> None:
    order = report.order
    if order.unordered:
        console.print(
            f"[bold red]The log is out of order: {order.late_over_1s:,} requests are over a second older than one before them, "
            f"by up to {order.worst_late_s:,.0f} s. Rates mean little; --sort puts them into order.[/bold red]"
        )
    elif order.late:
        console.print(
            f"[dim]{order.late:,} requests are older than one before them, by up to {order.worst_late_s:,.0f} s, "
            "and were taken at its time[/dim]"
        )


def _show_requests(report: Report, console: Console) -> None:
    requests = report.requests
    console.print(f"{report.first or 'never'} to {report.last or 'never'}, policy {shown(report.policy)}", highlight=False)
    console.print(
        f"[bold]{requests.seen:,} requests: {requests.admitted:,} admitted, {requests.refused:,} refused[/bold] "
        f"({percent(requests.refused, requests.seen)})"
    )
    for subjects in report.subjects:
        about = "about " if subjects.approx else ""
        console.print(
            f"{about}{subjects.refused:,} of {about}{subjects.seen:,} subjects by {'+'.join(subjects.per)} refused "
            f"({percent(subjects.refused, subjects.seen)})"
        )
    refused = {reason: count for reason, count in report.reasons.items() if reason != "ok"}
    if refused:
        console.print("by reason: " + ", ".join(f"{count:,} {reason}" for reason, count in refused.items()))
    for count, what in (
        (requests.unlimited, "requests met no limit"),
        (requests.no_request, "connections without a request, not counted"),
        (requests.outside, "requests outside the chosen time, not counted"),
        (requests.life_events, "events in accounts' lives, not counted"),
    ):
        if count:
            console.print(f"[dim]{count:,} {what}[/dim]")


def _limit_table(limits: list[LimitReport]) -> Table:
    """A row per limit; where several limits never got in each other's way, the columns about that are left out."""
    together = any(limit.also_refused or limit.spared for limit in limits)
    table = Table("limit", "per")
    for heading in ("seen", "admitted", "refused", *(("also refused", "spared") if together else ()), "subjects", "refused"):
        table.add_column(heading, justify="right")
    for limit in limits:
        name = limit.name if limit.mode == "enforce" else f"{limit.name} (shadow)"
        between = (limit.also_refused, limit.spared) if together else ()
        requests = (limit.seen, limit.admitted, limit.refused, *between)
        about = "~" if limit.approx else ""
        subjects = (f"{about}{limit.subjects_seen:,}", f"{about}{limit.subjects_refused:,}")
        table.add_row(name, "+".join(limit.per), *(f"{count:,}" for count in requests), *subjects)
    return table


def _top_table(limit: LimitReport) -> Table:
    table = Table(f"most refused by {limit.name}" if limit.mode == "enforce" else f"{limit.name} (shadow) would have refused most")
    for heading in ("seen", "refused", "share"):
        table.add_column(heading, justify="right")
    for top in limit.top:
        table.add_row(shown(top.subject), f"{top.seen:,}", f"{top.refused:,}", percent(top.refused, top.seen))
    return table


def _show_comparison(change: Comparison, console: Console) -> None:
    requests, callers = change.requests, change.callers
    seen = sum(msgspec.structs.astuple(requests))
    about = "about " if change.approx else ""
    console.print(
        f"[bold]against {shown(change.against.policy)}, which refuses {change.against.refused:,} requests[/bold]", highlight=False
    )
    console.print(
        f"requests: {requests.newly_refused:,} newly refused ({percent(requests.newly_refused, seen)}), "
        f"{requests.newly_admitted:,} newly admitted ({percent(requests.newly_admitted, seen)}), {requests.both_refused:,} refused by both"
    )
    console.print(
        f"callers: {about}{callers.newly_refused:,} of {about}{sum(msgspec.structs.astuple(callers)):,} newly refused, "
        f"{about}{callers.newly_admitted:,} newly admitted, {about}{callers.both_refused:,} refused by both"
    )
    console.print(
        f"callers that look honest: {about}{change.honest_newly_refused:,} of {about}{change.honest_callers:,} newly refused, "
        f"{about}{change.honest_newly_admitted:,} newly admitted"
    )
    console.print(f"[dim]{change.honest}[/dim]", highlight=False)
    if change.limits:
        console.print(_changed_limits(change))
    if change.top:
        console.print(_changed_callers(change))


def _changed_limits(change: Comparison) -> Table:
    table = Table("difference made by")
    for heading in ("newly refused", "newly admitted"):
        table.add_column(heading, justify="right")
    for limit in change.limits:
        table.add_row(limit.name, f"{limit.newly_refused:,}", f"{limit.newly_admitted:,}")
    return table


def _changed_callers(change: Comparison) -> Table:
    table = Table("most changed refusals")
    for heading in ("seen", "by --policy", "by --against", "newly refused", "newly admitted"):
        table.add_column(heading, justify="right")
    table.add_column("looks honest")
    for one in change.top:
        counts = (one.seen, one.refused, one.refused_against, one.newly_refused, one.newly_admitted)
        table.add_row(shown(one.caller), *(f"{count:,}" for count in counts), "yes" if one.looks_honest else "no")
    return table
