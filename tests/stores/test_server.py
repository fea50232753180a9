"""The server's binary and its log."""

import platform
from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError, DependencyError
from ratelimit.stores import server
from ratelimit.stores.server import explain, find_server, open_log


def test_platform_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the wheel has no server, the error says for what, and what would do."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(DependencyError, match=r"no server for .* on riscv64 .*set RATELIMIT_REDIS_URL"):
        find_server()


@pytest.mark.parametrize(
    ("system", "machine", "folder"),
    [
        ("Linux", "AMD64", "linux-x86_64"),
        ("Linux", "arm64", "linux-aarch64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-x86_64"),
    ],
)
def test_platform_names(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, folder: str) -> None:
    """Every platform is looked for under the name that the wheel gives it."""
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr("os.access", lambda path, _mode: path.parent.name == folder)
    assert find_server().parent.name == folder


def test_log_is_kept_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has grown is set aside at the next start, and one old log is kept."""
    monkeypatch.setattr(server, "LOG_BYTES", 100)
    log = tmp_path / "valkey.log"
    for number in range(3):
        log.write_text(f"{number}" * 101)
        open_log(log).close()
        assert log.read_text() == ""
    assert [path.read_text() for path in tmp_path.iterdir() if path != log] == ["2" * 101]


def test_log_is_appended_to(tmp_path: Path) -> None:
    """A small log is kept, and `tell` is where the new lines begin."""
    log = tmp_path / "valkey.log"
    log.write_text("old\n")
    with open_log(log) as output:
        start = output.tell()
        output.write(b"WARNING Memory overcommit must be enabled!\n" + b"".join(b"line %d\n" % number for number in range(9)))
    assert str(explain("fell", log, start)).splitlines()[1:-1] == [f"  line {number}" for number in range(4, 9)]


def test_log_that_cannot_be_written(tmp_path: Path) -> None:
    """A log that is no file is named, with what would do."""
    (tmp_path / "valkey.log").mkdir()
    with pytest.raises(ConfigError, match=r"valkey.log: cannot be written: Is a directory; set RATELIMIT_DATA"):
        open_log(tmp_path / "valkey.log")
