"""What our velocity engine and our training find in the Fraud Detection Handbook's transactions: `python bench/handbook.py [--data DIR]`.

The customer is the account, the terminal the device. Every transaction goes through the history that serves training (service/velocity on a
real store); what it was becomes known seven days later, fraud or not. Rows are made once, which takes some minutes, models of each seed
from them, beside the published figures. Signals of confirmed fraud are labels: without labels in training they are still among the signals,
as the risk of terminals is among those of the published isolation forest; the same without them stands beside it.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from heapq import merge
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.handbook_split import (
    DELAY_DAYS,
    PUBLISHED,
    TRAINED_WITH_LABELS,
    TRAINED_WITHOUT,
    WEEK,
    Figures,
    Transactions,
    figures,
    first_day,
    read,
    tested,
    trained,
)
from ratelimit.anomaly.card import table
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.label import Label, marks_of
from ratelimit.anomaly.recipe import RECIPES, Recipe
from ratelimit.anomaly.signal_table import PURCHASE
from ratelimit.anomaly.spool import CHUNK, Spool, Trail
from ratelimit.anomaly.training import train
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_event import Bought, Confirmed
from ratelimit.core.purchase_signals import NAMES
from ratelimit.history import SAME_EACH_TIME, open_purchase_history

_DATA: Final = Path(__file__).parents[1] / "../shared/data"
_RESULTS: Final = Path(__file__).parent / "results"
_DAY_S: Final = 86_400
_NO_ADDRESS: Final = "?"  # the transactions have none
_CASES: Final = (
    ("with labels", TRAINED_WITH_LABELS, True, False),
    ("without labels", TRAINED_WITHOUT, False, False),
    ("without labels, nor any in the signals", TRAINED_WITHOUT, False, True),
)
_TOLD: Final = 10_000  # rows between two words of how far it is

Floats = NDArray[np.float64]


class Lived(NamedTuple):
    """The transactions, and their signals: row i of the trail is transaction `trail.place[i]`."""

    all_: Transactions
    trail: Trail


def events(all_: Transactions) -> Iterator[Bought | Confirmed]:
    """What becomes known, in its order."""
    return merge(_bought(all_), _confirmed(all_), key=lambda event: event.at)


def _bought(all_: Transactions) -> Iterator[Bought]:
    for number, (at, customer, terminal, cents, _) in enumerate(zip(*(column.tolist() for column in all_), strict=True)):
        account, device = f"c{customer}", f"t{terminal}"
        purchase = Purchase(id=f"tx{number}", attempt=1, account=account, device=device, ip=_NO_ADDRESS, amount=cents, currency="EUR")
        yield Bought(float(at), purchase)


def _confirmed(all_: Transactions) -> Iterator[Confirmed]:
    for number, (at, fraud) in enumerate(zip(all_.at.tolist(), all_.fraud.tolist(), strict=True)):
        yield Confirmed(float(at + DELAY_DAYS * _DAY_S), f"tx{number}", 1, "fraud" if fraud else "good")


async def rows_of(all_: Transactions) -> NDArray[np.float32]:
    """The signals of every transaction, through the velocity engine."""
    began, done = time.perf_counter(), 0
    rows = np.empty((len(all_.at), len(NAMES)), np.float32)
    async with open_purchase_history(SAME_EACH_TIME) as history:
        async for judged_ in history.rows(events(all_)):
            rows[done] = judged_.row
            done += 1
            if done % _TOLD == 0:
                a_second = done / (time.perf_counter() - began)
                click.echo(f"\r{done:,} of {len(rows):,} rows, {a_second:,.0f} a second ", nl=False, err=True)
    click.echo(err=True)
    return rows


def spooled(all_: Transactions, rows: NDArray[np.float32], spool: Spool) -> Trail:
    """The trail of these rows."""
    accounts, ticks = [f"c{customer}" for customer in all_.customer.tolist()], all_.at.tolist()
    for start in range(0, len(ticks), CHUNK):
        part = slice(start, start + CHUNK)
        spool.add(PURCHASE, accounts[part], ["purchase"] * len(ticks[part]), ticks[part], rows[part])
    return spool.trail(PURCHASE)


def labels(all_: Transactions, chosen: NDArray[np.bool_]) -> list[Label]:
    """What those transactions were, known after the delay."""
    rows = np.flatnonzero(chosen)
    return [
        Label(PURCHASE, f"c{customer}", fraud, "fraud", False, at, at + 1, at + DELAY_DAYS * _DAY_S)
        for at, customer, fraud in zip(all_.at[rows].tolist(), all_.customer[rows].tolist(), all_.fraud[rows].tolist(), strict=True)
    ]


def judged(lived: Lived, recipe: Recipe, begin: np.datetime64, *, taught: bool, blind: bool = False) -> Figures:
    """A model's figures; `taught` by labels; `blind` to the signals that labels are in."""
    first = first_day(begin)
    trail = lived.trail if not blind else _blinded(lived.trail)
    known = labels(lived.all_, trained(lived.all_, first)) if taught else []
    fitted = train(PURCHASE, trail, marks_of(trail, PURCHASE, known), (first, first + WEEK - 1), recipe)
    model = KindModel(PURCHASE, fitted.parts)
    rows = np.flatnonzero(tested(lived.all_, first)[trail.place])
    test = lived.all_.only(trail.place[rows])
    score = model.p_fraud if taught else model.raw
    return figures(test, score(trail.rows(rows)))


