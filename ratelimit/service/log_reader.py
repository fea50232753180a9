"""Reads one access log line by line into entries, and keeps account of the lines that could not be read.

A broken line is never fatal and is never shown: only its number and what was wrong, for the line itself may hold secrets.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from ratelimit.core.access_log import LogFormat, detect, parser
from ratelimit.core.log_entry import BrokenLineError, Entry

MAX_LINE_BYTES: Final = 65_536  # of a line; what is longer is counted as broken and not kept
EXAMPLES_KEPT: Final = 5
_BOM: Final = b"\xef\xbb\xbf"


class BrokenExample(Struct, frozen=True):
    """One line that could not be read: its number from 1, and what was wrong with it."""

    line: int
    problem: str


class LogReader:
    """The reading of one log. `log_format` None: seen from the first line; `names`: what a JSON log calls our fields."""

    def __init__(self, name: str, log_format: LogFormat | None = None, names: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.format = log_format
        self.lines = 0
        self.blank = 0
        self.broken = 0
        self.examples: list[BrokenExample] = []
        self.ended_early: str | None = None  # why not all of the file could be read
        self._names = names

    def entries(self, lines: Iterable[bytes]) -> Iterator[Entry]:
        """The entries of the lines that can be read, in their order."""
        parse = None
        for raw in lines:
            self.lines += 1
            line = raw.strip()
            if not line:
                self.blank += 1
                continue
            if parse is None:
                line = line.removeprefix(_BOM)
                self.format = self.format or detect(line)
                parse = parser(self.format, self._names)
            if len(line) > MAX_LINE_BYTES:
                self._note(f"it is longer than {MAX_LINE_BYTES} bytes")
                continue
            try:
                entry = parse(line)
            except BrokenLineError as error:
                self._note(str(error))
                continue
            yield entry

    @property
    def read(self) -> int:
        """How many lines became entries."""
        return self.lines - self.blank - self.broken

    def _note(self, problem: str) -> None:
        self.broken += 1
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(BrokenExample(self.lines, problem))
