"""Opens an access log, plain or packed with gzip or zstd, and says how many of its bytes have been read.

The packing is told by the first bytes, not by the name, so that standard input and rotated names such as `access.log.3` work too.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

import zstandard

from ratelimit.core.errors import ConfigError
from ratelimit.service.log_reader import MAX_LINE_BYTES

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer  # collections.abc.Buffer comes with Python 3.12

STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_CHUNK_BYTES: Final = 1 << 18
_ZSTD_BYTES: Final = 2_048  # unpacked at a time; of a bomb, 4 bytes make 128 KiB


class LogFile:
    """An open log; its caller closes it. `size` is in bytes as packed, None where it cannot be known."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size: int | None = None
        self.problem: str | None = None  # why reading stopped before the end
        self._packed = self._open()
        self._plain = _unpacked(self._packed)

    def _open(self) -> io.BufferedReader:
        if self.name == STDIN:
            return cast(io.BufferedReader, sys.stdin.buffer)
        try:
            packed = Path(self.name).open("rb")  # noqa: SIM115 (open until `close`)
        except OSError as error:
            raise ConfigError([f"{self.name}: {error.strerror}; expected a readable access log, or - for standard input"]) from None
        self.size = Path(self.name).stat().st_size if packed.seekable() else None  # a pipe has none
        return packed

    def position(self) -> int:
        """How many bytes of the file, as packed, have been read."""
        return self._packed.tell() if self.size is not None else 0

    def lines(self) -> Iterator[bytes]:
        """The lines with their ends; of one that is too long only its beginning, one byte more than is allowed."""
        try:
            while line := self._plain.readline(MAX_LINE_BYTES + 1):
                yield line
                while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                    line = self._plain.readline(MAX_LINE_BYTES + 1)  # its rest
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            self.problem = str(error) or type(error).__name__

    def close(self) -> None:
        """Close the file, but never standard input."""
        if self.name != STDIN:
            self._plain.close()
            self._packed.close()


class _Zstd(io.RawIOBase):
    """Frames of zstd, unpacked; zstandard's own reader takes a file that is cut off for one that has ended."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._packed = packed
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._left = b""  # packed, of the next frame
        self._ready = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill `buffer` with what comes next; raises EOFError in the middle of a frame."""
        while not self._ready:
            packed = self._left or self._packed.read1(_ZSTD_BYTES)
            if not packed and self._frame:
                raise EOFError("Compressed file ended before the end of its zstd frame")
            if not packed:
                return 0
            self._unpack(packed)
        room = memoryview(buffer)
        taken = self._ready[: len(room)]
        room[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)

    def _unpack(self, packed: bytes) -> None:
        self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        self._ready, self._left = self._frame.decompress(packed), b""
        if self._frame.eof:
            self._left, self._frame = self._frame.unused_data, None


def _unpacked(packed: io.BufferedReader) -> IO[bytes]:
    head = packed.peek(len(_ZSTD))
    if head.startswith(_GZIP):
        return cast(IO[bytes], io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=packed)), _CHUNK_BYTES))
    if head.startswith(_ZSTD):
        return io.BufferedReader(_Zstd(packed), _CHUNK_BYTES)
    return cast(IO[bytes], packed)
