"""The books that promise 1 is judged by. Integers only: debt in units, `per` of them a token, of which a microsecond pays off `num`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.e2e.diary import Admission

CLOCKS_US = 3  # how well two clocks of one machine can be compared; a window is longer by so much


class Rate(NamedTuple):
    """What a limit's buckets may admit."""

    capacity: int
    num: int
    per: int


def central(lines: Iterable[tuple[int, int]], rate: Rate) -> int:
    """Tokens that one bucket which everybody asks at once admits of the requests (instant, cost) in order: no sidecars can do better."""
    debt, last, admitted = 0, 0, 0
    for at, cost in lines:
        debt, last = max(0, debt - rate.num * (at - last)), at
        if debt + cost * rate.per <= rate.capacity * rate.per:
            debt += cost * rate.per
            admitted += cost
    return admitted


class Books(NamedTuple):
    """One bucket: tokens admitted in all, and by how many the worst window exceeded capacity + refill * w."""

    admitted: int
    over: float


def overdraft(lines: Iterable[tuple[int, int]], rate: Rate) -> float:
    """By how many tokens the worst of all windows exceeds what it may hold, of (instant, cost) in order; below 0 is room to spare.

    A window that ends here and holds most is either this admission alone or the worst that ended at the one before: so one pass sees all.
    """
    debt, last, worst = 0, 0, -rate.capacity * rate.per
    for at, cost in lines:
        debt = max(0, debt - rate.num * (at - last)) + cost * rate.per
        last = at
        worst = max(worst, debt - rate.capacity * rate.per - rate.num * CLOCKS_US)
    return worst / rate.per


def books(admissions: Iterable[Admission], rates: Mapping[str, Rate]) -> dict[str, dict[str, Books]]:
    """Every bucket of every limit, of admissions in order."""
    lines: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for line in admissions:
        lines[line.limit, line.bucket].append((line.at, line.cost))
    found: dict[str, dict[str, Books]] = {limit: {} for limit in rates}
    for (limit, bucket), entries in lines.items():
        found[limit][bucket] = Books(sum(cost for _, cost in entries), overdraft(entries, rates[limit]))
    return found
