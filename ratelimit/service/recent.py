"""The latest refusals, in memory only: so that a caller's reference id can be looked up while it is fresh. Nothing is written anywhere."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.core.record import Evidence, Record, record_of
from ratelimit.service.question import Question
from ratelimit.service.watch import Known, Watch

MOST: Final = 10_000  # some 8 MB
LONGEST: Final = 512  # characters kept of a path, an agent and a referrer
_LONGEST_METHOD: Final = 32

# of a decision: when (ns), method, path, cost, caller, agent, referrer, policy's digest, what was known, prefix of IPv6 callers, it itself
Row = tuple[int, str, str, int, Caller, str | None, str | None, str, Known | None, int, Decision]


def row_of(decision: Decision, question: Question, policy: str, known: Known | None, ipv6_prefix: int) -> Row:
    """A row of now; `policy` is the digest of the one in force, `known` what is known of whom it is about."""
    method, path, cost, caller, _, _, agent, referrer = question
    agent, referrer = agent and agent[:LONGEST], referrer and referrer[:LONGEST]
    return time.time_ns(), method[:_LONGEST_METHOD], path[:LONGEST], cost, caller, agent, referrer, policy, known, ipv6_prefix, decision


class Recent:
    """A ring of what was refused. Adding is one append; records are made when somebody reads. `tell` is told of each."""

    def __init__(self, most: int = MOST) -> None:
        self.tell: Callable[[Row], None] | None = None
        self._rows: deque[Row] = deque(maxlen=most)

    def add(self, decision: Decision, question: Question, policy: str, known: Known | None, ipv6_prefix: int) -> None:
        """Keep a refusal, and what was known of whom it is about."""
        row = row_of(decision, question, policy, known, ipv6_prefix)
        self._rows.append(row)
        if self.tell is not None:
            self.tell(row)

    def records(self) -> Iterator[Record]:
        """Latest first."""
        return map(record_of_row, reversed(self._rows))

    def find(self, reference: str) -> Record | None:
        """The record with that id, if it is still remembered."""
        return next((record_of_row(row) for row in reversed(self._rows) if row[-1].id == reference), None)


def record_of_row(row: Row) -> Record:
    """The record of a row."""
    ns, method, path, cost, caller, _, _, policy, known, ipv6_prefix, decision = row
    return record_of(
        decision,
        time=ns / 1e9,
        method=method,
        path=path,
        cost=cost,
        policy=policy,
        plan=caller.plan,
        evidence=evidence_of(*known) if known is not None else None,
        ipv6_prefix=ipv6_prefix,
    )


def evidence_of(watch: Watch, risk: float | None, model: str | None, signals: bytes) -> Evidence:
    """What was known, of whom."""
    return Evidence(watch.kind, watch.value, risk, model, signals)
