"""The latest refusals, in memory only: so that a caller's reference id can be looked up while it is fresh. Nothing is written anywhere."""

import time
from collections import deque
from collections.abc import Iterator
from typing import Final

from ratelimit.core.decision import Decision
from ratelimit.core.record import Evidence, Record, record_of
from ratelimit.service.question import Question
from ratelimit.service.watch import Known, Watch

MOST: Final = 10_000  # some 8 MB
_LONGEST_PATH: Final = 512  # characters kept of a path
_LONGEST_METHOD: Final = 32

_Row = tuple[int, str, str, int, str | None, str, Known | None, int, Decision]


class Recent:
    """A ring of what was refused. Adding is one append; records are made when somebody reads."""

    def __init__(self, most: int = MOST) -> None:
        self._rows: deque[_Row] = deque(maxlen=most)

    def add(self, decision: Decision, question: Question, policy: str, known: Known | None, ipv6_prefix: int) -> None:
        """Keep a refusal, and what was known of whom it is about."""
        method, path, cost, caller, *_ = question
        method, path = method[:_LONGEST_METHOD], path[:_LONGEST_PATH]
        self._rows.append((time.time_ns(), method, path, cost, caller.plan, policy, known, ipv6_prefix, decision))

    def records(self) -> Iterator[Record]:
        """Latest first."""
        return map(_record, reversed(self._rows))

    def find(self, reference: str) -> Record | None:
        """The record with that id, if it is still remembered."""
        return next((_record(row) for row in reversed(self._rows) if row[-1].id == reference), None)


def _record(row: _Row) -> Record:
    ns, method, path, cost, plan, policy, known, ipv6_prefix, decision = row
    return record_of(
        decision,
        time=ns / 1e9,
        method=method,
        path=path,
        cost=cost,
        policy=policy,
        plan=plan,
        evidence=_evidence(*known) if known is not None else None,
        ipv6_prefix=ipv6_prefix,
    )


def _evidence(watch: Watch, risk: float | None, model: str | None, signals: bytes) -> Evidence:
    return Evidence(watch.kind, watch.value, risk, model, signals)
