"""The page of models as its template sees it. Pure. Shares are 0..1, lengths CSS pixels."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from ratelimit.anomaly.evaluation_report import Share
from ratelimit.console import wording
from ratelimit.console.model_spread import SpreadChart, spread_chart
from ratelimit.console.rule_view import person_of
from ratelimit.core.principal import Principal
from ratelimit.core.purchase_signal_words import PURCHASE_WORDS
from ratelimit.core.signal_words import REQUEST_WORDS
from ratelimit.ledger.rules import InForce
from ratelimit.review.model_card import Judged, ModelCard
from ratelimit.review.model_drift import Drifted
from ratelimit.review.models import Agreement, ModelsFound, SectionFound

LITTLE: Final = 0.1  # an index below says that nothing has changed, by a rule of thumb as old as the index
MUCH: Final = 0.25  # one above says that it is another distribution
_MOST_BARS: Final = 12
_WIDTH: Final = 420.0
_LEFT: Final = 230.0
_ROW: Final = 20
_TOP: Final = 0.5  # the end of the scale; what is more is cut there, and says its number
_KINDS: Final = {"api_key": "Keys", "ip": "Addresses", "account": "Accounts", "purchase": "Purchases"}


class DriftBar(Struct, frozen=True):
    """A signal in words, its index, and how long its bar is."""

    words: str
    index: str
    y: float
    width: float
    strong: bool


class DriftChart(Struct, frozen=True, kw_only=True):
    """The signals of one kind that have moved farthest. `marks` are pairs (x, words). `few`: too little was seen.

    `spreads` are how the risk and those signals are spread, the risk first.
    """

    kind: str
    rows: str
    risk: str
    bars: tuple[DriftBar, ...]
    rest: int
    width: float
    left: float
    height: float
    marks: tuple[tuple[float, str], ...]
    few: bool
    label: str
    spreads: tuple[SpreadChart, ...] = ()


class CardView(Struct, frozen=True, kw_only=True):
    """A model. `facts` and `judged` are pairs (words, value)."""

    role: str
    folder: str
    version: str
    problem: str
    calibrated: str
    is_calibrated: bool
    facts: tuple[tuple[str, str], ...]
    judged: tuple[tuple[str, str], ...]


class SectionView(Struct, frozen=True, kw_only=True):
    """Requests, or purchases. `change` says what promoting would change, `line` what to write into the file to make it last."""

    section: str
    title: str
    mode: str
    bounds: str
    cards: tuple[CardView, ...]
    drift: tuple[DriftChart, ...]
    agreement: tuple[tuple[str, str], ...]
    change: str
    pinned: str
    pinned_at: float | None
    pinned_why: str
    lapsed: bool
    line: str
    source: str
    challenger: str
    may_promote: bool
    may_unpin: bool


class PolicyLine(Struct, frozen=True):
    """A policy that was in force."""

    digest: str
    since: float
    words: str
    number: int


class ModelsView(Struct, frozen=True, kw_only=True):
    """All of it."""

    sections: tuple[SectionView, ...]
    policies: tuple[PolicyLine, ...]
    failing: str


def models_view(found: ModelsFound, who: Principal, names: Mapping[str, str], failing: str = "") -> ModelsView:
    """The page for one who looks; `failing` says what was not done."""
    return ModelsView(
        sections=tuple(_section(it, who, names) for it in found.sections),
        policies=tuple(_policies(found.policies)),
        failing=failing,
    )


def _section(found: SectionFound, who: Principal, names: Mapping[str, str]) -> SectionView:
    pin = found.pin if not found.lapsed else None
    cards = [_card(card, role) for role, card in (("Champion", found.champion), ("Challenger", found.challenger)) if card is not None]
    file = found.source.rpartition("/")[2]
    return SectionView(
        section=found.section,
        title=found.section.capitalize(),
        mode=found.mode,
        bounds=", ".join(_bound(above) for above in found.above),
        cards=tuple(cards),
        drift=tuple(_chart(it) for it in found.drift),
        agreement=tuple(_agreement(found.agreement)) if found.agreement is not None else (),
        change=_change(found.agreement, found.section),
        pinned=person_of(pin.by_login, names) if pin is not None else "",
        pinned_at=pin.at if pin is not None else None,
        pinned_why=pin.why if pin is not None else "",
        lapsed=found.lapsed,
        line=f"risk.{found.section}.model: {pin.model}" if pin is not None else "",
        source=file,
        challenger=found.challenger.folder if found.challenger is not None else "",
        may_promote=who.may("admin") and found.challenger is not None and not found.challenger.problem,
        may_unpin=who.may("admin") and found.pin is not None,
    )


def _bound(above: float) -> str:
    return f"above {above:g}, 1 in {1 / (1 - above):,.0f}"


def _card(card: ModelCard, role: str) -> CardView:
    facts = [] if card.problem else [
        ("Trained on", f"{card.trained[0]} – {card.trained[1]}"),
        ("Signals", f"{card.signals}, version {card.signal_version}"),
        *((f"{_KINDS.get(kind, kind)}", f"{card.subjects.get(kind, 0):,} with {rows:,} rows") for kind, rows in sorted(card.rows.items())),
        ("Made with", ", ".join(f"{name} {version}" for name, version in sorted(card.libraries.items()))),
    ]  # fmt: skip
    return CardView(
        role=role,
        folder=card.folder,
        version=card.version,
        problem=card.problem,
        calibrated=_calibrated(card),
        is_calibrated=card.calibrated,
        facts=tuple(facts),
        judged=tuple(line for it in card.judged for line in _judged(it)),
    )


def _calibrated(card: ModelCard) -> str:
    if card.ranked is None:
        return "Not calibrated: it gives no risk until it has seen the site's own days"
    if card.simulated:
        return f"Ranked on simulated days, {card.ranked[0]} – {card.ranked[1]}: good for looking, not for enforcing"
    return f"Calibrated on the site's days {card.ranked[0]} – {card.ranked[1]}"


def _judged(it: Judged) -> list[tuple[str, str]]:
    by = "taught by labels" if it.by == "labels" else "by what is unusual"
    head = f"{_KINDS.get(it.kind, it.kind)}, {by}"
    found = [(f"{head}: false alarms", f"{_interval(it.alarms, 2)} of days")]
    if it.recall is not None:
        found.append((f"{head}: abuse found", _interval(it.recall)))
    if it.precision is not None:
        count, share = it.precision
        found.append((f"{head}: abuse among the first {count} a day", _interval(share)))
    return found


def _interval(share: Share, digits: int = 0) -> str:
    if not share.whole:
        return "nothing to judge by"
    low, high = (f"{end * 100:.{digits}f}" for end in (share.low, share.high))
    return f"{share.part / share.whole * 100:.{digits}f}\u00a0% ({low}–{high})"


def _agreement(it: Agreement) -> list[tuple[str, str]]:
    if not it.all:
        return []
    words = (("Both", it.both), ("The champion alone", it.champion), ("The challenger alone", it.challenger), ("Neither", it.neither))
    return [(name, f"{count:,.0f}, {wording.percent(count / it.all)}") for name, count in words]


def _change(it: Agreement | None, section: str) -> str:
    if it is None:
        return ""
    things = "subjects" if section == "requests" else "purchases"
    if not it.all:
        return f"Nothing was scored by both yet: what promoting would change is told from {things} that both have scored since the start."
    now, then = (it.champion + it.both) / it.all, (it.challenger + it.both) / it.all
    does = "slowed down" if section == "requests" else "held"
    share = f"{wording.percent(then)} of {things} would be {does} instead of {wording.percent(now)}"
    return f"Promoting it, {share}, of {it.all:,.0f} scored by both."


def _chart(it: Drifted) -> DriftChart:
    words = PURCHASE_WORDS if it.kind == "purchase" else REQUEST_WORDS
    ordered = sorted(it.signals.items(), key=lambda one: -one[1])[:_MOST_BARS]
    bars = []
    for place, (name, index) in enumerate(ordered):
        width = round(max(1.0, (_WIDTH - _LEFT) * min(index, _TOP) / _TOP), 1)
        title = words[name].title if name in words else name
        bars.append(DriftBar(title, f"{index:.2f}", place * _ROW + 4, width, index >= MUCH))
    scale = _WIDTH - _LEFT
    return DriftChart(
        kind=_KINDS.get(it.kind, it.kind),
        rows=f"{it.rows:,.0f}",
        risk=f"{it.risk:.2f}" if it.risk is not None else "not known",
        bars=tuple(bars),
        rest=max(0, len(it.signals) - len(bars)),
        width=_WIDTH + 40,
        left=_LEFT,
        height=len(bars) * _ROW + 20,
        marks=((_LEFT + scale * LITTLE / _TOP, "little"), (_LEFT + scale * MUCH / _TOP, "much")),
        few=not it.signals,
        spreads=tuple(spread_chart(one, it.kind, MUCH) for one in it.spreads),
        label="Population stability index by signal: " + ", ".join(f"{bar.words} {bar.index}" for bar in bars),
    )


def _policies(policies: Sequence[InForce]) -> list[PolicyLine]:
    lines = []
    for place, it in enumerate(policies):
        detail = it.detail if isinstance(it.detail, dict) else {}
        earlier = policies[place + 1].detail if place + 1 < len(policies) else None
        words = _policy_words(detail, earlier if isinstance(earlier, dict) else None)
        lines.append(PolicyLine(it.digest, it.since, words, len(policies) - place))
    return lines


def _policy_words(detail: Mapping[str, object], before: Mapping[str, object] | None) -> str:
    overlay = detail.get("overlay")
    if before is None:
        return "the first that is known"
    file = detail.get("file") != before.get("file")
    laid = overlay != before.get("overlay")
    if file and laid:
        return "the file and what lies on its rules changed"
    return "the file changed" if file else "what lies on its rules changed"
