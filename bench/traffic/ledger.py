"""Whether a bucket admitted more than capacity + refill * w in any window, told by the instants between which each admission happened.

Integers only: instants in microseconds of one clock, debt in units, `per` of them a token, of which a microsecond pays off `num`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple


class Rate(NamedTuple):
    """What a limit's buckets may admit."""

    capacity: int
    num: int
    per: int

    def over(self, length_us: int) -> float:
        """Tokens that a bucket may admit in a window."""
        return self.capacity + self.num * length_us / self.per


class Admitted(NamedTuple):
    """One admission: it happened at an instant that is not known, neither before `sent` nor after `received`. `cost` in tokens."""

    sent: int
    received: int
    cost: int


def overdraft(admissions: Iterable[Admitted], rate: Rate) -> float:
    """By how many tokens the worst of all windows exceeds what it may hold; below 0 is room to spare.

    A window holds what was sent and received within it, for only that is sure to have happened there: nobody is accused for an answer
    that was on its way. So a window worth looking at begins where something was sent and ends where something was received. One pass over
    the ends keeps, for each begin, its tokens so far in units plus num * begin, of which num * end is to be taken off. Begins that are not
    after any request still under way gain the same from now on, so of them the best alone is kept: few are left.
    """
    lines = sorted(admissions, key=attrgetter("received"))
    under_way = list(accumulate((line.sent for line in reversed(lines)), min))  # from here to the end: the first that was sent
    coming = sorted({line.sent for line in lines}, reverse=True)
    begins: list[int] = []
    units: list[int] = []
    worst = -rate.capacity * rate.per
    for line in lines:
        while coming and coming[-1] <= line.received:
            begins.append(coming.pop())
            units.append(rate.num * begins[-1])
        settled = bisect_right(begins, under_way.pop())
        best = max(range(settled), key=units.__getitem__)
        begins[:settled], units[:settled] = [begins[best]], [units[best]]
        for place in range(bisect_right(begins, line.sent)):
            units[place] += line.cost * rate.per
        worst = max(worst, max(units) - rate.num * line.received - rate.capacity * rate.per)
    return worst / rate.per
