"""What an account's own log says of a purchase beyond counts: what is usual for it, and how its attempts went, one after another."""

from collections.abc import Sequence
from math import fsum, nan, sqrt
from typing import Final

import numpy as np

from ratelimit.core.purchase_signals import LEAST_AMOUNTS, SPANS
from ratelimit.core.velocity import AMOUNT, ATTEMPTS, ENTRY, FAILED, NO_CARD, SUCCEEDED, Floats, Log, seen_flags

_MEANS: Final = tuple((f"amount_mean_{span}", SPANS.index(span)) for span in SPANS[1:])


def account_past(log: Log, counts: Floats, card: int, now: float) -> dict[str, float]:
    """How its attempts went; `counts` are those of this log, with amounts in major units."""
    entries = np.frombuffer(log.entries, ENTRY)
    in_row, before = _failures(seen_flags(entries, now).tolist())
    return {
        **{name: counts[i, AMOUNT] / counts[i, ATTEMPTS] if counts[i, ATTEMPTS] else nan for name, i in _MEANS},
        "new_card": nan if card == NO_CARD else float(card not in entries["card"].tolist()),
        "since_account_s": max(0.0, now - log.latest) if log.entries else nan,
        "failures_in_row": in_row,
        "failures_then_success": before,
    }


def amounts_past(log: Log, amount: int, unit: float) -> dict[str, float]:
    """An amount, in minor units of which `unit` make a major one, beside those of the account. What is free has no part in it."""
    paid = sorted(one for one in np.frombuffer(log.entries, ENTRY)["amount"].tolist() if one > 0)
    if not amount or len(paid) < LEAST_AMOUNTS:
        return {}
    mean, middle = fsum(paid) / len(paid), len(paid) // 2
    median = paid[middle] if len(paid) % 2 else (paid[middle - 1] + paid[middle]) / 2
    spread = sqrt(fsum((one - mean) ** 2 for one in paid) / len(paid))
    return {
        "amount_ratio": amount / median,
        "amount_over_max": amount / paid[-1],
        "amount_deviation": (amount - mean) / max(spread, unit),
    }


def _failures(flags: Sequence[int]) -> tuple[float, float]:
    """How many attempts failed since the latest success, and how many right before it; those whose end is not known do not count."""
    ended = [flag & (FAILED | SUCCEEDED) for flag in reversed(flags) if flag & (FAILED | SUCCEEDED)]
    since = _leading_failures(ended)
    return float(since), float(_leading_failures(ended[since + 1 :])) if since < len(ended) else 0.0


def _leading_failures(ended: Sequence[int]) -> int:
    return next((i for i, flag in enumerate(ended) if flag == SUCCEEDED), len(ended))
