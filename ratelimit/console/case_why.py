"""Why a case was flagged: risk as a ranking, and the signals that speak against it and for it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.console.wording import rarity, several
from ratelimit.core.case import CaseReason
from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.sharing import Said, said
from ratelimit.review.dossier import Weighing
from ratelimit.review.weighing import title_of

_OF: Final = 10_000  # subjects that a risk is told among
SHARED: Final = "/shared"
NOBODY: Final[Mapping[Said, int]] = {}
_ONE: Final = {"api_key": "key", "account": "account", "ip": "address"}
_NOUNS: Final = {"api_key": "keys", "account": "accounts", "ip": "addresses"}


class SignalLine(Struct, frozen=True):
    """One signal: its words begin with a capital; `signed` None where there is no number to show on a gauge.

    `shared` is by how many others, `others` the address of these; "" there are none.
    """

    words: str
    value: str
    normal: str
    signed: float | None
    rare: str
    usual: bool
    shared: str = ""
    others: str = ""


class Why(Struct, frozen=True):
    """The panel. `less_usual` of `of` normal subjects are less unusual; risk None: not known, or nobody may know before a verdict."""

    risk: float | None
    less_usual: str
    noun: str
    one: str
    against: tuple[SignalLine, ...]
    in_favour: tuple[SignalLine, ...]
    thresholds: tuple[tuple[str, float], ...]
    model: str
    record: str | None


def why(
    it: Weighing, whom: SubjectRef, reasons: tuple[CaseReason, ...], shared: Mapping[Said, int] = NOBODY, *, blind: bool = False
) -> Why:
    """The panel of a subject. A `blind` reviewer is told no risk and no reasons, only what stands in the evidence."""
    kind = whom.kind
    noun = _NOUNS.get(kind, "subjects")
    if blind:
        usual = (*it.against, *it.in_favour)
        return Why(None, "", noun, _one(kind), (), tuple(signal_line(one, usual=True) for one in usual), (), "", None)
    known = {one.source for one in reasons}
    against = (*reasons, *(one for one in it.against if one.source not in known))
    return Why(
        risk=it.risk,
        less_usual="" if it.risk is None else ranking(it.risk),
        noun=noun,
        one=_one(kind),
        against=tuple(_shared(signal_line(one), one, whom, shared) for one in against),
        in_favour=tuple(signal_line(one, usual=True) for one in it.in_favour),
        thresholds=it.thresholds,
        model=_model(it),
        record=it.record,
    )


def ranking(risk: float) -> str:
    """A risk as a place among many: 9,994 of 10,000; finer where ten thousand are too few to tell."""
    of = _OF
    while risk < 1 and round(risk * of) == of and of < 10_000_000:
        of *= 10
    return f"{min(of - (risk < 1), round(risk * of)):,} of {of:,}"


def _one(kind: str) -> str:
    return {"api_key": "this key", "account": "this account", "ip": "this address"}.get(kind, "this one")


def _shared(it: SignalLine, reason: CaseReason, whom: SubjectRef, shared: Mapping[Said, int]) -> SignalLine:
    """The same with who else shows it as far out, and where they are listed."""
    what = said(reason)
    if not (number := shared.get(what, 0)):
        return it
    many = _NOUNS.get(whom.kind, "subjects")
    asked = {"name": what.name, **({"far": f"{what.far:g}"} if what.far is not None else {}), "of": str(whom.id)}
    return replace(it, shared=several(number, _ONE.get(whom.kind, "subject"), many), others=f"{SHARED}?{urlencode(asked)}")


def signal_line(reason: CaseReason, *, usual: bool = False) -> SignalLine:
    """One signal, by what heads it in a table."""
    if reason.signal is None:  # a fact: its value is the strongest word of a sentence
        return SignalLine(f"{reason.value} {reason.words}".strip(), "", reason.normal, reason.signed, "", usual)
    title = title_of(reason)
    rare = "" if reason.signed is None else rarity(reason.signed)
    return SignalLine(title[:1].upper() + title[1:], reason.value, reason.normal, reason.signed, rare, usual)


def _model(it: Weighing) -> str:
    if it.model is None:
        return ""
    parts = [f"model {it.model}"]
    if it.signals:
        parts.append(f"{it.signals} signals" + (f", version {it.version}" if it.version is not None else ""))
    return " · ".join(parts)
