"""The books that promise 1 is judged by. Integers only: debt in units, `per` of them a token, of which a microsecond pays off `num`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bench.traffic.ledger import Admitted, Rate, overdraft
from tests.e2e.diary import Admission, Pages

CLOCKS_US = 3  # how well two clocks of one machine can be compared; a window is longer by so much


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


def books(admissions: Iterable[Admission], rates: Mapping[str, Rate]) -> dict[str, dict[str, Books]]:
    """Every bucket of every limit, of admissions in order."""
    lines: dict[tuple[str, str], list[Admitted]] = defaultdict(list)
    for line in admissions:
        lines[line.limit, line.bucket].append(Admitted(line.at, line.at + CLOCKS_US, line.cost))
    found: dict[str, dict[str, Books]] = {limit: {} for limit in rates}
    for (limit, bucket), entries in lines.items():
        found[limit][bucket] = Books(sum(entry.cost for entry in entries), overdraft(entries, rates[limit]))
    return found


def mints(pages: Pages) -> list[str]:
    """What one sidecar spent or gave back without having been granted it, or settled twice; nothing, if all is well."""
    granted: Counter[tuple[str, str]] = Counter()
    leases: Counter[tuple[str, int]] = Counter()
    for grant in pages.grants:
        granted[grant.bucket, "lease"] += grant.leased
        granted[grant.bucket, "all"] += grant.leased + grant.charged
        leases[grant.bucket, grant.id] += grant.leased
    for line in pages.admissions:
        granted[line.bucket, "all"] -= line.cost
        granted[line.bucket, line.by] -= line.cost if line.by == "lease" else 0
    for call in pages.calls:
        granted[call.bucket, "all"] -= call.back + call.refunded
        granted[call.bucket, "lease"] -= call.back
        leases[call.bucket, call.id] -= call.settled
    return [f"{what}: {left}" for counter in (granted, leases) for what, left in counter.items() if left < 0]
