"""Opening logs, however they are packed."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ratelimit.cli.log_file import LogFile
from ratelimit.core.errors import ConfigError
from ratelimit.service.log_reader import MAX_LINE_BYTES

LINES = [b"first\n", b"second\n", b"no end"]
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda plain: plain,
    "gzip": gzip.compress,
    "two gzips": lambda plain: gzip.compress(plain[:8]) + gzip.compress(plain[8:]),
    "zstd": zstandard.compress,
    "two zstds": lambda plain: zstandard.compress(plain[:8]) + zstandard.compress(plain[8:]),
}


def opened(path: Path, content: bytes) -> LogFile:
    path.write_bytes(content)
    return LogFile(str(path))


@pytest.mark.parametrize("packing", PACKINGS)
def test_reads_lines_whatever_the_packing(packing: str, tmp_path: Path) -> None:
    """The first bytes tell how a log is packed, whatever its name."""
    packed = PACKINGS[packing](b"".join(LINES))
    file = opened(tmp_path / "access.log.3", packed)
    assert list(file.lines()) == LINES
    assert (file.problem, file.size, file.position()) == (None, len(packed), len(packed))
    file.close()


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    """Nothing is read of nothing."""
    file = opened(tmp_path / "log", b"")
    assert list(file.lines()) == []
    file.close()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """What was there is used, and why there is no more is said."""
    lines = [f"{number**7} line\n".encode() for number in range(100_000)]
    file = opened(tmp_path / "log", pack(b"".join(lines))[:-5_000])
    found = list(file.lines())
    assert 0 < len(found) < len(lines)
    assert file.problem
    file.close()


def test_a_line_without_end_takes_no_memory_without_end(tmp_path: Path) -> None:
    """Of an overlong line comes its beginning, and the next line is whole."""
    file = opened(tmp_path / "log", b"x" * 10 * MAX_LINE_BYTES + b"\nnext\n")
    assert [len(line) for line in file.lines()] == [MAX_LINE_BYTES + 1, 5]
    file.close()


def test_a_missing_file_is_a_clear_mistake(tmp_path: Path) -> None:
    """The message names the file and what would do."""
    with pytest.raises(ConfigError, match=r"nowhere\.log: No such file or directory; expected a readable access log"):
        LogFile(str(tmp_path / "nowhere.log"))


def test_a_folder_is_a_clear_mistake(tmp_path: Path) -> None:
    """A folder is no log."""
    with pytest.raises(ConfigError, match="directory"):
        LogFile(str(tmp_path))
