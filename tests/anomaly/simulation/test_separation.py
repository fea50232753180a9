"""No signal by itself tells simulated abuse from the honest: a model has to look at several."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from ratelimit.anomaly.simulation.cast import ABUSE, Part, cast, chance
from ratelimit.anomaly.simulation.folder import FIRST
from ratelimit.anomaly.simulation.member import Span
from ratelimit.anomaly.simulation.network import CRAWLERS, HOSTING, VPNS
from ratelimit.anomaly.simulation.row import DAY_MS, in_order, joined
from ratelimit.anomaly.simulation.site import days
from ratelimit.anomaly.simulation.text import entries, label_fields
from ratelimit.core.address import caller_prefix, parse_address
from ratelimit.core.identity import ApiKeys
from ratelimit.core.signals import KINDS, NAMES, Kind, Rows
from ratelimit.history import open_history
from ratelimit.service.address_book import Sources
from ratelimit.service.policy_source import built_in_policy
from ratelimit.service.replay import Replay
from ratelimit.service.watch import Watch

SEED = 1
SCALE = 0.5  # some 2,000 honest members and 18 abusers, one of each kind in each form
SECRET = b"s" * 32
FIRST_MS = int(FIRST.timestamp()) * 1_000
MOST_AUC = 0.85
LEAST_BLAMED = 10  # subjects with a value; of fewer an AUC says nothing

Subject = tuple[Kind, str | bytes]


class Witness:
    """Sees every batch that is scored, and remembers each subject's highest and latest signals."""

    def __init__(self) -> None:
        self.highest: dict[Subject, Rows] = {}
        self.latest: dict[Subject, Rows] = {}

    def __call__(self, kind: Kind, watches: list[Watch], _ticks: list[int], rows: Rows) -> None:
        for watch, row in zip(watches, rows, strict=True):
            subject = kind, watch.value
            self.latest[subject] = row
            self.highest[subject] = np.fmax(self.highest.get(subject, row), row)


def lists_of_its_networks(folder: Path) -> Sources:
    """Lists that know the simulation's networks, as an operator's would."""
    for name, networks in (("datacenter", HOSTING), ("vpn", VPNS)):
        (folder / f"{name}-v4.txt").write_text("".join(f"{network.v4}\n" for network in networks))
    (folder / "googlebot-v4.txt").write_text(f"{CRAWLERS['googlebot']}\n")
    return Sources(lists=str(folder))


def blamed_in(parts: list[Part], api_keys: ApiKeys) -> set[Subject]:
    """Who is labelled, as the signals name them."""
    found: set[Subject] = set()
    for label in (label for part in parts for label in part.member.labels):
        value = str(label_fields(label)["value"])
        if label.target == "ip":
            found.add(("ip", caller_prefix(parse_address(value) or b"", 64)))
        else:
            found.add((label.target, api_keys.digest(value) if label.target == "api_key" else value))
    return found


def area(blamed: Rows, honest: Rows) -> float:
    """How often an abuser's value is above an honest one's (AUC), or below it, whichever is more; ties count half."""
    order = np.sort(honest)
    below, upto = np.searchsorted(order, blamed, "left"), np.searchsorted(order, blamed, "right")
    above = float((below + upto).mean() / 2 / len(honest))
    return max(above, 1 - above)


def areas(signals: Mapping[Subject, Rows], blamed: set[Subject], kind: Kind) -> dict[str, float]:
    """Of each signal that enough abusers of a kind have."""
    subjects = [subject for subject in signals if subject[0] == kind]
    rows, bad = np.array([signals[subject] for subject in subjects]), np.array([subject in blamed for subject in subjects])
    found = {}
    for column, name in enumerate(NAMES):
        values, known = rows[:, column], ~np.isnan(rows[:, column])
        if (known & bad).sum() >= LEAST_BLAMED:
            found[name] = area(values[known & bad], values[known & ~bad])
    return found


def test_area() -> None:
    """Half where nothing is told apart, one where everything is, in either direction."""
    values = np.arange(10.0)
    assert area(values, values) == 0.5
    assert area(values + 10, values) == area(values - 10, values) == 1
    assert area(np.array([2.0, 2.0]), np.array([1.0, 2.0, 2.0, 3.0])) == 0.5


@pytest.mark.timeout(600)  # a hundred thousand requests, each counted as if it were served
async def test_no_signal_separates(tmp_path: Path) -> None:
    """The AUC of every signal, by its highest and by its latest value of a day, stays below the bound for keys, addresses and accounts."""
    parts = list(cast(SEED, Span(FIRST_MS, FIRST_MS + DAY_MS), SCALE, frozenset(ABUSE)))
    (day,) = days(SEED, FIRST_MS, 1)
    rows = in_order(joined([part.member.uses(day, default_rng(chance(SEED, part, 0))) for part in parts]))
    witness, api_keys = Witness(), ApiKeys(SECRET)
    async with open_history(SECRET, sources=lists_of_its_networks(tmp_path)) as history:
        history.usage.scoring.observer = witness
        await history.run(Replay(built_in_policy(), api_keys, observer=history), entries(rows))
    blamed = blamed_in(parts, api_keys)
    table = {
        (kind, when, name): found
        for kind in KINDS
        for when, signals in (("highest", witness.highest), ("latest", witness.latest))
        for name, found in areas(signals, blamed, kind).items()
    }
    for (kind, when, name), found in sorted(table.items(), key=lambda item: -item[1]):
        print(f"{found:.3f} {kind} {name} {when}")  # noqa: T201 (shown where the test fails, or with -s)
    assert {kind for kind, _, _ in table} == set(KINDS)
    assert len(table) > 3 * len(NAMES)
    assert {about: found for about, found in table.items() if found > MOST_AUC} == {}
