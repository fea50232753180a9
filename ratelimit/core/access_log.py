"""Which format an access log has, and the parser for it."""

from collections.abc import Callable, Mapping
from typing import Literal

from ratelimit.core.combined_log import CombinedLog
from ratelimit.core.log_entry import Entry
from ratelimit.core.ndjson_log import NdjsonLog

LogFormat = Literal["combined", "ndjson"]
Parse = Callable[[bytes], Entry]


def detect(line: bytes) -> LogFormat:
    """The format of a log by its first line that is not blank."""
    return "ndjson" if line.lstrip().startswith(b"{") else "combined"


def parser(log_format: LogFormat, names: Mapping[str, str] | None = None) -> Parse:
    """A parser of lines; `names` says what a JSON log calls our fields and means nothing to the other format."""
    return NdjsonLog(names) if log_format == "ndjson" else CombinedLog()
