"""Signals: numbers about a subject's recent past, made from its profile; the input of model and rules.

A change in what a signal means, or in their order, is a new VERSION, and a model of another one is refused. Values are in their natural
units, so that a person can read them; NaN is a missing value. Rates are decayed counts over the time that they stand for: of a steady rate
r a counter with half-life h holds r·h/ln 2·(1 - 2^(-age/h)) after `age`, so a young subject is compared by what it did, not by how new
it is.
"""

from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.profile import DISTINCT, GAPS, HALF_LIVES_S, SATURATED

VERSION: Final = 1
MOST_MISSING: Final = 0.3  # of the signals that apply to a kind; with more of them missing there is no risk

Kind = Literal["api_key", "ip", "account"]
KINDS: Final[tuple[Kind, ...]] = ("api_key", "ip", "account")

Rows = NDArray[np.float64]  # a row for each subject, a column for each signal
_States = NDArray[np.void]

_LEAST_GAPS: Final = 5.0
_LN2: Final = float(np.log(2))
_WIDTH: Final = dict(DISTINCT)
_EVERY: Final = frozenset(KINDS)
_OF_KEYS: Final = frozenset[Kind]({"api_key", "account"})
_OF_ADDRESSES: Final = frozenset[Kind]({"ip"})


class Signal(NamedTuple):
    """`name` is its word everywhere; `kinds` are those that it is known for, the others have NaN, which counts as no loss."""

    name: str
    unit: str
    meaning: str
    kinds: frozenset[Kind] = _EVERY


SIGNALS: Final = (
    Signal("attempts_10s", "requests", "asked for in the last seconds (half-life 10 s), whatever the answer"),
    Signal("attempts_10m", "requests", "asked for in the last minutes (half-life 10 min)"),
    Signal("attempts_1d", "requests", "asked for in the last day (half-life 1 day)"),
    Signal("attempts_14d", "requests", "asked for in the last weeks (half-life 14 days)"),
    Signal("requests_10s", "requests", "passed in the last seconds"),
    Signal("requests_10m", "requests", "passed in the last minutes"),
    Signal("requests_1d", "requests", "passed in the last day"),
    Signal("requests_14d", "requests", "passed in the last weeks"),
    Signal("refused_share", "share", "refused of what was asked for in the last minutes"),
    Signal("burst", "ratio", "rate of the last seconds over that of the last minutes"),
    Signal("baseline_ratio", "ratio", "rate of the last day over the subject's own of the last weeks"),
    Signal("slope", "log2", "rate of the last minutes over that of the last day; 1 is twice as many"),
    Signal("error_share_10m", "share", "answered with 4xx in the last minutes, of what passed"),
    Signal("error_share_1d", "share", "answered with 4xx in the last day, of what passed"),
    Signal("denied_share_10m", "share", "answered with 401 or 403 in the last minutes, of what passed"),
    Signal("denied_share_1d", "share", "answered with 401 or 403 in the last day, of what passed"),
    Signal("paths", "paths", "different ones in this hour and the one before"),
    Signal("path_share", "share", "different paths over requests of the same hours"),
    Signal("addresses", "addresses", "different ones that used it in this hour and the one before", _OF_KEYS),
    Signal("networks", "networks", "different /24 and /48 that used it in this hour and the one before", _OF_KEYS),
    Signal("keys", "keys", "different ones used from it in this hour and the one before", _OF_ADDRESSES),
    Signal("accounts", "accounts", "different ones used from it in this hour and the one before", _OF_ADDRESSES),
    Signal("countries", "countries", "different ones in this hour and the one before"),
    Signal("agents", "user agents", "different ones in this hour and the one before"),
    Signal("browser_share", "share", "asked for by browsers, in the last day"),
    Signal("library_share", "share", "asked for by HTTP libraries, in the last day"),
    Signal("crawler_share", "share", "asked for by declared crawlers, in the last day"),
    Signal("impostor_share", "share", "asked for by what says it is a crawler and is not at its address, in the last day"),
    Signal("no_agent_share", "share", "asked for without a user agent, in the last day"),
    Signal("gap_variation", "ratio", "how uneven the gaps between active seconds are: standard deviation over mean; a clock has 0"),
    Signal("active_hours", "hours", "in which something was asked for, of the last 24"),
    Signal("cost_10m", "tokens", "spent in the last minutes"),
    Signal("cost_1d", "tokens", "spent in the last day"),
    Signal("bytes_10m", "bytes", "sent to it in the last minutes"),
    Signal("bytes_1d", "bytes", "sent to it in the last day"),
    Signal("hosting_share", "share", "asked for from networks of hosting companies, in the last day"),
    Signal("vpn_share", "share", "asked for from VPN networks, in the last day"),
    Signal("age_s", "s", "since it was first seen"),
    Signal("failed_logins_10m", "logins", "failed in the last minutes"),
    Signal("failed_logins_1d", "logins", "failed in the last day"),
    Signal("failed_login_share", "share", "failed of the logins of the last day"),
    Signal("signups_1d", "accounts", "signed up from it in the last day", _OF_ADDRESSES),
)
NAMES: Final = tuple(signal.name for signal in SIGNALS)
COLUMN: Final = {name: column for column, name in enumerate(NAMES)}


