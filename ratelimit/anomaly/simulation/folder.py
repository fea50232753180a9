"""Writes a simulation into a folder: the usage log, the purchases, the labels of each, and a manifest.

A day is in memory at a time, no more.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import zstandard
from numpy.random import SeedSequence, default_rng

from ratelimit import __version__
from ratelimit.anomaly.simulation.cast import ABUSE, HONEST, Part, cast, chance
from ratelimit.anomaly.simulation.member import Span, Subject, Target, seen
from ratelimit.anomaly.simulation.purchase import Purchase
from ratelimit.anomaly.simulation.row import DAY_MS, Rows, in_order, joined
from ratelimit.anomaly.simulation.shopper import Shopper, shoppers
from ratelimit.anomaly.simulation.site import Day, days
from ratelimit.anomaly.simulation.text import instant, label_line, lines, purchase_line
from ratelimit.core.errors import ConfigError

USAGE: Final = "usage.ndjson.zst"
PURCHASES: Final = "purchases.ndjson.zst"
LABELS: Final = "labels.ndjson"
PURCHASE_LABELS: Final = "purchase-labels.ndjson"  # of accounts that bought; those of the other file are of who asked for something
MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
FIRST: Final = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
_LEVEL: Final = 3
_CHUNK: Final = 8_192  # lines packed at a time


class Manifest(msgspec.Struct, frozen=True):
    """What a folder holds: counts of lines, purchases, labels by target, members by population, and lines by population."""

    format: int
    version: str
    seed: int
    days: int
    scale: float
    first: str
    until: str
    abuse_kinds: list[str]
    lines: int
    purchases: int
    labels: dict[str, int]
    purchase_labels: int
    members: dict[str, dict[str, int]]
    lines_of: dict[str, int]


@dataclass(slots=True)
class Tally:
    """What was written so far: lines by population, whom abusers acted as, and purchases."""

    lines: Counter[str]
    blamed: set[tuple[Target, Subject]]
    buyers: set[int]
    purchases: int = 0


def simulate(  # noqa: PLR0913 (what a simulation is made of)
    out: Path,
    *,
    day_count: int = 21,
    seed: int = 1,
    scale: float = 1.0,
    without: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
    purchases_only: bool = False,
    on_day: Callable[[int, int], None] = lambda _day, _lines: None,
) -> Manifest:
    """Simulate into a folder and say what was written; raises ConfigError for kinds of abuse that there are not.

    `without` leaves out kinds of abuse of the usage log, `only` all others; the rest stays the same. With `purchases_only` that log is
    empty. `on_day` is told how many days and lines are done.
    """
    kinds = chosen(without, only)
    first_ms = int(FIRST.timestamp()) * 1_000
    span = Span(first_ms, first_ms + day_count * DAY_MS)
    parts = list(cast(seed, span, scale, kinds))
    out.mkdir(parents=True, exist_ok=True)
    shop = list(shoppers(seed, span, scale))
    tally = Tally(Counter(), set(), set())
    with _packed(out / USAGE) as usage, _packed(out / PURCHASES) as purchases:
        for day in days(seed, span.first_ms, span.days):
            if not purchases_only:
                for chunk in _chunks(lines(used(parts, seed, day, tally))):
                    usage.write(chunk)
            purchases.write(b"".join(map(purchase_line, bought(parts, shop, seed, day, tally))))
            on_day(day.number + 1, tally.lines.total())
    labels = [label for part in parts for label in part.member.labels if (label.target, label.subject) in tally.blamed]
    labels.sort(key=lambda label: (label.from_ms, label_line(label)))
    (out / LABELS).write_bytes(b"".join(map(label_line, labels)))
    said = [*(label for part in parts for label in part.member.labels), *(label for one in shop for label in one.labels)]
    of_buyers = [label for label in said if label.target == "account" and label.subject in tally.buyers]
    of_buyers.sort(key=lambda label: (label.from_ms, label_line(label)))
    (out / PURCHASE_LABELS).write_bytes(b"".join(map(label_line, of_buyers)))
    manifest = Manifest(
        format=FORMAT,
        version=__version__,
        seed=seed,
        days=day_count,
        scale=scale,
        first=instant(span.first_ms),
        until=instant(span.end_ms),
        abuse_kinds=sorted(kinds),
        lines=tally.lines.total(),
        purchases=tally.purchases,
        labels=_counted(label.target for label in labels),
        purchase_labels=len(of_buyers),
        members={group: _counted(part.population for part in parts if _group(part) == group) for group in ("honest", "plain", "evasive")},
        lines_of=dict(sorted(tally.lines.items())),
    )
    (out / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return manifest


def chosen(without: frozenset[str], only: frozenset[str] | None) -> frozenset[str]:
    """The kinds of abuse that take part; raises ConfigError."""
    unknown = sorted((without | (only or frozenset())) - ABUSE.keys())
    if unknown:
        raise ConfigError([f"{name!r} is no kind of abuse; expected one of {', '.join(ABUSE)}" for name in unknown])
    return (frozenset(ABUSE) if only is None else only) - without


@contextmanager
def _packed(path: Path) -> Iterator[zstandard.ZstdCompressionWriter]:
    with path.open("wb") as file, zstandard.ZstdCompressor(level=_LEVEL).stream_writer(file) as writer:
        yield writer


def _chunks(texts: Iterator[str]) -> Iterator[bytes]:
    while chunk := "".join(islice(texts, _CHUNK)):
        yield chunk.encode()


def used(parts: list[Part], seed: int, day: Day, tally: Tally) -> Rows:
    """Everybody's day, by time."""
    found = []
    for part in parts:
        rows = part.member.uses(day, default_rng(chance(seed, part, day.number)))
        if len(rows):
            found.append(rows)
            tally.lines[part.population] += len(rows)
            if part.member.labels:
                tally.blamed |= seen(rows)
    return in_order(joined(found))


def bought(parts: list[Part], shop: list[Shopper], seed: int, day: Day, tally: Tally) -> list[Purchase]:
    """Everybody's purchases of a day, by time."""
    found = []
    for part in parts:
        if part.member.buys:
            found += part.member.buys(day, default_rng(chance(seed, part, day.number).spawn(1)[0]))
    for shopper in shop:
        found += shopper.buys(day, default_rng(SeedSequence(seed, spawn_key=(*shopper.seed, 1 + day.number))))
    tally.purchases += len(found)
    tally.buyers.update(purchase.account for purchase in found)
    return sorted(found, key=lambda purchase: (purchase.time_ms, purchase.id))


def _group(part: Part) -> str:
    return "honest" if part.population in HONEST else "evasive" if part.evasive else "plain"


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
