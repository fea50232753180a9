"""Which callers come: the numbers of callers in the order in which they ask, drawn beforehand so that who asks stays cheap.

*hot*: the same few again and again. *zipf*: many, of whom a few ask for most; the k-th asks in proportion to 1 / k^exponent. *once*: each
asks a single time, which needs no order.
"""

from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final, Literal

Callers = Literal["hot", "zipf", "once"]

HOT: Final = 64
ZIPF: Final = 100_000
EXPONENT: Final = 1.0
DRAWS: Final = 131_072  # of some 29,000 callers; each load begins elsewhere in them
_SEED: Final = 7


def order(callers: Callers) -> list[int] | None:
    """Caller numbers, from 1, in the order in which they come; None where each comes once."""
    if callers == "once":
        return None
    return list(range(1, HOT + 1)) if callers == "hot" else zipf(ZIPF, EXPONENT, DRAWS)


def zipf(callers: int, exponent: float, draws: int) -> list[int]:
    """That many draws, the same each time, of the numbers 1 to `callers`: 1 is the most frequent."""
    weights = list(accumulate(1 / rank**exponent for rank in range(1, callers + 1)))
    return Random(_SEED).choices(range(1, callers + 1), cum_weights=weights, k=draws)


def order_file(folder: Path, callers: Callers) -> Path | None:
    """The order as a file in `folder`, a number a line, made once; None where each comes once."""
    path = folder / f"{callers}.callers"
    if not path.exists():
        numbers = order(callers)
        if numbers is None:
            return None
        path.write_text("".join(f"{number}\n" for number in numbers))
    return path
