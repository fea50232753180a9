"""`ratelimit demo` where it cannot begin: a message and an exit code."""

from pathlib import Path

from tests.cli.command import run


def test_a_folder_that_cannot_be_made_is_said_and_not_a_traceback(tmp_path: Path) -> None:
    """Below a file there is no folder."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = run("demo", "--folder", tmp_path / "file" / "demo")
    assert "cannot be used" in str(result.exception)
    assert getattr(result.exception, "exit_code", None) == 2


def test_a_ledger_that_is_none_is_said_and_not_a_traceback(tmp_path: Path) -> None:
    """A folder that cannot be gone on with says so, and what would do."""
    (tmp_path / "ledger.db").mkdir()
    result = run("demo", "--folder", tmp_path)
    assert "its ledger cannot be opened" in str(result.exception)
    assert getattr(result.exception, "exit_code", None) == 3
