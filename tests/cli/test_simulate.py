"""`ratelimit simulate`, as a person and as a script see it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ratelimit.cli.simulate import simulate
from ratelimit.core.errors import ConfigError

SMALL = ("--days", "1", "--scale", "0.03")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(simulate, [str(argument) for argument in arguments])


def test_a_person_is_told_what_was_written(tmp_path: Path) -> None:
    """How many of whom, and where."""
    result = run(tmp_path / "new", *SMALL)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2026-03-02T00:00:00.000Z to 2026-03-03T00:00:00.000Z, seed 1, scale 0.03\n")
    assert "honest members, 1 plain abusers and 0 evasive ones of 9 kinds" in result.stdout
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "labels.ndjson", "manifest.json", "purchase-labels.ndjson", "purchases.ndjson.zst", "usage.ndjson.zst",
    ]  # fmt: skip


def test_a_script_is_told_the_manifest(tmp_path: Path) -> None:
    """JSON, and nothing else, on standard output."""
    result = run(tmp_path, *SMALL, "--seed", "7", "--json", "--without", "flood", "--without", "farming")
    told = json.loads(result.stdout)
    assert told == json.loads((tmp_path / "manifest.json").read_bytes())
    assert told["seed"] == 7
    assert not {"flood", "farming"} & set(told["abuse_kinds"])


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    """Without --force nothing, and with it only what a simulation wrote."""
    assert run(tmp_path, *SMALL).exit_code == 0
    with pytest.raises(ConfigError, match=r"it holds 'labels.ndjson' already; name another folder, or say --force"):
        simulate.main([str(tmp_path), *SMALL], standalone_mode=False)
    assert run(tmp_path, *SMALL, "--force").exit_code == 0
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"it holds 'thesis.txt', which no simulation wrote; expected an empty or a new folder"):
        simulate.main([str(tmp_path), *SMALL, "--force"], standalone_mode=False)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """With the system's reason, not as a bug of ours."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Not a directory; expected a folder that can be written to"):
        simulate.main([str(tmp_path / "file" / "out"), *SMALL], standalone_mode=False)


@pytest.mark.parametrize("arguments", [("--days", "0"), ("--scale", "0"), ("--only", "scraping"), ("--seed", "-1")])
def test_usage_errors(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Are click's, with exit code 2."""
    assert run(tmp_path, *arguments).exit_code == 2


def test_purchases_alone(tmp_path: Path) -> None:
    """The same purchases and their labels, beside an empty usage log."""
    assert run(tmp_path / "all", *SMALL).exit_code == 0
    assert run(tmp_path / "bought", *SMALL, "--purchases-only").exit_code == 0
    for name in ("purchases.ndjson.zst", "purchase-labels.ndjson"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "bought" / name).read_bytes()
    assert json.loads((tmp_path / "bought" / "manifest.json").read_bytes())["lines"] == 0
