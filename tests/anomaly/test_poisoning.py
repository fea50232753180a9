"""An attacker who grows slowly while a model is trained moves neither what the model calls far beyond nor, ever, the absolute limits."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from ratelimit.anomaly.build import Trails
from ratelimit.anomaly.excess import Excess
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.label import marks_of
from ratelimit.anomaly.recipe import Recipe
from ratelimit.anomaly.signal_table import table_of
from ratelimit.anomaly.spool import Spool
from ratelimit.anomaly.training import Fitted, train
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.profile import TICKS_PER_DAY
from ratelimit.core.signals import COLUMN, KINDS
from ratelimit.history import open_history
from ratelimit.service.replay import Replay
from tests.anomaly.models import signals, usual
from tests.anomaly.trails import FIRST_DAY

HONEST, DAYS, ATTACKERS = 300, 12, 5
GROWN = ("attempts_10s", "attempts_10m", "attempts_1d", "requests_10s", "requests_10m", "requests_1d", "paths")
RECIPE = Recipe(trees=20, held_days=0)


def trails(folder: Path, *, poisoned: bool) -> Trails:
    """Honest keys, and some that ask for twice as much each day, up to two thousand times, if it is `poisoned`."""
    folder.mkdir()
    names = [f"key-{number:03}" for number in range(HONEST + ATTACKERS)]
    with Spool(folder) as spool:
        for day in range(DAYS):
            rows = signals("api_key", len(names), seed=day)
            rows[:, COLUMN["age_s"]] = day * TICKS_PER_DAY
            if poisoned:
                rows[HONEST:, [COLUMN[name] for name in GROWN]] *= 2.0**day
            tick = (FIRST_DAY + day) * TICKS_PER_DAY
            spool.add("api_key", names, ["pro"] * len(names), [tick] * len(names), rows)
        return {kind: spool.trail(kind) for kind in KINDS}


def fitted(found: Trails) -> Fitted:
    trail = found["api_key"]
    return train("api_key", trail, marks_of(trail, "api_key", []), (FIRST_DAY, FIRST_DAY + DAYS), RECIPE)


def flood() -> np.ndarray:
    row = usual("api_key")
    for name in GROWN:
        row[COLUMN[name]] *= 2_000
    return row[None]


def test_what_is_far_beyond_stays_so(tmp_path: Path) -> None:
    """A handful cannot be the twenty subjects of the outermost step: the edges and the score of a flood hardly move."""
    table = table_of("api_key")
    clean, poisoned = (fitted(trails(tmp_path / str(known), poisoned=known)) for known in (False, True))
    excess, moved = (Excess(one.parts.quantiles, table.counted, table.halved_by).of(flood())[0] for one in (clean, poisoned))
    assert excess > 7
    assert moved == pytest.approx(excess, abs=0.5)
    score, of_moved = (KindModel("api_key", one.parts).raw(flood())[0] for one in (clean, poisoned))
    assert of_moved == pytest.approx(score, abs=0.05)
    assert of_moved > KindModel("api_key", poisoned.parts).raw(usual("api_key")[None])[0] + 0.3


async def test_limits_learn_nothing() -> None:
    """Whatever was asked for in the weeks before, an hour's flood is let through what the bucket says, to the token."""
    policy = Policy(
        parse_policy({"version": 1, "limits": [{"name": "key", "per": ["api_key"], "bucket": {"capacity": 10, "refill": "1/s"}}]}, "p")
    )
    admitted = []
    for history in (0, DAYS):
        start = FIRST_DAY * TICKS_PER_DAY
        entries = [*ramp(start, history), *asked(start + (DAYS + 1) * TICKS_PER_DAY, 600, 5)]
        seen = Seen(start + (DAYS + 1) * TICKS_PER_DAY)
        async with open_history(b"p" * 32) as going:
            replay = Replay(policy, ApiKeys(b"p" * 32), observer=seen)
            await going.run(replay, entries)
        admitted.append(seen.admitted)
    assert admitted[0] == admitted[1] == 10 + 599


class Seen:
    """Counts what passes from an instant on."""

    def __init__(self, since_s: int) -> None:
        self.since_s, self.admitted = since_s, 0

    def see(self, now_us: int, entry: Entry, caller: object, refusal: object | None) -> None:  # noqa: ARG002  (the protocol's)
        self.admitted += refusal is None and entry.time_us >= self.since_s * 1_000_000


def ramp(start: int, days: int) -> Iterable[Entry]:
    for day in range(days):
        yield from asked(start + day * TICKS_PER_DAY, 2**day // 4 + 1, 1)


def asked(start: int, seconds: int, times: int) -> Iterable[Entry]:
    for second in range(seconds):
        for _ in range(times):
            yield Entry((start + second) * 1_000_000, "GET", "/", None, "the key")
