"""`ratelimit policy`: check, explain and schema, as a person and as a script see them."""

import json
from pathlib import Path
from unittest.mock import ANY

import pytest
from click.testing import CliRunner, Result

from ratelimit.cli.policy import policy
from ratelimit.core.errors import ConfigError

LIMIT = "version: 1\nlimits:\n  - {name: a, per: [api_key], match: {path: ['/[x]*']}, bucket: {capacity: 3, refill: 10/s}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ratelimit.yaml"
    path.write_text(LIMIT)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(policy, [str(argument) for argument in arguments])


def test_check_shows_limits_and_warnings(file: Path) -> None:
    """A sound file is OK, with its limits on stdout and its warnings on stderr."""
    result = run("check", file)
    assert result.exit_code == 0
    assert f"{file}: OK, 1 limit, mode enforce, digest " in result.stdout
    assert "path /[x]*" in result.stdout
    assert "3, refilled 10/s" in result.stdout
    assert f"{file}: warning: $.limits[0]: a is per api_key" in result.stderr


def test_check_shows_quotas(file: Path) -> None:
    """A quota is shown with its period and zone."""
    file.write_text("version: 1\nlimits: [{name: a, per: [account], quota: {amount: 9, every: week}}]")
    assert "9 a week, UTC" in run("check", file).stdout


def test_check_json(file: Path) -> None:
    """A script gets the limits as the file writes them."""
    result = json.loads(run("check", "--json", file).stdout)
    assert result["ok"]
    assert result["limits"][0]["bucket"] == {"capacity": 3, "refill": "10/s"}
    assert len(result["warnings"]) == 1


def test_check_of_a_broken_file(file: Path) -> None:
    """Every problem of a broken file comes as one ConfigError, or as JSON with its exit code."""
    file.write_text("version: 2\nlimits: []")
    error = run("check", file).exception
    assert isinstance(error, ConfigError)
    assert len(error.problems) == 2
    result = run("check", "--json", file)
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {"ok": False, "problems": error.problems}


def test_explain(file: Path) -> None:
    """A request is explained limit by limit, and its key is not printed."""
    result = run("explain", file, "--path", "/[x]y", "--api-key", "secret", "--method", "post")
    assert result.exit_code == 0
    assert "POST /[x]y meets 1 of 1 limit" in result.stdout
    assert "api_key:given" in result.stdout
    assert "secret" not in result.output
    assert "path /b is not among /[x]*" in run("explain", file, "--path", "/b").stdout


def test_explain_json(file: Path) -> None:
    """A script gets the same explanation."""
    file.write_text(LIMIT.replace("api_key", "ip"))
    result = json.loads(run("explain", file, "--path", "/[x]", "--ip", "2001:db8::1", "--json").stdout)
    assert result == {"limits": [{"limit": "a", "applies": True, "subject": "ip:2001:db8::/64", "why": "enforced"}], "lists": []}


def test_explain_names_the_lists(file: Path) -> None:
    """It is said which lists the caller is on, by what, and whether that counts."""
    lists = (
        "lists:\n"
        "  - {name: office, then: allow, subjects: [198.51.100.0/24], until: '2001-01-01'}\n"
        "  - {name: banned, then: block, mode: shadow, subjects: ['account:42', 198.51.100.7]}\n"
        "  - {name: others, then: block, subjects: ['account:43']}\n"
    )
    file.write_text(LIMIT + lists)
    arguments = ("explain", file, "--path", "/", "--ip", "198.51.100.7", "--account", "42")
    office = {"list": "office", "says": "allow", "by": "ip", "why": "ended at 2001-01-01"}
    banned = {"list": "banned", "says": "block", "by": "account", "why": "shadow: found and recorded, not enforced"}
    assert json.loads(run(*arguments, "--json").stdout)["lists"] == [office, banned]
    assert "the caller is on 2 of 3 lists" in run(*arguments).stdout


def test_explain_refuses_what_is_no_address(file: Path) -> None:
    """An address that is none is a mistake of usage."""
    result = run("explain", file, "--path", "/", "--ip", "1.2.3")
    assert result.exit_code == 2
    assert "'1.2.3' is not an address" in result.output


def test_schema() -> None:
    """The schema is JSON that names the file's fields."""
    assert {"version", "mode", "identity", "limits"} <= set(json.loads(run("schema").stdout)["$defs"]["PolicyFile"]["properties"])


def test_check_reads_the_models(file: Path) -> None:
    """A policy is checked with the models that it names: one that is missing is a problem, with the file that should be there."""
    risk = "risk: {requests: {model: models/a, throttle: {above: 0.999, bucket: {capacity: 5}}}}\n"
    file.write_text(LIMIT + risk)
    for arguments in (("check", file), ("check", "--json", file)):
        result = run(*arguments)
        found = result.stdout if "--json" in arguments else str(result.exception)
        assert f"{file.parent}/models/a/manifest.json: is missing" in found
        assert result.exit_code != 0


def test_names() -> None:
    """The names of conditions are listed with type, unit and meaning; a part of a name narrows them down."""
    rows = {row["name"]: row for row in json.loads(run("names", "--json").stdout)["names"]}
    assert rows["purchase.cards_1h"] == {"name": "purchase.cards_1h", "type": "number", "unit": "cards", "meaning": ANY}
    assert rows["site.decline_ratio"]["type"] == "number"
    assert rows["request.plan"]["type"] == "text"
    assert rows["purchase.vpn"]["type"] == "bool"
    lines = run("names", "site.").stdout.splitlines()
    assert lines[0].split() == ["name", "type", "unit", "meaning"]
    assert all("site." in line for line in lines[1:] if line.strip() and not line.startswith(" "))
