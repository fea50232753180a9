"""`ratelimit simulate`: labelled usage and purchases of a site that does not exist, to train a model on and to judge it by."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ratelimit.anomaly.simulation.cast import ABUSE
from ratelimit.anomaly.simulation.folder import LABELS, MANIFEST, PURCHASE_LABELS, PURCHASES, USAGE, Manifest
from ratelimit.anomaly.simulation.folder import simulate as write_site
from ratelimit.core.errors import ConfigError

_OURS: Final = frozenset({USAGE, PURCHASES, LABELS, PURCHASE_LABELS, MANIFEST})
_MOST_DAYS: Final = 400
_MOST_SCALE: Final = 100.0


def _kinds(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


@click.command
@click.argument("out_dir", type=click.Path(path_type=Path, file_okay=False), metavar="OUT_DIR")
@click.option("--days", type=click.IntRange(1, _MOST_DAYS), default=21, show_default=True, help="Days, from Monday 2026-03-02 on.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--scale", type=click.FloatRange(0, _MOST_SCALE, min_open=True), default=1.0, show_default=True,
              help="How many take part; 1.0 is some 3,900 honest members and 36 abusers.")  # fmt: skip
@click.option("--without", multiple=True, type=click.Choice(list(ABUSE)), callback=_kinds, help="Leave out a kind of abuse.")
@click.option("--only", multiple=True, type=click.Choice(list(ABUSE)), callback=_kinds, help="Leave out all kinds of abuse but this.")
@click.option("--purchases-only", is_flag=True, help="Leave the usage log empty, which takes nearly all of the time.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, over what an earlier simulation left there.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def simulate(  # noqa: PLR0913, PLR0917 (an option each)
    out_dir: Path,
    days: int,
    seed: int,
    scale: float,
    without: frozenset[str],
    only: frozenset[str],
    purchases_only: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a simulated usage log, purchases and labels into OUT_DIR."""
    _refuse_occupied(out_dir, force=force)
    with ExitStack() as stack:
        on_day = _progress(stack, days) if sys.stderr.isatty() and not quiet else _silent
        try:
            manifest = write_site(
                out_dir,
                day_count=days,
                seed=seed,
                scale=scale,
                without=without,
                only=only or None,
                purchases_only=purchases_only,
                on_day=on_day,
            )
        except OSError as error:
            raise ConfigError([f"{out_dir}: {error.strerror or error}; expected a folder that can be written to"]) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    else:
        _show(out_dir, manifest)


def _refuse_occupied(out_dir: Path, *, force: bool) -> None:
    """A folder with files in it is written to only on request, and never where the files are not a simulation's."""
    if not out_dir.is_dir():
        return
    found = sorted(path.name for path in out_dir.iterdir())
    strange = [name for name in found if name not in _OURS]
    if strange:
        raise ConfigError([f"{out_dir}: it holds {strange[0]!r}, which no simulation wrote; expected an empty or a new folder"])
    if found and not force:
        raise ConfigError([f"{out_dir}: it holds {found[0]!r} already; name another folder, or say --force to write over it"])


def _silent(_days: int, _lines: int) -> None:
    """Nobody is looking."""


def _progress(stack: ExitStack, days: int) -> Callable[[int, int], None]:
    columns = (TextColumn("simulate"), BarColumn(), MofNCompleteColumn(), TextColumn("days, {task.fields[lines]:,} lines"))
    bar = stack.enter_context(Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True))
    task = bar.add_task("simulate", total=days, lines=0)
    return lambda done, lines: bar.update(task, completed=done, lines=lines)


def _show(out_dir: Path, manifest: Manifest) -> None:
    honest, plain, evasive = (sum(members.values()) for members in manifest.members.values())
    labels = ", ".join(f"{count:,} {target}" for target, count in manifest.labels.items()) or "none"
    click.echo(f"{manifest.first} to {manifest.until}, seed {manifest.seed}, scale {manifest.scale:g}")
    click.echo(f"{honest:,} honest members, {plain} plain abusers and {evasive} evasive ones of {len(manifest.abuse_kinds)} kinds")
    click.echo(f"{out_dir / USAGE}: {manifest.lines:,} lines")
    click.echo(f"{out_dir / PURCHASES}: {manifest.purchases:,} purchases")
    click.echo(f"{out_dir / LABELS}: labels of {labels}")
    click.echo(f"{out_dir / PURCHASE_LABELS}: labels of {manifest.purchase_labels:,} accounts that bought")
