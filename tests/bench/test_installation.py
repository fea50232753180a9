"""How peers are installed: once for what is pinned, and whoever cannot be had says why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import installation
from bench.installation import Installation, install, install_daemon, install_limitador, install_node, install_ratelimit


def test_it_is_installed_once_and_again_when_a_pin_changes(tmp_path: Path) -> None:
    """The command runs once for what is pinned, and again for another pin."""
    pin, told = tmp_path / "pin", list[str]()
    what = Installation("peer", [pin], tmp_path / "there", ["sh", "-c", f"echo . >> {tmp_path}/runs"])
    for version in ("1", "1", "2"):
        pin.write_text(version)
        assert install(what, told.append) is None
    assert (tmp_path / "runs").read_text().split() == [".", "."]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("command", "patience_s", "why"),
    [
        (["sh", "-c", "echo no such version >&2; exit 1"], 60, "peer could not be installed: no such version; apt-get install cc"),
        (["/no/such/program"], 60, "No such file or directory: '/no/such/program'"),
        (["sleep", "60"], 0, "timed out after 0 seconds"),
    ],
)
def test_what_cannot_be_installed_says_why(tmp_path: Path, command: list[str], patience_s: int, why: str) -> None:
    """A command that fails, is missing or takes too long is told, and is tried again the next time."""
    (tmp_path / "pin").write_text("1")
    told = list[str]()
    for _ in range(2):
        found = install(Installation("peer", [tmp_path / "pin"], tmp_path, command, patience_s, hint="apt-get install cc"), told.append)
        assert found is not None
        assert why in found
    assert len(told) == 2


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (install_node, "node not found; apt-get install nodejs npm"),
        (install_ratelimit, "go not found; install Go 1.25 or newer"),
        (install_limitador, "cargo not found; install Rust 1.85 or newer"),
        (install_daemon("no-such-daemon"), "no-such-daemon not found; make deps"),
    ],
)
def test_what_a_peer_needs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Callable[[str], None]], str | None], why: str
) -> None:
    """Where a toolchain is missing nothing is tried, and it is said what would do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(installation, "GO", tmp_path / "go")
    monkeypatch.setattr(installation, "RUST", tmp_path / "rust")
    told = list[str]()
    assert ask(told.append) == why
    assert told == []