def _blinded(trail: Trail) -> Trail:
    signals = np.array(trail.signals)
    signals[:, [column for column, name in enumerate(NAMES) if "fraud" in name or "labels" in name]] = np.nan
    return replace(trail, signals=signals)


def summary(found: list[Figures]) -> dict[str, Any]:
    """Mean and spread over the seeds."""
    return {
        name: {"mean": float(np.mean(values)), "least": min(values), "most": max(values), "deviation": float(np.std(values, ddof=1))}
        for name, values in zip(Figures._fields, zip(*found, strict=True), strict=True)
    }


def markdown(found: dict[str, dict[str, Any]], seeds: int) -> str:
    """The tables, published figures beside ours."""
    heads = ["", "AUC", "average precision", "card precision@100"]
    parts = [f"# The Fraud Detection Handbook's split\n\nOurs: mean over {seeds} seeds, the lowest and the highest."]
    for name, published in PUBLISHED.items():
        rows = [[f"published: {who}", *(f"{value:.3f}" for value in values)] for who, values in published.items()]
        rows += [
            [f"ours: {what}", *(f"{one['mean']:.3f} ({one['least']:.3f} to {one['most']:.3f})" for one in of.values())]
            for what, of in found.items()
            if what.startswith(name)
        ]
        parts.append(f"## {name.capitalize()}\n\n{table(heads, rows)}")
    return "\n\n".join(parts) + "\n"


def rows_kept(all_: Transactions, kept: Path | None) -> NDArray[np.float32]:
    """The rows that lie in that file, else new ones, which are put there."""
    if kept is not None and kept.exists():
        found: NDArray[np.float32] = np.load(kept)
        if found.shape != (len(all_.at), len(NAMES)):
            raise click.UsageError(f"{kept}: holds {found.shape} signals; expected {(len(all_.at), len(NAMES))}: name another file")
        return found
    rows = asyncio.run(rows_of(all_))
    if kept is not None:
        np.save(kept, rows)
    return rows


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), default=_DATA, help="The folder with fraud/.")
@click.option("--seeds", type=click.IntRange(2, 50), default=5, show_default=True)
@click.option("--rows", type=click.Path(path_type=Path, dir_okay=False), help="A .npy file to keep signals in, or to take them from.")
def main(data: Path, seeds: int, rows: Path | None) -> None:
    """Judge velocity and training on the Handbook's split; the tables go to bench/results/handbook.md and .json."""
    all_ = read(data)
    signals = rows_kept(all_, rows)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="rl-handbook-") as folder, Spool(Path(folder), [PURCHASE]) as spool:
        lived = Lived(all_, spooled(all_, signals, spool))
        for name, begin, taught, blind in _CASES:
            recipes = [RECIPES["purchases"]._replace(seed=seed) for seed in range(1, seeds + 1)]
            found[name] = summary([judged(lived, recipe, begin, taught=taught, blind=blind) for recipe in recipes])
            click.echo(f"{name}: {found[name]}", err=True)
    text = markdown(found, seeds)
    (_RESULTS / "handbook.md").write_text(text)
    (_RESULTS / "handbook.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
    click.echo(text)


if __name__ == "__main__":
    main()
