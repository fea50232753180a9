"""Runs `ratelimit` in this process, as tests of its commands do."""

import json
from typing import Any

from click.testing import CliRunner, Result

from ratelimit.__main__ import cli


def run(*words: object) -> Result:
    """What became of it."""
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


def said(*words: object) -> Any:
    """What it says in JSON; it has to end well."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
