"""The data folder's claim, and the errors of folders that cannot be used."""

import os
import sys
from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.stores import folder
from ratelimit.stores.folder import claim_folder


async def test_one_claim_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claimed folder is refused to others, even in the same process, until it is released."""
    monkeypatch.setattr(folder, "IN_USE_S", 0.05)
    claimed = await claim_folder(tmp_path / "data")
    with pytest.raises(ConfigError, match=rf"data: in use by process {os.getpid()}; stop that one"):
        await claim_folder(tmp_path / "data")
    claimed.release()
    (await claim_folder(tmp_path / "data")).release()


@pytest.mark.parametrize("content", ["", "nonsense", "4194305\n", "4194305\n/etc/passwd\n", "\xff\n\n\n"])
async def test_what_a_crash_left_in_the_lock_file(tmp_path: Path, content: str) -> None:
    """Whatever the lock file says, a folder that nobody holds can be claimed."""
    (tmp_path / "lock").write_text(content)
    claimed = await claim_folder(tmp_path)
    claimed.release()
    assert claimed.path == tmp_path


async def test_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is made absolute at once, so that a later change of directory does not matter."""
    monkeypatch.chdir(tmp_path)
    claimed = await claim_folder(Path("data"))
    assert (claimed.path, claimed.socket) == (tmp_path / "data", tmp_path / "data/valkey.sock")
    claimed.release()


@pytest.mark.parametrize("place", ["file", "file/below"])
async def test_folder_that_cannot_be_made(tmp_path: Path, place: str) -> None:
    """A path that cannot be a folder is named, with what would do."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=rf"{place}: cannot be made a data folder: .*RATELIMIT_DATA"):
        await claim_folder(tmp_path / place)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which not even root can write")
async def test_folder_that_cannot_be_written() -> None:
    """A folder that exists and takes no files is named, with what would do."""
    with pytest.raises(ConfigError, match=r"/proc/self: cannot be written: .*RATELIMIT_DATA"):
        await claim_folder(Path("/proc/self"))
