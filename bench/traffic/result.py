"""What a load test measured: of each kind of caller and page, of every bucket, and each objective against it."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.traffic.admissions import Bucket
from bench.traffic.logbook import Entry
from bench.traffic.objective import HONEST, Objective


class Row(NamedTuple):
    """The requests of some callers. Times in ms; a share is None where nothing is to be shared, a time where nothing was answered."""

    requests: int
    requests_per_s: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    error_share: float | None
    refused_share: float | None
    unavailable_share: float | None


class LimitRow(NamedTuple):
    """The buckets of one limit."""

    limit: str
    buckets: int
    admitted: int
    limit_used: float
    over_admission: float


class Verdict(NamedTuple):
    """One objective, and what was measured."""

    objective: Objective
    measured: float | None
    met: bool


class Result:
    """All of a test; `entries` and `buckets` of the same requests."""

    def __init__(self, entries: Sequence[Entry], buckets: Sequence[Bucket]) -> None:
        self.entries, self.buckets = entries, buckets
        first = min((entry.sent for entry in entries), default=0)
        self.seconds = (max((entry.received for entry in entries), default=0) - first) / 1e6

    def row(self, of: str, page: str | None = None) -> Row:
        """The requests of `all`, the `honest` or one kind of callers; of one page, where it is given."""
        kinds = HONEST if of == "honest" else (of,)
        return self._row([entry for entry in self.entries if (of == "all" or entry.kind in kinds) and page in (None, entry.page)])

    def _row(self, entries: Sequence[Entry]) -> Row:
        answered = [entry for entry in entries if entry.decision is not None]
        times = sorted((entry.received - entry.sent) / 1e3 for entry in answered)
        return Row(
            len(entries),
            len(entries) / self.seconds if self.seconds else None,
            _percentile(times, 0.5),
            _percentile(times, 0.95),
            _percentile(times, 0.99),
            _share(sum(entry.flaw is not None for entry in entries), len(entries)),
            _share(sum(entry.decision != "allow" for entry in answered), len(answered)),
            _share(sum(entry.reason == "store_unavailable" for entry in answered), len(answered)),
        )

    def rows(self) -> dict[tuple[str, str], Row]:
        """By kind and page, as they came first; then of each kind together, of the honest, of all."""
        pages = dict.fromkeys((entry.kind, entry.page) for entry in sorted(self.entries, key=lambda entry: (entry.kind, entry.page)))
        return {(kind, page): self.row(kind, page) for kind, page in pages} | {(of, ""): self.row(of) for of in ("honest", "all")}

    def limits(self) -> list[LimitRow]:
        """Every limit that admitted something."""
        found: dict[str, list[Bucket]] = defaultdict(list)
        for bucket in self.buckets:
            found[bucket.limit].append(bucket)
        return [
            LimitRow(name, len(of), sum(bucket.admitted for bucket in of), _used(of) or 0.0, _over(of) or 0.0) for name, of in found.items()
        ]

    def flaws(self) -> list[tuple[str, int]]:
        """What was wrong with answers, and how often; the commonest ten."""
        return Counter(entry.flaw for entry in self.entries if entry.flaw is not None).most_common(10)

    def measured(self, objective: Objective) -> float | None:
        """What an objective asks for; None if there is nothing to measure it by."""
        match objective.measure:
            case "over_admission":
                return _over(self.buckets)
            case "limit_used":
                return _used(self.buckets)
        measured: float | None = getattr(self.row(objective.of), objective.measure)
        return measured

    def verdicts(self, objectives: Iterable[Objective]) -> list[Verdict]:
        """Each objective, judged."""
        measured = [(objective, self.measured(objective)) for objective in objectives]
        return [Verdict(objective, value, objective.met(value)) for objective, value in measured]


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The least of the values that so many are not above: nearest rank, nothing interpolated."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _over(buckets: Iterable[Bucket]) -> float | None:
    """Tokens too many in the worst window of the worst bucket; room to spare is 0."""
    return max((max(0.0, bucket.over) for bucket in buckets), default=None)


def _used(buckets: Iterable[Bucket]) -> float | None:
    return max((bucket.admitted / bucket.might for bucket in buckets), default=None)
