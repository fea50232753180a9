"""What a flag says, as reasons of a case in plain words."""

import re
from math import inf
from typing import Final

from ratelimit.core.case import CaseReason
from ratelimit.core.decision import UnusualSignal
from ratelimit.core.message import Flagged
from ratelimit.core.purchase_signal_words import PURCHASE_WORDS
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signal_words import REQUEST_WORDS, worded

WARNED: Final = 5.0  # of the gauge: nobody who is honest is reported by a bank
_MOST_TEXT: Final = 200
_ARTICLE: Final = re.compile(r"^(an?|the)\s+", re.IGNORECASE | re.ASCII)  # no word to lead with


def reasons_of(flag: Flagged) -> tuple[CaseReason, ...]:
    """Its reasons: what was said in words first, then signals."""
    return (*(_said(flag, text) for text in flag.reasons), *(found for one in flag.signals if (found := _signal(flag, one)) is not None))


def _said(flag: Flagged, text: str) -> CaseReason:
    if flag.kind == "early_fraud_warning":
        return CaseReason(
            kind=flag.kind, source=flag.source, value="Reported as fraud", words="by the card issuer", normal="never", signed=WARNED
        )
    name, _, reason = text.partition(": ") if flag.kind == "rule" else (flag.source, "", text)
    first, _, rest = _ARTICLE.sub("", (reason or text)[:_MOST_TEXT].strip()).partition(" ")
    return CaseReason(kind=flag.kind, source=name, value=first[:1].upper() + first[1:], words=rest)


def _signal(flag: Flagged, signal: UnusualSignal) -> CaseReason | None:
    words = (PURCHASE_WORDS if flag.about == "purchase" else REQUEST_WORDS).get(signal.signal)
    if words is None:  # of a newer version than ours
        return None
    low, high = -inf if signal.low is None else signal.low, inf if signal.high is None else signal.high
    reason = SignalReason(signal.signal, signal.value, low, high, signal.tail_share)
    # those of the audit are the model's too: nothing may tell them apart
    return worded(reason, words, flag.anchor.kind, kind="model", about=flag.about, currency=flag.currency)
