"""What a replay found, as `ratelimit replay --json` prints it: these names are stable, new ones may join them.

Counts throughout. In a limit, a request that it met is admitted (and charged), refused (it was the limit that the decision names), also
refused (another was named), or spared (it had room, but another limit refused, so nothing was charged). A limit in shadow refuses nobody:
its refused are those that it would have refused.
"""

from msgspec import Struct

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
    """The distinct subjects of one kind, of all limits that enforce; refused: at least once."""

    per: tuple[str, ...]
    seen: int
    refused: int


class TopSubject(Struct, frozen=True):
    """A subject that a limit refused, and of how many requests."""

    subject: str
    seen: int
    refused: int


class LimitReport(Struct, frozen=True):
    """One limit: seen = admitted + refused + also_refused + spared. `skipped`: requests without the subject, by what was missing."""

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


class Report(Struct, frozen=True):
    """The whole finding. Times are RFC 3339 in UTC."""

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
