"""Chooses which of the allowed decisions are recorded: each with the same chance, so that what is counted in them stands for all.

To draw a lot for each request would cost more than the rest; so it is drawn how many are left out until the next one.
"""

from collections.abc import Callable
from math import log, log1p
from sys import maxsize

from ratelimit.service.recent import Row


class AllowSample:
    """`share` of them, 0 to 1; `tell` is given those that were chosen and what each stands for. `chance` draws from 0..1, 1 excluded.

    Whoever allows something takes 1 from `left`, and has it told by `take` when that leaves 0.
    """

    __slots__ = ("_chance", "_share", "_tell", "left")

    def __init__(self, share: float, tell: Callable[[Row, float], None], chance: Callable[[], float]) -> None:
        self._share, self._tell, self._chance = share, tell, chance
        self.left = self._draw()

    def take(self, row: Row) -> None:
        """This one is chosen."""
        self.left = self._draw()
        self._tell(row, 1 / self._share)

    def _draw(self) -> int:
        if self._share <= 0:
            return maxsize
        return 1 if self._share >= 1 else 1 + int(log(1 - self._chance()) / log1p(-self._share))
