"""The README says the truth: every setting, reason, command, endpoint and dependency that the code has stands in it."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import click
import pytest

from ratelimit.__main__ import cli
from ratelimit.core.decision import Reason
from ratelimit.settings import Documented, documented
from ratelimit.web.openapi import openapi

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group, above: str = "ratelimit") -> list[str]:
    """Every command, with the words before it."""
    found = []
    for name, command in group.commands.items():
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
    assert command in README


@pytest.mark.parametrize("path", openapi()["paths"])
def test_endpoints(path: str) -> None:
    """Each documented endpoint is named."""
    assert path in README


def test_dependencies() -> None:
    """Each dependency has its reason."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower() for line in project["dependencies"]}
    table = README[README.index("### Dependencies, and why") :].lower()
    assert {name for name in names if name not in table} == set()


def test_no_placeholder_is_left() -> None:
    """What was to be filled in is filled in."""
    assert "<!--" not in README
