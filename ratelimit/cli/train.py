"""`ratelimit train`: a model of what is usual on a site, from its own logs."""

from pathlib import Path
from typing import Any

import click

from ratelimit.cli.extra import workshop
from ratelimit.cli.past_options import past_options


@click.group()
def train() -> None:
    """Train models from logs."""


@train.command("requests")
@past_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR", help="The model's folder.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="The same seed makes the same model.")
@click.option("--held-days", type=click.IntRange(0, 365), default=7, show_default=True,
              help="Days at the end that are not trained on, but kept for calibration.")  # fmt: skip
def train_requests(*, out: Path, seed: int, held_days: int, **asked: Any) -> None:
    """Train the model of unusual requests on LOGs.

    It has no risk to give until `ratelimit calibrate` has ranked its scores on days of your own.
    """
    workshop().train_model(asked, out, seed, held_days)
