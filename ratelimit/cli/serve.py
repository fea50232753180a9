"""`ratelimit serve`: run the sidecar until it is told to stop."""

import asyncio
import os
import sys

import click

from ratelimit.app import App
from ratelimit.settings import read_settings

if sys.platform == "win32":  # uvloop is not made for Windows
    from asyncio import new_event_loop as make_loop
else:
    from uvloop import new_event_loop as make_loop


@click.command()
def serve() -> None:
    """Answer the gateway's questions. Settings come from RATELIMIT_* variables; the README has the table."""
    settings = read_settings(os.environ)
    for warning in settings.warnings:
        click.echo(f"ratelimit: warning: {warning}", err=True)
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(App(settings).serve(_announce))


def _announce(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)
    sys.stdout.flush()
