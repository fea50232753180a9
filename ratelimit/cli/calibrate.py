"""`ratelimit calibrate`: what a model's scores are worth on this site, so that its risk has a meaning."""

from pathlib import Path
from typing import Any

import click

from ratelimit.cli.extra import workshop
from ratelimit.cli.past_options import past_options


@click.command()
@click.argument("model_dir", type=click.Path(path_type=Path, file_okay=False), metavar="MODEL_DIR")
@past_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR",
              help="The folder of the calibrated model; it may be MODEL_DIR.")  # fmt: skip
@click.option("--simulated", is_flag=True, help="The logs are simulated: the model can be judged, and gives no risk.")
@click.option("--least-days", type=click.IntRange(1), default=10_000, show_default=True,
              help="Days of subjects that are needed; with fewer than the default the card warns.")  # fmt: skip
def calibrate(*, model_dir: Path, out: Path, simulated: bool, least_days: int, **asked: Any) -> None:
    """Rank the scores of the model in MODEL_DIR on LOGs of your own; forests and tables stay as they are.

    Days that it was trained on are left out, and whoever the labels say did wrong. A risk above 0.999 then means one honest subject a day
    in a thousand.
    """
    workshop().calibrate_model(asked, model_dir, out, least_days, simulated=simulated)
