"""The models of the demonstration: those that ship, ranked on the days of its own site by what `ratelimit calibrate` does.

The site is small, so a rank has few days behind it; its card says how many. They lie in the demonstration's folder.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from ratelimit.anomaly.artifact import CARD, write_artifact
from ratelimit.anomaly.build import Trails
from ratelimit.anomaly.calibration import Ranking, calibrate
from ratelimit.anomaly.card import card
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.signal_table import PURCHASE, Family
from ratelimit.anomaly.spool import Spool
from ratelimit.core.errors import ConfigError
from ratelimit.core.signals import KINDS, Kind, Rows
from ratelimit.service.purchase_history import Judged
from ratelimit.service.watch import Watch

LEAST: Final = 100  # subject-days; a real site needs ten thousand
_MADE_BY: Final = "ratelimit demo"


class Seen:
    """What was scored of requests, on its way to being ranked; its folder lasts as long as the context."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["Seen"]:
        """An empty one."""
        with tempfile.TemporaryDirectory(prefix="rl-demo-") as folder, Spool(Path(folder)) as spool:
            yield cls(spool)

    def see(self, kind: Kind, watches: list[Watch], ticks: list[int], rows: Rows) -> None:
        """A batch came back; the observer of what is scored."""
        self._spool.add(kind, [watch.value for watch in watches], [watch.plan for watch in watches], ticks, rows)

    async def rank(self, shipped: Path, out: Path) -> int:
        """Write the model of `shipped`, ranked on all of that; how many subject-days it has; 0: too few, and there is none."""
        return await asyncio.to_thread(_write, shipped, out, "requests", {kind: self._spool.trail(kind) for kind in KINDS})


def rank_purchases(shipped: Path, out: Path, judged: Iterable[Judged]) -> int:
    """The same of purchases."""
    found = list(judged)
    with tempfile.TemporaryDirectory(prefix="rl-demo-") as folder, Spool(Path(folder), [PURCHASE]) as spool:
        if found:
            accounts, kinds = [one.purchase.account for one in found], [one.purchase.kind for one in found]
            spool.add(PURCHASE, accounts, kinds, [int(one.at) for one in found], np.array([one.row for one in found]))
        return _write(shipped, out, "purchases", {PURCHASE: spool.trail(PURCHASE)})


def _write(shipped: Path, out: Path, family: Family, trails: Trails) -> int:
    try:
        built = calibrate(Model.read(shipped, family), trails, [], Ranking(least=LEAST), lambda _kind: None)
    except ConfigError:
        return 0
    write_artifact(out, built.manifest, built.arrays, {CARD: card(built.manifest, _MADE_BY).encode()})
    calibration = built.manifest.calibration
    return sum(cohorts[0].subject_days for cohorts in calibration.cohorts.values()) if calibration is not None else 0
