"""Reading a whole file: what is none, or too much, is refused."""

from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.service.plain_file import read_plain_file


@pytest.mark.parametrize("size", [0, 1, 2_999_999, 3_000_000])
def test_up_to_the_most(tmp_path: Path, size: int) -> None:
    """A file is read whole, up to the most that is allowed."""
    (tmp_path / "file").write_bytes(b"x" * size)
    assert read_plain_file(tmp_path / "file", 3_000_000, "a file") == b"x" * size


def test_too_big(tmp_path: Path) -> None:
    """A bigger one is refused, in words for small files where there are any."""
    (tmp_path / "file").write_bytes(b"x" * 11)
    with pytest.raises(ConfigError, match=r"is over 10 bytes; expected a list$"):
        read_plain_file(tmp_path / "file", 10, "a list")
    with pytest.raises(ConfigError, match=r"is over 10 bytes; expected a list, which is short$"):
        read_plain_file(tmp_path / "file", 10, "a list", "a list, which is short")


def test_what_never_ends_is_not_begun() -> None:
    """A device is no plain file."""
    with pytest.raises(ConfigError, match="/dev/zero: is not a plain file; expected a list"):
        read_plain_file(Path("/dev/zero"), 10, "a list")
