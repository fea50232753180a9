"""Beyond all that was usual: every doubling counts, nothing within the edges does, and what is missing or infinite breaks nothing."""

import numpy as np
import pytest

from ratelimit.anomaly.excess import Excess
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.quantiles import quantiles_of
from ratelimit.anomaly.signal_table import table_of
from ratelimit.core.signals import COLUMN, NAMES, SIGNALS
from tests.anomaly.models import parts, signals, usual

ROWS = signals("api_key", 600)
EDGES = quantiles_of(ROWS, np.arange(len(ROWS))).edges[:, -1]
TABLE = table_of("api_key")
COUNTED, HALVED_BY = TABLE.counted, TABLE.halved_by
EXCESS = Excess(quantiles_of(ROWS, np.arange(len(ROWS))), COUNTED, HALVED_BY)


def beyond(name: str, times: float) -> np.ndarray:
    row = usual("api_key")
    row[COLUMN[name]] = times * (1 + EDGES[COLUMN[name]]) - 1
    return row[None]


@pytest.mark.parametrize("doublings", [0.5, 1, 3, 7])
def test_each_doubling_beyond_the_edge_counts(doublings: float) -> None:
    """A count that is 2^d times the outermost edge exceeds it by d."""
    assert EXCESS.of(beyond("attempts_10s", 2**doublings))[0] == pytest.approx(doublings)


def test_nothing_within_the_edges_counts() -> None:
    """Whoever stays within what twenty subjects surpassed has no excess, and keeps the forest's score."""
    assert EXCESS.of(usual("api_key")[None])[0] == 0
    assert EXCESS.joined(np.array([0.4]), usual("api_key")[None])[0] == pytest.approx(0.4)


def test_four_doublings_halve_what_is_left() -> None:
    """The score stays below 1, and rises with every doubling."""
    assert EXCESS.joined(np.array([0.4]), beyond("failed_logins_10m", 2**HALVED_BY))[0] == pytest.approx(0.7)


def test_what_is_missing_or_infinite_breaks_nothing() -> None:
    """NaN exceeds nothing; an infinity is as far as it gets."""
    row = np.full((1, len(SIGNALS)), np.nan)
    assert EXCESS.of(row)[0] == 0
    row[0, COLUMN["paths"]] = np.inf
    assert EXCESS.joined(np.array([0.4]), row)[0] == 1


def test_a_flood_is_more_unusual_than_the_busiest() -> None:
    """To a forest they are alike; a model tells them apart, whichever count it is."""
    model = KindModel("api_key", parts("api_key"))
    for name in (NAMES[column] for column in COUNTED if np.isfinite(EDGES[column])):
        busy, flood = model.raw(beyond(name, 2)), model.raw(beyond(name, 40))
        assert flood[0] > busy[0] + 0.1, name
