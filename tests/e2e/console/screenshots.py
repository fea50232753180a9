"""Pictures of every page: `python -m tests.e2e.console.screenshots [FOLDER]`, of the demonstration, light, dark and on a phone.

It starts the demonstration in a folder of its own and waits until its past is in the ledger; that takes a minute or two. The pictures are
put into bench/results/screens, which is not kept in the repository.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tests.chromium import RUNNING
from tests.e2e.console.chromium import Scheme, Visitor, chromium, visitor

ROOT = Path(__file__).parents[3]
PAGES = {
    "overview": "/overview",
    "queue": "/queue",
    "case": "/cases/1",
    "campaigns": "/campaigns",
    "traffic": "/traffic?span=24h",
    "rules": "/rules",
    "rule": "/rules/card-testing",
    "new-rule": "/rules/new",
    "models": "/models",
    "lists": "/lists",
    "audit": "/audit",
    "privacy": "/privacy",
    "users": "/users",
    "account": "/account",
    "search": "/search?q=acc_",
    "states": "/styleguide",
}
LOOKS: dict[str, tuple[str, Scheme]] = {"light": ("desk", "light"), "dark": ("desk", "dark"), "phone": ("phone", "light")}
_FILLED_S = 300


@contextmanager
def demonstration(folder: Path) -> Iterator[tuple[str, str]]:
    """A demonstration whose past is told: where its console is, and the password of its people."""
    ours = {"RATELIMIT_GATEWAY": "127.0.0.1:18480", "RATELIMIT_OPERATOR": "127.0.0.1:18481"}
    command = [sys.executable, "-m", "ratelimit", "demo", "--folder", str(folder / "demo"), "--models", str(ROOT / "models")]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **ours}, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://{ours['RATELIMIT_OPERATOR']}", _password(process)
        finally:
            process.terminate()


def _password(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"shown this once: (\S+)", line):
            return found[1]
    raise click.ClickException("the demonstration did not start")


def _wait(folder: Path) -> None:
    end = time.monotonic() + _FILLED_S
    while not (folder / "demo" / "filled").exists():
        if time.monotonic() > end:
            raise click.ClickException("the demonstration's past did not come")
        time.sleep(1)
    time.sleep(10)  # what was told last is being written


def _log_in(one: Visitor, password: str) -> None:
    page = one.go("/login")
    page.fill("[name=login]", "mira")
    page.fill("[name=password]", password)
    page.click("button:has-text('Log in')")
    page.wait_for_url("**/overview")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=ROOT / "bench" / "results" / "screens")
@click.option("--chromium", "program", default="/usr/bin/chromium", show_default=True)
def main(folder: Path, program: str) -> None:
    """Make the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rl-screens-") as place, demonstration(Path(place)) as (origin, password):
        _wait(Path(place))
        with RUNNING, chromium(Path(program)) as browser:
            for look, (width, scheme) in LOOKS.items():
                with visitor(browser, origin, width=width, scheme=scheme) as one:
                    _log_in(one, password)
                    for name, path in PAGES.items():
                        one.go(path).wait_for_timeout(500)
                        one.page.screenshot(path=folder / f"{name}-{look}.png", full_page=look == "phone")
                        click.echo(f"{folder / name}-{look}.png")


if __name__ == "__main__":
    main()
