"""Signals from states: what each one says, what is missing, and what a steady caller looks like."""

from math import exp, expm1, isnan, log, nan
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.profile import BITS, FEW_BITS, HALF_LIVES_S, SATURATED, STATE
from ratelimit.core.signals import COLUMN, KINDS, MOST_MISSING, NAMES, SIGNALS, Kind, applicable, signals_of, too_much_missing

NOW = 1_790_000_000
FULL = 2**64 - 1


def states(*rows: dict[str, Any]) -> Any:
    """Profiles in which all that is not said is zero; they end now, and began an hour ago."""
    found = np.zeros(len(rows), STATE)
    for state, row in zip(found, rows, strict=True):
        for name, value in {"at": NOW, "first": NOW - 3_600, "last": NOW, "hour": NOW // 3_600, "risk": nan, **row}.items():
            state[name] = value
    return found


def signal(name: str, kind: Kind = "api_key", **row: Any) -> float:
    return float(signals_of(kind, states(row))[0, COLUMN[name]])


def bits(count: int, width: int = BITS) -> list[int]:
    """That many bits set, as the words of a state."""
    mask = (1 << count) - 1
    return [mask >> (64 * word) & FULL for word in range(width // 64)]


SAYS: list[tuple[str, dict[str, Any], float]] = [
    ("attempts_10s", {"attempts_10s": 3}, 3),
    ("attempts_10m", {"attempts_10m": 30}, 30),
    ("attempts_1d", {"attempts_1d": 300}, 300),
    ("attempts_14d", {"attempts_14d": 3_000}, 3_000),
    ("requests_10s", {"requests_10s": 2}, 2),
    ("requests_10m", {"requests_10m": 20}, 20),
    ("requests_1d", {"requests_1d": 200}, 200),
    ("requests_14d", {"requests_14d": 2_000}, 2_000),
    ("refused_share", {"attempts_10m": 40, "requests_10m": 10}, 0.75),
    ("refused_share", {"attempts_10m": 10, "requests_10m": 10.00001}, 0),
    ("refused_share", {}, nan),
    ("burst", {"attempts_10s": 1}, nan),
    ("slope", {"attempts_10m": 1}, nan),
    ("slope", {"attempts_1d": 1}, nan),
    ("baseline_ratio", {"attempts_1d": 1}, nan),
    ("error_share_10m", {"requests_10m": 10, "answered_10m": 8, "errors_10m": 2}, 0.25),
    ("error_share_10m", {"requests_10m": 10, "answered_10m": 8_000, "errors_10m": 5}, 0.5),
    ("error_share_10m", {"requests_10m": 1, "answered_10m": 8, "errors_10m": 5}, 1),
    ("error_share_10m", {"requests_10m": 10}, nan),
    ("error_share_1d", {"requests_1d": 10, "answered_1d": 8, "errors_1d": 2}, 0.25),
    ("denied_share_10m", {"requests_10m": 10, "answered_10m": 10, "denied_10m": 4}, 0.4),
    ("denied_share_1d", {"requests_1d": 10, "answered_1d": 10, "denied_1d": 4}, 0.4),
    ("denied_share_1d", {"requests_1d": 10}, nan),
    ("paths", {}, 0),
    ("path_share", {"hour_requests": 1, "paths": bits(4)}, 1),
    ("path_share", {"hour_requests": 30, "before_requests": 10, "paths": bits(4)}, -BITS * log(252 / 256) / 40),
    ("path_share", {}, nan),
    ("countries", {}, nan),
    ("agents", {}, 0),
    ("browser_share", {"attempts_1d": 10, "browser_1d": 4}, 0.4),
    ("library_share", {"attempts_1d": 10, "library_1d": 3}, 0.3),
    ("crawler_share", {"attempts_1d": 10, "crawler_1d": 2}, 0.2),
    ("impostor_share", {"attempts_1d": 10, "impostor_1d": 1}, 0.1),
    ("no_agent_share", {"attempts_1d": 10, "no_agent_1d": 10}, 1),
    ("no_agent_share", {}, nan),
    ("gap_variation", {"gaps_1d": 4.9, "gap_sum_1d": 49, "gap_squares_1d": 490}, nan),
    ("gap_variation", {"gaps_1d": 5, "gap_sum_1d": 50, "gap_squares_1d": 500}, 0),  # every ten seconds
    ("gap_variation", {"gaps_1d": 10, "gap_sum_1d": 100, "gap_squares_1d": 2_000}, 1),
    ("active_hours", {"hours": 0}, 0),
    ("active_hours", {"hours": 0b1011}, 3),
    ("active_hours", {"hours": 2**24 - 1}, 24),
    ("cost_10m", {"cost_10m": 7}, 7),
    ("cost_1d", {"cost_1d": 70}, 70),
    ("bytes_10m", {"answered_10m": 1, "bytes_10m": 512}, 512),
    ("bytes_10m", {"answered_10m": 1}, 0),
    ("bytes_1d", {"answered_1d": 1, "bytes_1d": 512}, 512),
    ("bytes_1d", {}, nan),
    ("hosting_share", {"attempts_1d": 10, "placed_1d": 5, "hosting_1d": 4}, 0.8),
    ("hosting_share", {"attempts_1d": 10}, nan),
    ("vpn_share", {"attempts_1d": 10, "placed_1d": 5, "vpn_1d": 1}, 0.2),
    ("age_s", {"first": NOW - 86_400}, 86_400),
    ("failed_logins_10m", {"failed_logins_10m": 4}, 4),
    ("failed_logins_1d", {"failed_logins_1d": 5}, 5),
    ("failed_login_share", {"failed_logins_1d": 3, "logins_1d": 12}, 0.25),
    ("failed_login_share", {}, nan),
]
OF_KEYS: list[tuple[str, dict[str, Any]]] = [("addresses", {"peers": bits(8)}), ("networks", {"networks": bits(8)})]
OF_ADDRESSES: list[tuple[str, dict[str, Any]]] = [("keys", {"peers": bits(8)}), ("accounts", {"networks": bits(8)})]


@pytest.mark.parametrize(("name", "row", "expected"), SAYS)
def test_what_it_says(name: str, row: dict[str, Any], expected: float) -> None:
    """Of a profile with these counters, for every kind that it is known for."""
    for kind in SIGNALS[COLUMN[name]].kinds:
        assert signal(name, kind, **row) == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)


def test_each_signal_is_looked_at() -> None:
    """None is missing in these tables."""
    named = {name for name, *_ in [*SAYS, *OF_KEYS, *OF_ADDRESSES]} | {"signups_1d"}
    assert named == set(NAMES)
    assert signal("signups_1d", "ip", signups_1d=6) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_who_uses_whom(kind: Kind) -> None:
    """A key or an account is used from addresses, an address by keys and accounts; what does not apply is missing."""
    eight = -BITS * log(1 - 8 / BITS)
    for name, row in OF_KEYS:
        assert signal(name, kind, **row) == pytest.approx(nan if kind == "ip" else eight, nan_ok=True)
    for name, row in OF_ADDRESSES:
        assert signal(name, kind, **row) == pytest.approx(eight if kind == "ip" else nan, nan_ok=True)
    assert isnan(signal("signups_1d", kind, signups_1d=6)) == (kind != "ip")
    rows = signals_of(kind, states({}))
    assert np.isnan(rows[0, ~applicable(kind)]).all()
    assert applicable(kind).sum() == sum(kind in one.kinds for one in SIGNALS)


@pytest.mark.parametrize(("name", "width"), [("paths", BITS), ("agents", FEW_BITS), ("countries", FEW_BITS)])
def test_saturation(name: str, width: int) -> None:
    """One bit that is left tells more than none; where none is left it is the most that the width can tell."""
    almost: dict[str, Any] = {name: bits(width - 1, width)}
    assert signal(name, **almost) == pytest.approx(width * log(width))
    full: dict[str, Any] = {name: [FULL] * (width // 64)}
    assert signal(name, **full) == pytest.approx(min(SATURATED, width * log(width)))


def test_both_hours_count() -> None:
    """Values of this hour and the one before are one set; who is in both is one."""
    of_both = signal("paths", paths=[0b0111, 0, 0, 0], paths_before=[0b1100, 0, 0, 0])
    assert of_both == pytest.approx(-BITS * log(1 - 4 / BITS))


@pytest.mark.parametrize("values", [10, 100, 500, 1_000])
def test_error_of_distinct_counts(values: int) -> None:
    """Sets with bits by chance are counted with the error of the theory, and not too many or too few on the whole."""
    chance = Random(values)
    found = []
    for _ in range(300):
        mask = 0
        for _ in range(values):
            mask |= 1 << chance.randrange(BITS)
        found.append(signal("paths", paths=[mask >> 64 * word & FULL for word in range(4)]))
    load = values / BITS
    error = (BITS * (exp(load) - load - 1)) ** 0.5 / values
    off = np.array(found) / values - 1
    assert np.sqrt(np.mean(off**2)) < 1.3 * error
    assert abs(np.mean(off)) < error / 2


def steady(rate: float, age_s: int) -> dict[str, Any]:
    """The counters of one who has asked at that rate for so long, as if time was not cut into seconds."""
    return {
        f"attempts_{span}": rate * half_life / log(2) * -expm1(-log(2) * (age_s + 1) / half_life)
        for span, half_life in zip(("10s", "10m", "1d", "14d"), HALF_LIVES_S, strict=True)
    }


@given(st.floats(1e-3, 1e4), st.integers(0, 400 * 86_400))
def test_a_steady_rate(rate: float, age_s: int) -> None:
    """Who asks evenly is no burst, has no slope and is as ever, however new and however busy."""
    row: dict[str, Any] = {"first": NOW - age_s, **steady(rate, age_s)}
    assert signal("burst", **row) == pytest.approx(1, rel=1e-4)
    assert signal("slope", **row) == pytest.approx(0, abs=1e-4)
    assert signal("baseline_ratio", **row) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("span", "burst", "slope", "baseline_ratio"), [("10s", 8, 0, 1), ("10m", 1 / 8, 3, 1), ("1d", 1, -3, 8), ("14d", 1, 0, 1 / 8)]
)
def test_who_speeds_up(span: str, burst: float, slope: float, baseline_ratio: float) -> None:
    """Of one who was eight times as busy in one span the ratios with that span say so, and no other."""
    row: dict[str, Any] = {"first": NOW - 864_000, **steady(1, 864_000)}
    row[f"attempts_{span}"] *= 8
    found = [signal(name, **row) for name in ("burst", "slope", "baseline_ratio")]
    assert found == pytest.approx([burst, slope, baseline_ratio], rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_too_much_missing(kind: Kind) -> None:
    """With more than three in ten of what applies missing there is no risk; what does not apply is no loss."""
    columns = np.flatnonzero(applicable(kind))
    most = int(MOST_MISSING * len(columns))
    rows = np.zeros((3, len(SIGNALS)))
    rows[:, ~applicable(kind)] = nan
    rows[1, columns[:most]] = nan
    rows[2, columns[: most + 1]] = nan
    assert too_much_missing(kind, rows).tolist() == [False, False, True]


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5), st.sampled_from(KINDS))
def test_whatever_a_store_holds(seeds: list[int], kind: Kind) -> None:
    """Whatever the counters are, signals are finite or missing, and only the slope is ever negative."""
    found = np.stack([states(_any_counters(Random(seed)))[0] for seed in seeds])
    rows = signals_of(kind, found)
    assert rows.shape == (len(seeds), len(SIGNALS))
    for name in NAMES:
        column = rows[:, COLUMN[name]]
        known = column[~np.isnan(column)]
        assert np.isfinite(known).all()
        assert (known >= 0).all() or name == "slope"
        if name in {"refused_share", "path_share"} or name.startswith(("error_share", "denied_share")):
            assert (known <= 1).all()


def _any_counters(chance: Random) -> dict[str, Any]:
    counters = [name for name in STATE.names or () if name.endswith(("_10s", "_10m", "_1d", "_14d"))]
    return {name: chance.choice([0, 1e-30, 1, chance.random() * 1e6]) for name in counters}
