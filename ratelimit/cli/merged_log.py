"""Several access logs read as one, by time, with a bar that says how far that is; and the policy that they are put through."""

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ratelimit.cli.log_file import STDIN, LogFile
from ratelimit.core.access_log import LogFormat
from ratelimit.core.errors import ConfigError
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.service.log_reader import LogReader
from ratelimit.service.policy_source import built_in_policy, read_policy

POLICY: Final = Path("ratelimit.yaml")
_TICK_LINES: Final = 4_096  # between two looks at how far we are


def policy_of(path: Path | None) -> Policy:
    """The policy in a file; None: the one that lies here, else the one built in."""
    if path is None and not POLICY.exists():
        return built_in_policy()
    return read_policy(path or POLICY)


@dataclass(frozen=True)
class Reading:
    """Which logs are read, and how: `log_format` None looks at each log's first line, `names` are what a JSON log calls our fields."""

    verb: str
    logs: tuple[str, ...]
    log_format: LogFormat | None = None
    names: dict[str, str] = field(default_factory=dict)
    in_order: bool = False
    quiet: bool = False


def read_logs(how: Reading, work: Callable[[Iterable[Entry]], None]) -> list[LogReader]:
    """Give `work` the entries of all logs; what was found of each. Raises ConfigError if not a line of any could be read."""
    if how.logs.count(STDIN) > 1:
        raise click.UsageError("standard input can be read only once; expected - at most one time")
    with ExitStack() as stack:
        files = [stack.enter_context(closing(LogFile(name))) for name in how.logs]
        readers = [LogReader(file.name, how.log_format, how.names) for file in files]
        tick = byte_bar(stack, how.verb, files) if sys.stderr.isatty() and not how.quiet else None
        work(_merged(files, readers, tick, in_order=how.in_order))
        for file, reader in zip(files, readers, strict=True):
            reader.ended_early = file.problem
    _refuse_unreadable(readers)
    return readers


def _merged(files: list[LogFile], readers: list[LogReader], tick: Callable[[], None] | None, *, in_order: bool) -> Iterable[Entry]:
    """The entries of all logs by time, as far as each log is in order by itself."""
    streams = [reader.entries(ticking(file.lines(), tick) if tick else file.lines()) for file, reader in zip(files, readers, strict=True)]
    time_us = itemgetter(0)
    merged = heapq.merge(*streams, key=time_us) if len(streams) > 1 else streams[0]
    return sorted(merged, key=time_us) if in_order else merged


def ticking(lines: Iterable[bytes], tick: Callable[[], None]) -> Iterator[bytes]:
    """The same lines; `tick` is called now and then."""
    for number, line in enumerate(lines):
        if number % _TICK_LINES == 0:
            tick()
        yield line


def byte_bar(stack: ExitStack, verb: str, files: list[LogFile]) -> Callable[[], None]:
    """A bar on standard error that counts the bytes read of all files; call what is returned now and then."""
    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    columns = (TextColumn(verb), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
    task = bar.add_task(verb, total=total)
    return lambda: bar.update(task, completed=sum(file.position() for file in files))


def _refuse_unreadable(readers: list[LogReader]) -> None:
    """Raise ConfigError if not a line of any of the logs could be read."""
    if any(reader.read for reader in readers):
        return
    problems = []
    for reader in readers:
        why = reader.ended_early or (f"line {reader.examples[0].line}: {reader.examples[0].problem}" if reader.examples else "it is empty")
        problems.append(f"{reader.name}: none of {reader.lines} lines could be read ({why}); expected an access log, combined or NDJSON")
    raise ConfigError(problems)
