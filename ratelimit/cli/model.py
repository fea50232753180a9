"""`ratelimit model`: look at models."""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.markdown import Markdown

from ratelimit.anomaly.artifact import CARD, family_of
from ratelimit.anomaly.model import Model
from ratelimit.core.errors import ConfigError

FINDINGS: Final = "evaluation.md"
_WIDTH: Final = 120  # columns of what does not go to a terminal


@click.group()
def model() -> None:
    """Look at models."""


@model.command()
@click.argument("model_dir", type=click.Path(path_type=Path, file_okay=False), metavar="MODEL_DIR")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def show(model_dir: Path, as_json: bool) -> None:
    """Show the card of the model in MODEL_DIR, and how it was judged, after checking that it can be used."""
    found = Model.read(model_dir, family_of(model_dir))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found.manifest), indent=2))
        return
    text = "\n\n".join(_text(model_dir / name) for name in (CARD, FINDINGS) if (model_dir / name).exists())
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    console.print(f"{model_dir}: version {found.version}, {'' if found.calibrated else 'not '}calibrated")
    console.print(Markdown(text))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({error}); expected the text that was written with the model"]) from None
