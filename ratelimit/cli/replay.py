"""`ratelimit replay`: who would have been refused, had this policy been in force while this access log was written."""

import sys
from pathlib import Path
from typing import Final, get_args

import click
import msgspec
from rich.console import Console

from ratelimit.cli.merged_log import POLICY, Reading, policy_of
from ratelimit.cli.replay_page import page
from ratelimit.cli.replay_record import replay_record
from ratelimit.cli.replay_run import Run
from ratelimit.cli.replay_table import show
from ratelimit.core.access_log import LogFormat
from ratelimit.core.errors import ConfigError
from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.log_time import rfc3339_us
from ratelimit.core.ndjson_log import NAMES
from ratelimit.replay_model import model_of
from ratelimit.service.address_book import Sources
from ratelimit.service.policy_source import read_policy
from ratelimit.service.replay import ALWAYS_US
from ratelimit.service.replay_report import Report

_WIDTH: Final = 120  # columns of a table that does not go to a terminal


def _instant(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    try:
        return None if text is None else rfc3339_us(text)
    except BrokenLineError:
        raise click.BadParameter(f"{text!r} is not an instant; expected RFC 3339 such as 2026-11-24T09:00:00Z") from None


def _names(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    names = {}
    for pair in pairs:
        field, _, name = pair.partition("=")
        if field not in NAMES or not name:
            raise click.BadParameter(f"{pair!r} names no field; expected FIELD=NAME with FIELD one of {', '.join(NAMES)}")
        names[field] = name
    return names


@click.command()
@click.argument("logs", nargs=-1, metavar="LOG...")
@click.option("--policy", "policy_path", type=click.Path(path_type=Path), envvar="RATELIMIT_POLICY",
              show_default=f"{POLICY}, else the one built in", help="The policy file.")  # fmt: skip
@click.option("--against", "against_path", type=click.Path(path_type=Path), metavar="FILE",
              help="A second policy: show who would change sides if it replaced the first.")  # fmt: skip
@click.option("--record", metavar="FILE", help="Instead of logs, decide again on one record of /v1/records; exit code 1: it differs.")
@click.option("--model", "model_folder", type=click.Path(path_type=Path), metavar="DIR", show_default="the policy's",
              help="The folder of a model: the logs go through signals, too, and it says whom it would flag.")  # fmt: skip
@click.option("--enforce-risk", is_flag=True, help="Refuse whom the policy slows down for their risk, also where it says shadow.")
@click.option("--ip-lists", type=click.Path(path_type=Path), envvar="RATELIMIT_IP_LISTS", metavar="FOLDER", help="Lists of networks.")
@click.option("--countries", type=click.Path(path_type=Path), envvar="RATELIMIT_COUNTRIES", metavar="FILE", help="Database of countries.")
@click.option("--html", "page_path", type=click.Path(path_type=Path), metavar="FILE", help="Write the report as a page with charts, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--top", type=click.IntRange(0, 10_000), default=10, show_default=True, help="Subjects and callers named in each table.")
@click.option("--format", "log_format", type=click.Choice(["auto", *get_args(LogFormat)]), default="auto", show_default=True,
              help="How the logs are written; auto looks at each log's first line.")  # fmt: skip
@click.option("--map", "names", multiple=True, metavar="FIELD=NAME", callback=_names,
              help="What a JSON log calls one of our fields, such as api_key=token.")  # fmt: skip
@click.option("--from", "from_us", metavar="TIME", callback=_instant, help="Leave out requests before this instant (RFC 3339).")
@click.option("--until", "until_us", metavar="TIME", callback=_instant, help="Leave out requests from this instant on.")
@click.option("--sort", "in_order", is_flag=True, help="Sort the requests by time first; takes memory for all of them.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def replay(  # noqa: PLR0913, PLR0917 (an option each)
    logs: tuple[str, ...],
    policy_path: Path | None,
    against_path: Path | None,
    record: str | None,
    model_folder: Path | None,
    enforce_risk: bool,
    ip_lists: Path | None,
    countries: Path | None,
    page_path: Path | None,
    as_json: bool,
    top: int,
    log_format: str,
    names: dict[str, str],
    from_us: int | None,
    until_us: int | None,
    in_order: bool,
    quiet: bool,
) -> None:
    """Put access LOGs through a policy, in their own time, and show who would have been refused.

    A LOG is in combined or NDJSON format, plain or packed with gzip or zstd; - is standard input. Several are merged by time.
    """
    if record is not None and logs:
        raise click.UsageError("--record takes no LOG; expected the one or the other")
    if record is not None:
        sys.exit(not replay_record(record, policy_of(policy_path), model_folder, as_json=as_json))
    if not logs:
        raise click.UsageError("Missing argument 'LOG...'.")
    policy, against = policy_of(policy_path), read_policy(against_path) if against_path else None
    chosen = next((known for known in get_args(LogFormat) if known == log_format), None)
    span_us = (ALWAYS_US[0] if from_us is None else from_us, ALWAYS_US[1] if until_us is None else until_us)
    if page_path:
        _write_page(page_path, "")  # to know before the work, not after it
    run = Run(
        policy=policy,
        against=against,
        reading=Reading("replay", logs, chosen, names, in_order, quiet),
        span_us=span_us,
        sources=Sources(*(str(path) if path else None for path in (ip_lists, countries))),
        enforce_risk=enforce_risk,
    )
    report = run.report(model_of(model_folder, run.policies), top)
    if page_path:
        _write_page(page_path, page(report))
    _print(report, as_json=as_json)


def _write_page(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; expected a file for the report that can be written"]) from None


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
        return
    show(report, Console() if sys.stdout.isatty() else Console(width=_WIDTH))
