"""The README says the truth: every setting, reason, command, endpoint and dependency that the code has stands in it."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import click
import pytest
import yaml

from bench import load_test
from bench.load_test import REPORTS
from bench.traffic.objective import MEASURES, Objective, read_objectives
from ratelimit.__main__ import cli
from ratelimit.core.decision import Reason
from ratelimit.settings import Documented, documented
from ratelimit.web.openapi import openapi

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = "\n".join([README, *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))])


def commands(group: click.Group, above: str = "ratelimit") -> list[str]:
    """Every command, with the words before it."""
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found += commands(command, f"{above} {name}") if isinstance(command, click.Group) else [f"{above} {name}"]
    return found


@pytest.mark.parametrize("setting", documented(), ids=lambda it: it.name)
def test_settings(setting: Documented) -> None:
    """Each setting has its row, with its default and its meaning."""
    assert f"| `{setting.name}` | {setting.default} | {setting.meaning} |" in README


@pytest.mark.parametrize("reason", get_args(Reason))
def test_reasons(reason: str) -> None:
    """Each reason that a decision can have is named."""
    assert f"`{reason}`" in README


@pytest.mark.parametrize("command", commands(cli))
def test_commands(command: str) -> None:
    """Each command is shown."""
    assert command in PAGES


@pytest.mark.parametrize("path", openapi()["paths"])
def test_endpoints(path: str) -> None:
    """Each documented endpoint is named, here or on a page of docs/."""
    assert path in PAGES


def test_dependencies() -> None:
    """Each dependency has its reason."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower() for line in project["dependencies"]}
    table = README[README.index("### Dependencies, and why") :].lower()
    assert {name for name in names if name not in table} == set()


def test_workflow_of_the_load_test() -> None:
    """The workflow is YAML with pinned actions, makes what the Makefile has, and uploads what the load test writes."""
    (text,) = re.findall(r"```yaml\n(name: load\n.*?)```", PAGES, re.DOTALL)
    workflow = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - texts only: `on` is no boolean
    steps = workflow["jobs"]["load"]["steps"]
    assert workflow["on"]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    (command,) = (step["run"] for step in steps if "run" in step)
    assert re.search(rf"^{command.split()[1]}:.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    (upload,) = (step for step in steps if "upload-artifact" in step.get("uses", ""))
    assert upload["with"]["path"].split() == [f"bench/results/{name}" for name in REPORTS]
    (option,) = re.findall(r"--[a-z]+", command)
    assert option in {name for parameter in load_test.main.params for name in parameter.opts}


@pytest.mark.parametrize("measure", MEASURES)
def test_measures(measure: str) -> None:
    """Each measure that an objective can have is in the table of the load test."""
    assert f"`{measure}`" in PAGES


@pytest.mark.parametrize("objective", read_objectives(ROOT / "bench" / "objectives.yaml"), ids=lambda it: f"{it.measure}-{it.of}")
def test_objectives(objective: Objective) -> None:
    """The bound of each shipped objective stands in the row of its measure."""
    (row,) = (line for line in PAGES.splitlines() if line.startswith("|") and f"`{objective.measure}`" in line)
    bound = objective.at_most if objective.at_most is not None else objective.at_least
    assert f"{bound:g}" in re.findall(r"[\d.]+", row.rsplit("|", 2)[1])


def test_no_placeholder_is_left() -> None:
    """What was to be filled in is filled in."""
    assert "<!--" not in PAGES
