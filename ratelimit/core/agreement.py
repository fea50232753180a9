"""How well two people agree who judge the same cases without knowing of each other (Cohen 1960)."""

from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import Final

from msgspec import Struct

_Z: Final = 1.959964  # 95 % of a normal distribution


class Agreement(Struct, frozen=True):
    """Of `n` pairs `agreed` are the same. `kappa` is 1 for no disagreement and 0 for what chance alone would give.

    It is None where it means nothing: of no pair, and where all say the same of all. `low` to `high` is its interval of 95 %, wide for few.
    """

    n: int
    agreed: int
    kappa: float | None
    low: float | None
    high: float | None


def agreement(pairs: Iterable[tuple[str, str]]) -> Agreement:
    """Of the first's and the second's word on each case."""
    pairs = list(pairs)
    n, agreed = len(pairs), sum(first == second for first, second in pairs)
    firsts, seconds = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    chance = sum(firsts[word] * seconds[word] for word in firsts) / (n * n) if n else 1.0
    if chance == 1:
        return Agreement(n, agreed, None, None, None)
    share = agreed / n
    kappa = (share - chance) / (1 - chance)
    reach = _Z * sqrt(share * (1 - share) / n) / (1 - chance)
    return Agreement(n, agreed, kappa, max(-1.0, kappa - reach), min(1.0, kappa + reach))
