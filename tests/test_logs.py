"""What is logged of a bug."""

import json
import subprocess
import sys

import pytest

BUG = """
from ratelimit.logs import configure_logs
import structlog

configure_logs("info", "{form}", worker=7)

def fail(caller: str) -> None:
    address = [caller]
    raise LookupError("no such thing")

try:
    fail("203.0.113." + "7")
except LookupError:
    structlog.get_logger().exception("a bug")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_bug_is_logged_without_what_was_asked(form: str) -> None:
    """Where it happened is said, and what the error says; no variable, since it may hold an address or a key."""
    ended = subprocess.run([sys.executable, "-c", BUG.format(form=form)], capture_output=True, text=True, check=True)
    assert "203.0.113.7" not in ended.stderr
    assert all(word in ended.stderr for word in ("a bug", "fail", "LookupError", "no such thing"))
    if form == "json":
        assert json.loads(ended.stderr)["worker"] == 7
