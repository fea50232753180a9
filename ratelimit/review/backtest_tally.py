"""Adds up what a backtest finds, piece by piece. Pure."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.review.backtest_found import FRAUD, GOOD, BacktestFound, Outcome, VersionFound
from ratelimit.review.trial import Facts, Rows, Trial

LATEST: Final = 20


class Judged(Struct, kw_only=True):
    """Rows of the past, in the order of their times, as lists side by side. `labels` are verdicts, "" where there is none."""

    rows: Rows
    readable: list[bool]
    at: list[float]
    facts: Facts
    outcomes: list[Outcome]
    labels: list[str]
    accounts: list[int]
    amounts: list[tuple[str, int]]
    weights: list[float]
    settled: list[bool]
    shared: list[bool]
    references: list[str]


class Tally:
    """`trials` are those of the versions, the tested one first; `live` is the version that is in force."""

    def __init__(self, found: BacktestFound, trials: Sequence[Trial], live: int | None) -> None:
        self._found, self._trials, self._live = found, trials, live
        self._buckets = {bucket.outcome: bucket for bucket in found.buckets}
        self._accounts: set[int] = set()
        self._settled: set[int] = set()
        self._good: set[int] = set()
        self._latest: deque[str] = deque(maxlen=LATEST)
        self._missing = set(trials[0].facts)  # of all rows so far
        self._versions = {trial.version: VersionFound(trial.version) for trial in trials}

    def take(self, piece: Judged) -> None:
        """Add a piece."""
        self._count_all(piece)
        self._missing -= {name for name in self._missing if any(piece.facts(index, name) is not None for index in range(len(piece.rows)))}
        for place, trial in enumerate(self._trials):
            holding = [index for index in trial.holding(piece.rows, piece.at, piece.facts) if piece.readable[index]]
            self._count_version(trial.version, piece, holding)
            if trial.version == self._live:
                for index in holding:
                    bucket = self._buckets[piece.outcomes[index]]
                    bucket.under_live = (bucket.under_live or 0) + piece.weights[index]
            if place == 0:
                self._count_matches(piece, holding)

    def end(self) -> BacktestFound:
        """All that was found."""
        found = self._found
        found.accounts, found.settled, found.good_accounts = len(self._accounts), len(self._settled), len(self._good)
        found.missing = tuple(sorted(self._missing)) if found.looked_at else ()
        found.latest = tuple(reversed(self._latest))
        found.versions = tuple(self._versions.values())
        return found

    def _count_all(self, piece: Judged) -> None:
        found = self._found
        for outcome, weight, readable, shared in zip(piece.outcomes, piece.weights, piece.readable, piece.shared, strict=True):
            self._buckets[outcome].all += weight
            found.looked_at += weight
            found.unreadable += 0 if readable else weight
            found.shared_all += weight if shared else 0

    def _count_version(self, version: int, piece: Judged, holding: Sequence[int]) -> None:
        counted = self._versions[version]
        for index in holding:
            counted.matches += piece.weights[index]
            counted.fraud += piece.labels[index] in FRAUD
            counted.good += piece.labels[index] in GOOD

    def _count_matches(self, piece: Judged, holding: Sequence[int]) -> None:
        for index in holding:
            bucket, label, account = self._buckets[piece.outcomes[index]], piece.labels[index], piece.accounts[index]
            bucket.matches += piece.weights[index]
            bucket.fraud += label in FRAUD
            bucket.good += label in GOOD
            currency, minor = piece.amounts[index]
            bucket.amounts[currency] = bucket.amounts.get(currency, 0) + minor
            self._found.shared += piece.weights[index] if piece.shared[index] else 0
            self._accounts.add(account)
            if piece.settled[index]:
                self._settled.add(account)
            if label in GOOD:
                self._good.add(account)
            self._latest.append(piece.references[index])
