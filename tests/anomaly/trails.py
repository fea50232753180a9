"""Trails of subjects that never were: honest ones who are much alike, and some that are not from a day on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ratelimit.anomaly.build import Trails
from ratelimit.anomaly.label import Label
from ratelimit.anomaly.spool import Spool
from ratelimit.core.profile import TICKS_PER_DAY
from ratelimit.core.signals import COLUMN, KINDS, Kind
from tests.anomaly.models import signals

FIRST_DAY = 20_514  # 2026-03-02
A_DAY = 4  # rows of a subject
LOUD = ("attempts_10m", "attempts_1d", "paths", "error_share_1d", "failed_logins_1d", "agents", "cost_1d", "bytes_1d")


@contextmanager
def spooled(  # noqa: PLR0913, RUF100
    folder: Path, kinds: Sequence[Kind], *, honest: int, days: int, bad: int = 0, bad_from: int = 0, seed: int = 0
) -> Iterator[Trails]:
    """Trails of the `kinds`, each of so many honest subjects and so many bad ones, who are loud from a day on."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with Spool(folder) as spool:
        for kind in kinds:
            names = [f"{kind}-{number:05}" for number in range(honest + bad)]
            for day in range(days):
                for turn in range(A_DAY):
                    rows = signals(kind, len(names), seed=int(rng.integers(1 << 30)))
                    rows[:, COLUMN["age_s"]] = day * TICKS_PER_DAY + turn
                    if bad and day >= bad_from:
                        rows[honest:, [COLUMN[name] for name in LOUD]] *= 20
                    tick = (FIRST_DAY + day) * TICKS_PER_DAY + turn * 3_600
                    spool.add(kind, names, ["free"] * len(names), [tick] * len(names), rows)
        yield {kind: spool.trail(kind) for kind in KINDS}


def labels(kind: Kind, *, honest: int, bad: int, bad_from: int, known_day: int = 0) -> list[Label]:
    """The labels of the bad ones; who is odd is evasive."""
    start = float((FIRST_DAY + bad_from) * TICKS_PER_DAY)
    known = float((FIRST_DAY + known_day) * TICKS_PER_DAY)
    return [
        Label(kind, f"{kind}-{number:05}", True, "loud", bool(number % 2), start, float("inf"), known)
        for number in range(honest, honest + bad)
    ]