@cache
def applicable(kind: Kind) -> NDArray[np.bool_]:
    """Which signals are known for subjects of a kind; the same array each time, which nobody can write to."""
    mask = np.array([kind in signal.kinds for signal in SIGNALS])
    mask.flags.writeable = False
    return mask


def too_much_missing(kind: Kind, rows: Rows) -> NDArray[np.bool_]:
    """Which rows say too little for a risk."""
    said = rows[:, applicable(kind)]
    return np.asarray(np.isnan(said).mean(axis=1) > MOST_MISSING)


def signals_of(kind: Kind, states: _States) -> Rows:
    """The signals of subjects of one kind, as of the tick at which each profile ends; `states` is an array of profile.STATE."""
    rows = np.full((len(states), len(SIGNALS)), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {**_counts(states), **_rates(states), **_shares(states), **_fan(kind, states), **_rhythm(states)}
    for name, values in found.items():
        rows[:, COLUMN[name]] = values
    rows[:, ~applicable(kind)] = np.nan
    return rows


_COUNTS: Final = (
    "attempts_10s attempts_10m attempts_1d attempts_14d requests_10s requests_10m requests_1d requests_14d "
    "cost_10m cost_1d failed_logins_10m failed_logins_1d signups_1d"
).split()


def _counts(states: _States) -> dict[str, Rows]:
    found: dict[str, Rows] = {name: states[name].astype(np.float64) for name in _COUNTS}
    for span in ("10m", "1d"):  # of what nobody told us the size we do not know that it was nothing
        found[f"bytes_{span}"] = np.where(states[f"answered_{span}"] > 0, states[f"bytes_{span}"], np.nan)
    found["age_s"] = states["at"] - states["first"]
    return found


def _rates(states: _States) -> dict[str, Rows]:
    age = states["at"] - states["first"] + 1.0
    rate = [
        states[f"attempts_{span}"] * (_LN2 / half_life) / -np.expm1(-_LN2 * age / half_life)
        for span, half_life in zip(("10s", "10m", "1d", "14d"), HALF_LIVES_S, strict=True)
    ]
    return {
        "refused_share": np.clip(1 - states["requests_10m"] / states["attempts_10m"].astype(np.float64), 0, 1),
        "burst": _known(rate[0] / rate[1]),
        "baseline_ratio": _known(rate[2] / rate[3]),
        "slope": _known(np.log2(rate[1] / rate[2])),
    }


def _shares(states: _States) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for span in ("10m", "1d"):
        # successes that somebody makes up cannot dilute errors: no more was answered than had passed
        answered = np.minimum(states[f"answered_{span}"], states[f"requests_{span}"]).astype(np.float64)
        for name, counter in (("error_share", "errors"), ("denied_share", "denied")):
            found[f"{name}_{span}"] = np.minimum(_over(states[f"{counter}_{span}"], answered), 1)
    for name in ("browser", "library", "crawler", "impostor", "no_agent"):
        found[f"{name}_share"] = _over(states[f"{name}_1d"], states["attempts_1d"])
    for name in ("hosting", "vpn"):
        found[f"{name}_share"] = _over(states[f"{name}_1d"], states["placed_1d"])
    found["failed_login_share"] = _over(states["failed_logins_1d"], states["logins_1d"])
    return found


def _fan(kind: Kind, states: _States) -> dict[str, Rows]:
    paths = _distinct(states, "paths")
    countries = _distinct(states, "countries")
    requests = (states["hour_requests"] + states["before_requests"]).astype(np.float64)
    peers, networks = ("keys", "accounts") if kind == "ip" else ("addresses", "networks")
    return {
        "paths": paths,
        "path_share": np.minimum(_over(paths, requests), 1),
        peers: _distinct(states, "peers"),
        networks: _distinct(states, "networks"),
        "agents": _distinct(states, "agents"),
        "countries": np.where(countries > 0, countries, np.nan),  # nobody is nowhere: of none no address was known
    }


def _rhythm(states: _States) -> dict[str, Rows]:
    gaps, total, squares = (states[f"{name}_1d"].astype(np.float64) for name in GAPS)
    mean = total / gaps
    spread = np.sqrt(np.maximum(squares / gaps - mean * mean, 0))
    return {
        "gap_variation": np.where(gaps >= _LEAST_GAPS, _known(spread / mean), np.nan),
        "active_hours": np.bitwise_count(states["hours"].astype(np.uint32)).astype(np.float64),
    }


def _distinct(states: _States, name: str) -> Rows:
    """How many values set those bits, by linear counting; SATURATED or what the width can tell where all are set."""
    width = _WIDTH[name]
    unset = width - np.bitwise_count(states[name] | states[f"{name}_before"]).sum(axis=1, dtype=np.float64)
    values: Rows = np.where(unset > 0, -width * np.log(unset / width), min(SATURATED, width * np.log(width)))
    return values + 0.0  # of -0.0 makes 0.0


def _over(part: Rows, whole: Rows) -> Rows:
    whole = whole.astype(np.float64)
    return np.where(whole > 0, part / whole, np.nan)


def _known(values: Rows) -> Rows:
    return np.where(np.isfinite(values), values, np.nan)
