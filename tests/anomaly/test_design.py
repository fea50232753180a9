"""What a forest is shown: filled, finite, exact in float32, and the same in training as in serving."""

import numpy as np
import pytest

from ratelimit.anomaly.design import Design, design_of
from ratelimit.core.signals import COLUMN, NAMES, SIGNALS

MISSING = COLUMN["failed_login_share"]
UNITS = [signal.unit for signal in SIGNALS]
NEVER = COLUMN["keys"]


def rows(count: int = 200) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    found = np.random.default_rng(5).pareto(1.0, (count, len(SIGNALS))) + 0.1
    found[::3, MISSING] = np.nan
    found[:, NEVER] = np.nan
    return found


def test_gaps_are_filled_and_told() -> None:
    """What was missing in training is filled with the median, and has an indicator; what nobody has ever is 0 and has none."""
    design = design_of(rows(), UNITS)
    asked = rows()[:4]
    shown = design.apply(asked)
    assert design.indicated.tolist() == [MISSING]
    assert shown.shape == (4, len(SIGNALS) + 1)
    assert shown[:, -1].tolist() == [1, 0, 0, 1]
    assert shown[0, MISSING] == np.float32(np.nanmedian(rows()[:, MISSING]))
    assert not shown[:, NEVER].any()


def test_nothing_is_infinite() -> None:
    """Whatever comes, missing where it never was or infinite, is shown as a number that float32 holds, and order is kept."""
    asked = np.stack([np.full(len(SIGNALS), value) for value in (-np.inf, -1e300, -2.0, 0.0, 2.0, 1e300, np.inf, np.nan)])
    shown = design_of(rows(), UNITS).apply(asked)
    assert shown.dtype == np.float32
    assert np.isfinite(shown).all()
    assert (np.diff(shown[:7, : len(SIGNALS)], axis=0) >= 0).all()


def test_long_tails_are_logarithms() -> None:
    """Counts, tokens and seconds are shown as log(1 + x), shares as they are; the rows that were given stay as they were."""
    asked = np.full((1, len(SIGNALS)), 0.5)
    shown = design_of(rows(), UNITS).apply(asked)[0]
    assert shown[COLUMN["attempts_10s"]] == np.float32(np.log1p(0.5))
    assert shown[COLUMN["age_s"]] == np.float32(np.log1p(0.5))
    assert shown[COLUMN["browser_share"]] == np.float32(0.5)
    assert shown[COLUMN["slope"]] == np.float32(0.5)
    assert (asked == 0.5).all()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"fills": np.zeros(3)}, "fills has the shape (3,)"),
        ({"fills": np.full(len(SIGNALS), np.inf)}, f"expected {len(SIGNALS)} finite numbers"),
        ({"indicated": np.array([3, 3], np.int16)}, "indicated holds what are no columns"),
        ({"indicated": np.array([-1], np.int16)}, "indicated"),
        ({"logged": np.array([len(NAMES)], np.int16)}, "logged"),
        ({"logged": np.zeros((1, 1), np.int16)}, "logged"),
    ],
    ids=str,
)
def test_what_is_no_design(changed: dict[str, object], problem: str) -> None:
    """Arrays that would lead outside of a row are told."""
    design = design_of(rows(), UNITS)
    assert design.problem(len(SIGNALS)) is None
    assert problem in str(Design(**{**design._asdict(), **changed}).problem(len(SIGNALS)))
