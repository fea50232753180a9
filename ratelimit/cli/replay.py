"""`ratelimit replay`: who would have been refused, had this policy been in force while this access log was written."""

import heapq
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from operator import itemgetter
from pathlib import Path
from typing import Final, get_args

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ratelimit.cli.log_file import STDIN, LogFile
from ratelimit.cli.replay_page import page
from ratelimit.cli.replay_record import replay_record
from ratelimit.cli.replay_table import show
from ratelimit.core.access_log import LogFormat
from ratelimit.core.errors import ConfigError
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import BrokenLineError, Entry
from ratelimit.core.log_time import rfc3339_us
from ratelimit.core.ndjson_log import NAMES
from ratelimit.core.policy import Policy
from ratelimit.service.log_reader import LogReader
from ratelimit.service.policy_source import built_in_policy, read_policy
from ratelimit.service.replay import ALWAYS_US, Replay
from ratelimit.service.replay_report import Report

_POLICY: Final = Path("ratelimit.yaml")
_TICK_LINES: Final = 4_096  # between two looks at how far we are
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
              show_default=f"{_POLICY}, else the one built in", help="The policy file.")  # fmt: skip
@click.option("--against", "against_path", type=click.Path(path_type=Path), metavar="FILE",
              help="A second policy: show who would change sides if it replaced the first.")  # fmt: skip
@click.option("--record", metavar="FILE", help="Instead of logs, decide again on one record of /v1/records; exit code 1: it differs.")
@click.option("--model", "model_folder", type=click.Path(path_type=Path), metavar="DIR", show_default="the policy's",
              help="The folder of the record's model.")  # fmt: skip
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
        sys.exit(not replay_record(record, _policy(policy_path), model_folder, as_json=as_json))
    if not logs:
        raise click.UsageError("Missing argument 'LOG...'.")
    if logs.count(STDIN) > 1:
        raise click.UsageError("standard input can be read only once; expected - at most one time")
    policy, against = _policy(policy_path), read_policy(against_path) if against_path else None
    chosen = next((known for known in get_args(LogFormat) if known == log_format), None)
    span_us = (ALWAYS_US[0] if from_us is None else from_us, ALWAYS_US[1] if until_us is None else until_us)
    if page_path:
        _write_page(page_path, "")  # to know before the work, not after it
    run = Replay(policy, ApiKeys(secrets.token_bytes(32)), span_us, against)
    with ExitStack() as stack:
        files = [stack.enter_context(closing(LogFile(name))) for name in logs]
        readers = [LogReader(file.name, chosen, names) for file in files]
        tick = _progress(stack, files) if sys.stderr.isatty() and not quiet else None
        run.run(_merged(files, readers, tick, in_order=in_order))
        for file, reader in zip(files, readers, strict=True):
            reader.ended_early = file.problem
    _refuse_unreadable(readers)
    report = run.report(readers, top)
    if page_path:
        _write_page(page_path, page(report))
    _print(report, as_json=as_json)


def _policy(path: Path | None) -> Policy:
    if path is None and not _POLICY.exists():
        return built_in_policy()
    return read_policy(path or _POLICY)


def _write_page(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; expected a file for the report that can be written"]) from None


def _merged(files: list[LogFile], readers: list[LogReader], tick: Callable[[], None] | None, *, in_order: bool) -> Iterable[Entry]:
    """The entries of all logs by time, as far as each log is in order by itself."""
    streams = [reader.entries(_ticking(file.lines(), tick) if tick else file.lines()) for file, reader in zip(files, readers, strict=True)]
    time_us = itemgetter(0)
    merged = heapq.merge(*streams, key=time_us) if len(streams) > 1 else streams[0]
    return sorted(merged, key=time_us) if in_order else merged


def _ticking(lines: Iterable[bytes], tick: Callable[[], None]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if number % _TICK_LINES == 0:
            tick()
        yield line


def _progress(stack: ExitStack, files: list[LogFile]) -> Callable[[], None]:
    """A bar on standard error that counts the bytes read of all files; call what is returned now and then."""
    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    columns = (TextColumn("replay"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
    task = bar.add_task("replay", total=total)
    return lambda: bar.update(task, completed=sum(file.position() for file in files))


def _refuse_unreadable(readers: list[LogReader]) -> None:
    if any(reader.read for reader in readers):
        return
    problems = []
    for reader in readers:
        why = reader.ended_early or (f"line {reader.examples[0].line}: {reader.examples[0].problem}" if reader.examples else "it is empty")
        problems.append(f"{reader.name}: none of {reader.lines} lines could be read ({why}); expected an access log, combined or NDJSON")
    raise ConfigError(problems)


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
        return
    show(report, Console() if sys.stdout.isatty() else Console(width=_WIDTH))
