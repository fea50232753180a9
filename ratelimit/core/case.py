"""A case: something that was flagged and waits for a person. Its words; the ledger keeps it, and sidecars only ask for one.

It is anchored on an account where there is one, else on the key or the address. Times are seconds since the epoch, money is in minor units.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import isfinite, log10
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.signal_reason import SignalReason

CaseKind = Literal["early_fraud_warning", "rule", "model", "appeal", "audit", "quality", "person", "banned"]  # what opened it
CaseState = Literal["open", "closed"]
CaseVerdict = Literal["fraud", "abuse", "first_party_dispute", "victim", "good", "unclear"]
Priority = Literal[1, 2, 3, 4]
About = Literal["request", "purchase"]

GAUGE_MOST: Final = 6.0  # of `signed`: one in a million is as far as any gauge goes
MOST_REASONS: Final = 30  # of one case
_BY_SIGNAL: Final[frozenset[CaseKind]] = frozenset({"model", "audit"})
_FIRST: Final[tuple[CaseKind, ...]] = ("early_fraud_warning", "appeal", "banned", "rule", "person")
_NUMBER: Final = re.compile(r"([CK]-?)?(\d{1,15})", re.ASCII | re.IGNORECASE)


class CaseReason(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason in plain words: `value` `words`, such as "418" "addresses used this key in 24 h", or "Prepaid" "card".

    `normal` is where nine in ten of its peers are, in the same unit; "" where nobody knows. `signed` is for the gauge: log10 of one over
    the share of peers that are as far out, below 0 where the value is low; None where it is no number. `source` tells reasons of a kind
    from one another: a signal's name, a rule's, a warning's id. `number`, `low`, `high` and `tail_share` are a signal's own, and `about`
    is what it is a signal of; of warnings the `number` says how many there are.
    """

    kind: CaseKind
    source: str
    value: str
    words: str
    normal: str = ""
    window: str = ""
    signed: float | None = None
    signal: str | None = None
    about: About = "request"
    number: float | None = None
    low: float | None = None
    high: float | None = None
    tail_share: float | None = None


def signed(reason: SignalReason) -> float:
    """How far out a signal is, as gauges take it: 2 is one in a hundred on the high side, -3 one in a thousand on the low one."""
    size = min(GAUGE_MOST, log10(1 / reason.tail_share)) if reason.tail_share > 0 else GAUGE_MOST
    return round(size if _is_high(reason) else -size, 3) + 0.0


def _is_high(reason: SignalReason) -> bool:
    if isfinite(reason.low) and isfinite(reason.high):
        return reason.value >= (reason.low + reason.high) / 2
    return not isfinite(reason.low) or reason.value > reason.low


def shown(number: int) -> str:
    """A case's number as people say it."""
    return f"C-{number}"


def number_of(text: str) -> int | None:
    """The number in `C-1042`, `c1042` or `1042`; None where it is none."""
    return _number("C", text)


def campaign_of(text: str) -> int | None:
    """The number in `K-17`, `k17` or `17`."""
    return _number("K", text)


def _number(letter: str, text: str) -> int | None:
    found = _NUMBER.fullmatch(text.strip())
    return int(found[2]) if found is not None and (found[1] or letter)[0].upper() == letter else None


def parts(reasons: Iterable[CaseReason]) -> frozenset[str]:
    """What makes reasons the same when they come again: not their values.

    Of rules their names; of warnings that there was one; of the model's signals the one that is farthest out, since the others change
    places from hour to hour.
    """
    reasons = list(reasons)
    said = {f"{one.kind}:{one.source}" for one in reasons if one.kind not in _BY_SIGNAL and one.kind != "early_fraud_warning"}
    if any(one.kind == "early_fraud_warning" for one in reasons):
        said.add("early_fraud_warning")
    if signals := [one for one in reasons if one.kind in _BY_SIGNAL]:
        said.add(f"signal:{max(signals, key=lambda one: (abs(one.signed or 0.0), one.source)).source}")
    return frozenset(said)


def reasons_key(reasons: Iterable[CaseReason]) -> str:
    """A digest of their parts."""
    return blake2b("\0".join(sorted(parts(reasons))).encode(), digest_size=16).hexdigest()


def _warned(warnings: Sequence[CaseReason]) -> CaseReason:
    count = sum(int(one.number or 1) for one in warnings)
    if count == 1:
        return warnings[0]
    return replace(warnings[-1], value=f"{count} purchases", words="reported as fraud by the card issuer", number=float(count))


def merged(known: Sequence[CaseReason], new: Iterable[CaseReason]) -> tuple[tuple[CaseReason, ...], int]:
    """Reasons of a case after more have come, what is farthest out first, and how many are left out; the newer value of one counts.

    Warnings are one reason, which says how many there are; each of them comes once.
    """
    every = [*known, *new]
    found: dict[tuple[str, str], CaseReason] = {(one.kind, one.source): one for one in every if one.kind != "early_fraud_warning"}
    if warnings := [one for one in every if one.kind == "early_fraud_warning"]:
        found["early_fraud_warning", ""] = _warned(warnings)
    order = sorted(found.values(), key=lambda one: (_FIRST.index(one.kind) if one.kind in _FIRST else len(_FIRST), -abs(one.signed or 0.0)))
    return tuple(order[:MOST_REASONS]), max(0, len(order) - MOST_REASONS)
