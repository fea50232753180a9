"""`ratelimit`: the command line. Errors of the user are messages with an exit code: 2 usage or configuration, 3 something is away."""

import sys

import click

from ratelimit import __version__
from ratelimit.cli.audit import audit
from ratelimit.cli.calibrate import calibrate
from ratelimit.cli.demo import demo
from ratelimit.cli.evaluate import evaluate
from ratelimit.cli.model import model
from ratelimit.cli.policy import policy
from ratelimit.cli.privacy import privacy
from ratelimit.cli.replay import replay
from ratelimit.cli.retention import retention
from ratelimit.cli.serve import serve
from ratelimit.cli.simulate import simulate_command
from ratelimit.cli.train import train
from ratelimit.core.errors import RatelimitError


@click.group()
@click.version_option(__version__, prog_name="ratelimit")
def cli() -> None:
    """Token buckets by lease, beside your API gateway."""


cli.add_command(serve)
cli.add_command(policy)
cli.add_command(replay)
cli.add_command(simulate_command)
cli.add_command(train)
cli.add_command(calibrate)
cli.add_command(evaluate)
cli.add_command(model)
cli.add_command(retention)
cli.add_command(demo)
cli.add_command(audit)
cli.add_command(privacy)


def main() -> None:
    """Run a command and exit."""
    try:
        cli()
    except RatelimitError as error:
        for line in str(error).splitlines():
            click.echo(f"ratelimit: {line}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
