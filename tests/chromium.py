"""The system's Chromium without a window, started once in a process of tests: whoever looks at pages has a context of their own in it."""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from subprocess import PIPE

PATIENCE_MS = 60_000  # for what comes within a moment, on a machine that many share
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]
_UNTIL_INPUT_ENDS = '"$@" & read -r end; kill 0'  # with all its children, however the process of the tests ends
RUNNING = ExitStack()  # to be closed at the end of all tests


@cache
def endpoint(program: Path) -> str:
    """Where Playwright connects to it; `program` is its path."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"executablePath": str(program), "args": _ARGUMENTS}, config)
        config.flush()
        command = [sys.executable, "-m", "playwright", "launch-server", "--browser", "chromium", "--config", config.name]
        watched = ["sh", "-c", _UNTIL_INPUT_ENDS, "sh", *command]
        process = RUNNING.enter_context(subprocess.Popen(watched, stdin=PIPE, stdout=PIPE, text=True, start_new_session=True))
        assert process.stdout is not None
        found = process.stdout.readline().strip()
    assert found.startswith("ws://"), f"Chromium did not start: {found}"
    return found
