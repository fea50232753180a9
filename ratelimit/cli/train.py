"""`ratelimit train`: models of what is usual on a site, from its own logs."""

from pathlib import Path
from typing import Any

import click

from ratelimit.anomaly.recipe import MATURE_DAYS
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
    workshop().train_model(asked, "requests", out, seed=seed, held_days=held_days)


@train.command("purchases")
@past_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR", help="The model's folder.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="The same seed makes the same model.")
@click.option(
    "--held-days",
    type=click.IntRange(0, 365),
    default=7,
    show_default=True,
    help="Days at the end that are not trained on, but kept for calibration; what they tell of those before still counts.",
)
@click.option(
    "--warm-days",
    type=click.IntRange(0, 365),
    default=7,
    show_default=True,
    help="Days at the beginning that are not trained on, when every card looks new.",
)
@click.option("--mature-days", type=click.IntRange(0, 730), default=MATURE_DAYS, show_default=True,
              help="How old a purchase without a label must be to count as honest; younger ones may still be disputed.")  # fmt: skip
def train_purchases(*, out: Path, seed: int, held_days: int, warm_days: int, mature_days: int, **asked: Any) -> None:
    """Train the model of purchases on LOGs: purchases with their outcomes, a JSON object a line.

    An isolation forest says how unusual a purchase is. With fraud among the outcomes or labels a boosted one says how likely fraud is.
    """
    days = {"held_days": held_days, "label_days": held_days, "warm_days": warm_days, "mature_days": mature_days}
    workshop().train_model(asked, "purchases", out, seed=seed, **days)
