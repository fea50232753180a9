"""`ratelimit evaluate`: what a model finds in a log, how soon, and how often it is wrong."""

from pathlib import Path
from typing import Any

import click

from ratelimit.cli.extra import workshop
from ratelimit.cli.past_options import past_options


@click.command()
@click.argument("model_dir", type=click.Path(path_type=Path, file_okay=False), metavar="MODEL_DIR")
@past_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write evaluation.md, evaluation.json and plots there; it may be MODEL_DIR.")  # fmt: skip
def evaluate(*, model_dir: Path, out: Path | None, **asked: Any) -> None:
    """Judge the model in MODEL_DIR on LOGs: with --labels what abuse it finds, else whom it flags and why."""
    workshop().evaluate_model(asked, model_dir, out)
