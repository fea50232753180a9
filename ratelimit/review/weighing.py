"""What a model made of a subject or a purchase at one decision, told again from its record: all signals with how far out each lies, and the
risk computed anew.

Only the model that judged can say it: its version must be that of the record. Models are read from where the policy in force says they lie.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.artifact import MANIFEST
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import kind_of
from ratelimit.anomaly.quantiles import Tails
from ratelimit.anomaly.signal_table import PURCHASE, Family, ModelKind, table_of
from ratelimit.core.case import CaseReason
from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.core.purchase_signal_words import PURCHASE_WORDS
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signal_words import REQUEST_WORDS, Words, worded
from ratelimit.review.dossier import Weighing
from ratelimit.service.model_section import PURCHASES, REQUESTS

_FAR: Final = 2.0  # log10 of one over the tail share where a value is not usual any more
_MOST_AGAINST: Final = 8
_MOST_FOR: Final = 4
# signals that are told in somebody's favour where they are usual, the most telling first
_TELLING: Final[Mapping[str, Sequence[str]]] = {
    "requests": (
        "denied_share_1d", "age_s", "failed_login_share", "hosting_share", "countries", "addresses", "keys", "accounts", "error_share_1d",
        "gap_variation", "active_hours", "cost_1d",
    ),
    "purchases": (
        "account_age_s", "card_age_s", "declines_7d", "cards_7d", "card_ip_mismatch", "amount_ratio", "disposable_email",
        "checks_failed_7d", "card_accounts_30d", "attempts_1d",
    ),
}  # fmt: skip

Floats = NDArray[np.float64]


class Vector(NamedTuple):
    """What a record has of it: whose signals of which kind these are, by which model and version of signals."""

    kind: ModelKind
    values: tuple[float | None, ...]
    model: str | None
    version: int | None
    risk: float | None
    record: str
    at: float
    plan: str | None = None
    currency: str | None = None


class Recomputed(NamedTuple):
    """A weighing, every signal as a line, and the risk that the same model gives today; None where that model is not here."""

    weighing: Weighing
    signals: tuple[CaseReason, ...]
    risk: float | None
    there: bool


class Weigher:
    """Knows the models of the policy in force; each is read once."""

    def __init__(self, policy: Callable[[], Policy]) -> None:
        self._policy = policy
        self._read: dict[Path, tuple[float, Model | None]] = {}

    async def weigh(self, vector: Vector | None) -> Weighing:
        """What the page of a case says of it; without a vector nothing is known."""
        return (await self.again(vector)).weighing if vector is not None else NOTHING

    async def again(self, vector: Vector) -> Recomputed:
        """The same with every signal, and the risk once more."""
        family: Family = "purchases" if vector.kind == PURCHASE else "requests"
        model = await self._model(family, vector.model)
        version = table_of(vector.kind).version
        known = model.kinds.get(vector.kind) if model is not None else None
        thresholds = self._thresholds(family)
        weighing = Weighing(
            risk=vector.risk, against=(), in_favour=(), thresholds=thresholds, version=vector.version, record=vector.record, at=vector.at
        )
        if model is None or known is None or vector.version != version or len(vector.values) != len(table_of(vector.kind).names):
            return Recomputed(weighing, (), None, there=False)
        row = np.array([np.nan if value is None else value for value in vector.values], np.float64)
        return await asyncio.to_thread(_weighed, model, row, vector, weighing)

    async def _model(self, family: Family, version: str | None) -> Model | None:
        section, policy = PURCHASES if family == "purchases" else REQUESTS, self._policy()
        for folder in (section.champion(policy), section.challenger(policy)):
            model = await asyncio.to_thread(self._at, folder, family) if folder is not None and version is not None else None
            if model is not None and model.version == version:
                return model
        return None

    def _at(self, folder: Path, family: Family) -> Model | None:
        try:
            changed = (folder / MANIFEST).stat().st_mtime
            kept = self._read.get(folder)
            if kept is None or kept[0] != changed:
                self._read[folder] = kept = (changed, Model.read(folder, family))
        except (ConfigError, OSError):
            return None
        return kept[1]

    def _thresholds(self, family: Family) -> tuple[tuple[str, float], ...]:
        rules = (PURCHASES if family == "purchases" else REQUESTS).rules(self._policy())
        if rules is None:
            return ()
        steps = rules.throttle if isinstance(rules.throttle, tuple | list) else (rules.throttle,)
        word = "hold" if family == "purchases" else "throttle"
        return tuple((word, step.above) for step in steps)


NOTHING: Final = Weighing(risk=None, against=(), in_favour=())


def title_of(reason: CaseReason) -> str:
    """What heads a reason in a table; its words where it is no signal."""
    words = _words(reason.about == "purchase").get(reason.signal or "")
    return words.title if words is not None else reason.words


def _words(purchase: bool) -> Mapping[str, Words]:
    return PURCHASE_WORDS if purchase else REQUEST_WORDS


def _weighed(model: Model, row: Floats, vector: Vector, weighing: Weighing) -> Recomputed:
    table, parts = table_of(vector.kind), model.kinds[vector.kind].parts
    lines = list(_lines(model, row, vector))
    strongest = sorted(lines, key=lambda it: -abs(it.signed or 0.0))
    counted = {table.names[column] for column in table.counted}
    far = [it for it in strongest if it.signed is not None and abs(it.signed) > _FAR and not (it.signed < 0 and it.source in counted)]
    usual = {it.source: it for it in lines if it not in far}
    favour = [usual[name] for name in _TELLING[table.family] if name in usual and not _is_said(usual[name])]
    peers = kind_of(row) if vector.kind == PURCHASE else vector.plan
    scored = model.score(vector.kind, row[None], [peers])[0]
    known = len(parts.quantiles.edges)
    full = Weighing(
        risk=weighing.risk,
        against=tuple(far[:_MOST_AGAINST]),
        in_favour=tuple(favour[:_MOST_FOR]),
        thresholds=weighing.thresholds,
        model=f"{table.family} {model.version}",
        signals=known,
        version=vector.version,
        record=vector.record,
        at=vector.at,
    )
    return Recomputed(full, tuple(strongest), None if np.isnan(scored) else float(scored), there=True)


def _is_said(reason: CaseReason) -> bool:
    """Whether it is a fact that is so, such as a card of another country: usual or not, that speaks for nobody."""
    words = _words(reason.about == "purchase").get(reason.source)
    return words is not None and words.yes is not None and bool(reason.number)


def _lines(model: Model, row: Floats, vector: Vector) -> Iterator[CaseReason]:
    names, quantiles = table_of(vector.kind).names, model.kinds[vector.kind].parts.quantiles
    shares = Tails(quantiles).of(row[None])[0]
    purchase = vector.kind == PURCHASE
    words = _words(purchase)
    for name, value, (low, high), share in zip(names, row.tolist(), quantiles.normal().tolist(), shares.tolist(), strict=True):
        if not np.isnan(value) and name in words:
            reason = SignalReason(name, value, low, high, share)
            about = "purchase" if purchase else "request"
            yield worded(reason, words[name], "account" if purchase else vector.kind, about=about, currency=vector.currency)  # type: ignore[arg-type]
