"""What we answer, why, and what beats what.

The precedence table below is the whole of it: of all findings about a request the first row that applies decides. A block of any subject
or entity beats an allow of another; an allow exempts from lists, rules and risk, never from limits. Throttles by override, rule or risk
are extra buckets, so they are checked together with the limits and only their reason differs.

    override block > override allow > list block > list allow > rule block > risk block > limits
                   > override throttle > rule throttle > risk throttle > allow

Worked example: a key on an allow list (row 4) that a rule would block (row 5) and that has used up its bucket (row 7). Row 4 comes first,
and it is an allow, so rows 5, 6 and the throttles are void; limits still stand: the answer is `throttle`, `rate_exceeded`.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType

Verdict = Literal["allow", "throttle", "block"]
Reason = Literal[
    "ok",
    "allow_listed",
    "override_allow",
    "rate_exceeded",
    "quota_exhausted",
    "concurrency_exceeded",
    "override_throttle",
    "rule_throttled",
    "risk_throttled",
    "cost_exceeds_capacity",
    "store_unavailable",
    "deny_listed",
    "override_block",
    "rule_matched",
    "risk_blocked",
]
Source = Literal["override", "list", "rule", "risk", "limit"]


class Row(NamedTuple):
    """One row of the precedence table: what `source` says as `verdict` is answered with `reason`."""

    source: Source
    verdict: Verdict
    reason: Reason


PRECEDENCE: Final[tuple[Row, ...]] = (
    Row("override", "block", "override_block"),
    Row("override", "allow", "override_allow"),
    Row("list", "block", "deny_listed"),
    Row("list", "allow", "allow_listed"),
    Row("rule", "block", "rule_matched"),
    Row("risk", "block", "risk_blocked"),
    Row("limit", "throttle", "rate_exceeded"),
    Row("override", "throttle", "override_throttle"),
    Row("rule", "throttle", "rule_throttled"),
    Row("risk", "throttle", "risk_throttled"),
)
ALLOWED: Final = Row("limit", "allow", "ok")


def decide(findings: Iterable[tuple[Source, Verdict]]) -> Row:
    """The row that decides among `findings`; an allow gives way to a limit that refuses, and to nothing else."""
    found = set(findings)
    applying = [row for row in PRECEDENCE if (row.source, row.verdict) in found]
    if not applying:
        return ALLOWED
    first = applying[0]
    if first.verdict == "allow":
        return next((row for row in applying if row.source == "limit"), first)
    return first


class ShadowFinding(Struct, frozen=True, gc=False):
    """What a shadow limit would have answered; `propensity`, the chance to be let through by lot where the model refuses."""

    limit: str
    reason: Reason
    propensity: float | UnsetType = UNSET


class UnusualSignal(Struct, frozen=True, gc=False):
    """A signal that lies far out; `low` to `high` is where nine in ten peers are, null where that is not known.

    `tail_share` is the share of peers that are as far out, or farther.
    """

    signal: str
    value: float
    low: float | None
    high: float | None
    tail_share: float


class Decision(Struct, frozen=True, gc=False):
    """One answer. `remaining` in tokens of `limit`; times in seconds, null where they mean nothing: a cost that never fits has no retry.

    `propensity` is the chance that a risky subject was not let through by lot, there where it was not.
    `signals`, where they are asked for, are the three that are farthest out; fewer where fewer are known.
    """

    id: str
    decision: Verdict
    reason: Reason
    limit: str | None = None
    subject: str | None = None
    remaining: int | None = None
    retry_after: float | None = None
    reset_after: float | None = None
    risk: float | None = None
    propensity: float | UnsetType = UNSET
    shadow: tuple[ShadowFinding, ...] = ()
    signals: tuple[UnusualSignal, ...] | UnsetType = UNSET
