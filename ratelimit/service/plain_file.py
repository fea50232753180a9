"""Reads a file that a setting names, whole: but never a pipe, which would block for ever, nor more than such a file can sensibly hold."""

import stat
from pathlib import Path
from typing import Final

from ratelimit.core.errors import ConfigError

_PART_BYTES: Final = 1 << 20


def read_plain_file(path: Path, max_bytes: int, wanted: str, small: str | None = None) -> bytes:
    """The content of the file. Raises ConfigError if it cannot be read, is no plain file, or is over `max_bytes`.

    `wanted` says in a message what was expected; `small` the same for a file that is too big.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError([f"{path}: is not a plain file; expected {wanted}"])
        content = bytearray()
        with path.open("rb") as file:
            while len(content) <= max_bytes and (part := file.read(_PART_BYTES)):  # one read of the most would take that memory at once
                content += part
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([f"{path}: cannot be read ({reason}); expected {wanted}"]) from None
    if len(content) > max_bytes:
        raise ConfigError([f"{path}: is over {max_bytes} bytes; expected {small or wanted}"])
    return bytes(content)


def file_state(path: Path) -> tuple[int, ...]:
    """Something that differs once a file was written, replaced, added or removed."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
