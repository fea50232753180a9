"""What a replay found, as `ratelimit replay --json` prints it: these names are stable, new ones may join them.

Counts throughout. In a limit, a request that it met is admitted (and charged), refused (it was the limit that the decision names), also
refused (another was named), or spared (it had room, but another limit refused, so nothing was charged). A limit in shadow refuses nobody:
its refused are those that it would have refused.
"""

from msgspec import Struct

from ratelimit.core.signals import Kind
from ratelimit.service.log_reader import BrokenExample


class FileReport(Struct, frozen=True):
    """One log; `ended_early` says why its rest could not be read."""

    name: str
    format: str | None
    lines: int
    read: int
    broken: int
    examples: list[BrokenExample]
    ended_early: str | None


class OrderReport(Struct, frozen=True):
    """How far the log's time is out of order. Late requests were taken at the latest time before them; `unordered`: rates mean little."""

    late: int
    late_over_1s: int
    worst_late_s: float
    unordered: bool


class RequestReport(Struct, frozen=True):
    """All requests: admitted + refused = seen. `unlimited` met no limit that could be applied, and are among the admitted."""

    seen: int
    admitted: int
    refused: int
    unlimited: int
    no_request: int  # connections that never spoke HTTP: no gateway asks about them; not among the seen
    outside: int  # before --from or not before --until; not among the seen
    life_events: int  # of accounts, such as a login; not among the seen


class SubjectReport(Struct, frozen=True):
    """The distinct subjects of one kind, of all limits that enforce; refused: at least once. `approx`: too many to count exactly."""

    per: tuple[str, ...]
    seen: int
    refused: int
    approx: bool


class TopSubject(Struct, frozen=True):
    """A subject that a limit refused, and of how many requests."""

    subject: str
    seen: int
    refused: int


class LimitReport(Struct, frozen=True):
    """One limit: seen = admitted + refused + also_refused + spared. `skipped`: requests without the subject, by what was missing.

    `approx`: it met too many subjects to remember all. Their number is an estimate, to some 1 %, and what is counted of one in `top` can be
    too little; counts of requests are exact all the same.
    """

    name: str
    mode: str
    per: tuple[str, ...]
    seen: int
    admitted: int
    refused: int
    also_refused: int
    spared: int
    skipped: dict[str, int]
    reasons: dict[str, int]  # of refused and also_refused
    subjects_seen: int
    subjects_refused: int
    top: list[TopSubject]
    approx: bool


class TimelineReport(Struct, frozen=True):
    """Requests over time, in spans of `span_s` seconds from `start` on; `refused_against` by the policy of --against."""

    start: str
    span_s: int
    seen: list[int]
    refused: list[int]
    refused_against: list[int] | None


class PolicyReport(Struct, frozen=True):
    """What the policy of --against says, as the outer report does for the first one."""

    policy: str
    policy_digest: str
    mode: str
    admitted: int
    refused: int
    unlimited: int
    reasons: dict[str, int]
    subjects: list[SubjectReport]
    limits: list[LimitReport]
    twins: list[LimitReport]  # see RiskReport


class ChangeReport(Struct, frozen=True):
    """Of requests or callers, how many are refused by none, only by the policy of --against, only by the first, by both.

    A caller is refused by a policy that refuses at least one of its requests.
    """

    both_admitted: int
    newly_refused: int
    newly_admitted: int
    both_refused: int


class ChangedLimit(Struct, frozen=True):
    """A limit that makes a difference: of `newly_refused` requests it is one of --against, of `newly_admitted` ones one of the first."""

    name: str
    newly_refused: int
    newly_admitted: int


class ChangedCaller(Struct, frozen=True):
    """A caller whose requests are decided differently: what each policy refuses, and in how many they differ."""

    caller: str
    seen: int
    refused: int
    refused_against: int
    newly_refused: int
    newly_admitted: int
    looks_honest: bool


class Comparison(Struct, frozen=True):
    """Two policies over the same requests. A caller is known by its key, else its account, else its address as the first policy finds it.

    `honest` says in words which callers look honest. `approx` as in LimitReport, for the numbers of callers.
    """

    against: PolicyReport
    requests: ChangeReport
    callers: ChangeReport
    honest: str
    honest_callers: int
    honest_newly_refused: int
    honest_newly_admitted: int
    limits: list[ChangedLimit]
    top: list[ChangedCaller]
    approx: bool


class ReasonReport(Struct, frozen=True):
    """A signal that was far out; nine in ten peers are from `low` to `high`, and `tail_share` of them are as far out."""

    signal: str
    value: float
    low: float
    high: float
    tail_share: float


class FlaggedSubject(Struct, frozen=True):
    """Whose risk went above the bound: since when, how high, and why at that time.

    `seen` and `admitted` are its requests after that; `throttled` those that its twins refused, or in shadow would have. `agent` is what it
    last called itself.
    """

    subject: str
    kind: Kind
    first: str
    risk: float
    reasons: list[ReasonReport]
    seen: int
    admitted: int
    throttled: int
    agent: str | None


class KindRisk(Struct, frozen=True):
    """Subjects of one kind: those that were scored, and those flagged; of these, `crawlers` are declared crawlers at an address of theirs.

    `ranked_days`: the days of subjects among which risk is a rank, if these are the log's own.
    """

    kind: Kind
    scored: int
    flagged: int
    crawlers: int
    ranked_days: int | None


class RiskReport(Struct, frozen=True):
    """What a model said. `ranks`: what risk is a rank among, `calibrated`, `simulated` or `own_days`; `ranked` says it in words.

    `twins` are the buckets that risky subjects had beside the limits, as LimitReport: none where the policy has no `risk`.
    """

    model: str
    ranks: str
    ranked: str
    above: float
    kinds: list[KindRisk]
    flagged: list[FlaggedSubject]
    crawlers: list[FlaggedSubject]
    twins: list[LimitReport]


class Report(Struct, frozen=True):
    """The whole finding. Times are RFC 3339 in UTC. `comparison` is that with the policy of --against, `risk` what a model said."""

    version: int
    policy: str
    policy_digest: str
    mode: str
    first: str | None
    last: str | None
    files: list[FileReport]
    order: OrderReport
    requests: RequestReport
    reasons: dict[str, int]
    subjects: list[SubjectReport]
    limits: list[LimitReport]
    timeline: TimelineReport | None
    comparison: Comparison | None
    risk: RiskReport | None
