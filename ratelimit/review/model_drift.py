"""Whether days are as those that a model was ranked on: how far each signal has moved, and how the ones that moved most are spread now.

Of requests the sidecars count, of purchases the ledger has the signals.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.anomaly.signal_table import PURCHASE, Family, ModelKind
from ratelimit.core.errors import ConfigError
from ratelimit.core.purchase_signals import NAMES as OF_PURCHASES
from ratelimit.core.signals import KINDS
from ratelimit.core.signals import NAMES as OF_REQUESTS
from ratelimit.core.spread import Spread

LEAST_ROWS: Final = 500  # purchases under which chance alone makes an index
MOST_SHOWN: Final = 12  # signals whose spread is told, beside the risk's
RISK: Final = "risk"

Sample = tuple[str, dict[str, str], float]  # of a metric: its name, labels and value
Spreads = Mapping[str, Spread]  # by kind


class Distribution(Struct, frozen=True):
    """One signal, or the risk. Nine `cuts` make ten bins, an eleventh is for what is missing; `usual` and `seen` are their shares."""

    signal: str
    index: float
    cuts: list[float]
    usual: list[float]
    seen: list[float]


class Drifted(Struct, frozen=True):
    """How far signals are from the days of ranking, by name, and the risk; by the population stability index of so many `rows`.

    `spreads` are those of the risk and of the signals that moved most.
    """

    kind: str
    rows: float
    signals: dict[str, float]
    risk: float | None
    spreads: tuple[Distribution, ...] = ()


class UsualSpreads:
    """What was usual of each kind, by the model in a folder; it is read again when its version is another."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, str], Spreads] = {}

    def of(self, folder: Path, version: str) -> Spreads:
        """Those of a model of requests; none where it cannot be read. Call it in a thread."""
        key = folder, version
        if key not in self._known:
            self._known = {**dict(list(self._known.items())[-1:]), key: _read(folder, "requests", KINDS)}
        return self._known[key]


def request_drift(samples: Iterable[Sample], usual: Spreads) -> tuple[Drifted, ...]:
    """What the sidecars counted."""
    rows: dict[str, float] = {}
    signals: dict[str, dict[str, float]] = {}
    risks: dict[str, float] = {}
    counts: dict[str, dict[str, list[float]]] = {}
    for name, labels, value in samples:
        kind = labels.get("kind", "")
        if name == "ratelimit_drift_rows":
            rows[kind] = rows.get(kind, 0.0) + value
        elif name == "ratelimit_signal_drift":
            of_kind = signals.setdefault(kind, {})
            of_kind[labels["signal"]] = max(value, of_kind.get(labels["signal"], 0.0))
        elif name == "ratelimit_risk_drift":
            risks[kind] = max(value, risks.get(kind, 0.0))
        elif name == "ratelimit_drift_bins":
            bins = counts.setdefault(kind, {}).setdefault(labels["signal"], [0.0] * 11)
            bins[int(labels["bin"])] += value
    return tuple(
        Drifted(kind, count, found := signals.get(kind, {}), risks.get(kind), _spreads(
            usual.get(kind), OF_REQUESTS, found, risks.get(kind), counts.get(kind, {})
        ))
        for kind, count in rows.items()
    )  # fmt: skip


def purchase_drift(folder: Path, blobs: list[bytes]) -> tuple[Drifted, ...]:
    """How far these purchases, by their signals, are from those that the model in the folder was ranked on."""
    size = len(OF_PURCHASES) * 8
    whole = [blob for blob in blobs if len(blob) == size]
    if len(whole) < LEAST_ROWS:
        return (Drifted(PURCHASE, len(whole), {}, None),)
    try:
        model = PurchaseModel.read(folder)
    except ConfigError:
        return ()
    spread = model.spread()
    if spread is None:
        return ()
    rows = np.frombuffer(b"".join(whole), "<f8").reshape(len(whole), len(OF_PURCHASES))
    counts = spread.counts(np.column_stack([rows, model.score(rows)]))
    index = spread.psi(counts)
    found, risk = dict(zip(OF_PURCHASES, index.tolist(), strict=False)), float(index[-1])
    seen = dict(zip((*OF_PURCHASES, RISK), counts.tolist(), strict=True))
    return (Drifted(PURCHASE, len(whole), found, risk, _spreads(spread, OF_PURCHASES, found, risk, seen)),)


def _spreads(
    usual: Spread | None, names: tuple[str, ...], index: Mapping[str, float], risk: float | None, counts: Mapping[str, list[float]]
) -> tuple[Distribution, ...]:
    """The risk first, then the signals, the farthest moved first; nothing where nobody has counted.

    Of several that are spread alike, as attempts of an account and of its only device are, the first is told.
    """
    if usual is None:
        return ()
    place = {name: number for number, name in enumerate((*names, RISK))}
    ordered = [(RISK, risk)] if risk is not None else []
    ordered += sorted(index.items(), key=lambda one: -one[1])
    found: list[Distribution] = []
    told = set[tuple[float, ...]]()
    for name, moved in ordered:
        if len(found) > MOST_SHOWN:
            break
        seen = counts.get(name)
        if seen is None or name not in place or (whole := sum(seen)) <= 0:
            continue
        cuts, shares = usual.cuts[place[name]].tolist(), usual.shares[place[name]].tolist()
        now = [count / whole for count in seen]
        look = tuple(round(share, 2) for share in (*shares, *now))
        if look not in told:
            told.add(look)
            found.append(Distribution(name, float(moved), cuts, shares, now))
    return tuple(found)


def _read(folder: Path, family: Family, kinds: Iterable[ModelKind]) -> Spreads:
    try:
        model = Model.read(folder, family)
    except ConfigError:
        return {}
    return {kind: spread for kind in kinds if (spread := model.spread(kind)) is not None}
