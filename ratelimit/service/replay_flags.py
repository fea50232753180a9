"""Whose risk goes above the bound while a log is replayed: since when, why, and what became of their requests from then on."""

from heapq import nsmallest
from typing import Final, NamedTuple

from ratelimit.core.address import format_address
from ratelimit.core.identity import Caller
from ratelimit.core.log_time import rfc3339
from ratelimit.core.risk import Risk
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import COLUMN, KINDS, Kind, Rows
from ratelimit.core.subject import Single
from ratelimit.service.replay_report import FlaggedSubject, KindRisk, ReasonReport, RiskReport
from ratelimit.service.replay_trial import Trial
from ratelimit.service.usage import Usage
from ratelimit.service.watch import Watch

_CRAWLER: Final = COLUMN["crawler_share"]
_MOSTLY: Final = 0.5  # of what a subject asked for


class Ranked(NamedTuple):
    """What risk is a rank among: in a word for programs, in words for people, and how many days these are, if they are the log's own."""

    ranks: str
    words: str
    days: dict[Kind, int]


class Flag:
    """One flagged subject. `crawler`: it says that it is a crawler, and its address is one of that crawler's."""

    __slots__ = ("admitted", "agent", "crawler", "first", "reasons", "risk", "seen")

    def __init__(self, first: int, reasons: tuple[SignalReason, ...], *, crawler: bool) -> None:
        self.first, self.reasons, self.crawler = first, reasons, crawler
        self.risk = 0.0
        self.seen = self.admitted = 0
        self.agent: str | None = None


class Flags:
    """Those of one replay; takes its place as the observer of what is scored."""

    def __init__(self, usage: Usage, above: float, ranked: Ranked) -> None:
        self._usage, self._above, self._ranked = usage, above, ranked
        self._scored: dict[Kind, set[Single]] = {kind: set() for kind in KINDS}
        self._flags: dict[Kind, dict[Single, Flag]] = {kind: {} for kind in KINDS}
        self._keys, self._accounts, self._addresses = (self._flags[kind] for kind in ("api_key", "account", "ip"))
        usage.scoring.observer = self.scored

    def risk_of(self, caller: Caller) -> Risk | None:
        """The risk of a caller's next request, as far as it is known and anybody's is above the bound."""
        return self._usage.risk_of(caller) if self._keys or self._accounts or self._addresses else None

    def scored(self, kind: Kind, watches: list[Watch], ticks: list[int], rows: Rows) -> None:
        """A batch was scored."""
        self._scored[kind].update([watch.value for watch in watches])
        for watch, tick, row in zip(watches, ticks, rows, strict=True):
            if watch.risk is not None and watch.risk > self._above:
                flag = self._flags[kind].get(watch.value)
                if flag is None:
                    crawls = bool(row[_CRAWLER] > _MOSTLY) and self._is_crawlers(watch.value)
                    flag = Flag(tick, self._usage.scoring.reasons(kind, watch.signals), crawler=crawls)
                    self._flags[kind][watch.value] = flag
                flag.risk = max(flag.risk, watch.risk)

    def note(self, caller: Caller, agent: str | None, *, admitted: bool) -> None:
        """A request was decided."""
        for flag in (self._keys.get(caller.api_key or ""), self._accounts.get(caller.account or ""), self._addresses.get(caller.ip or b"")):
            if flag is not None:
                flag.seen += 1
                flag.admitted += admitted
                flag.agent = agent

    def report(self, trial: Trial, top: int) -> RiskReport:
        """What was found; of those flagged the `top` are named who were admitted most since, of crawlers likewise."""
        scorer = self._usage.scoring.scorer
        return RiskReport(
            model=scorer.version if scorer is not None else "",
            ranks=self._ranked.ranks,
            ranked=self._ranked.words,
            above=self._above,
            kinds=[self._kind(kind) for kind in KINDS],
            flagged=self._top(trial, top, crawlers=False),
            crawlers=self._top(trial, top, crawlers=True),
            twins=trial.twins(top),
        )

    def _is_crawlers(self, value: Single) -> bool:
        return isinstance(value, bytes) and self._usage.book.facts(value).crawler is not None

    def _kind(self, kind: Kind) -> KindRisk:
        flags = self._flags[kind].values()
        return KindRisk(kind, len(self._scored[kind]), len(flags), sum(flag.crawler for flag in flags), self._ranked.days.get(kind))

    def _top(self, trial: Trial, top: int, *, crawlers: bool) -> list[FlaggedSubject]:
        chosen = ((kind, value, flag) for kind in KINDS for value, flag in self._flags[kind].items() if flag.crawler is crawlers)
        prefix = trial.policy.identity.ipv6_prefix
        return [
            FlaggedSubject(
                subject=_written(kind, value, prefix),
                kind=kind,
                first=rfc3339(flag.first),
                risk=flag.risk,
                reasons=[ReasonReport(*reason) for reason in flag.reasons],
                seen=flag.seen,
                admitted=flag.admitted,
                throttled=trial.throttled(kind, value),
                agent=flag.agent,
            )
            for kind, value, flag in nsmallest(top, chosen, key=lambda one: (-one[2].admitted, one[2].first))
        ]


def _written(kind: Kind, value: Single, ipv6_prefix: int) -> str:
    if isinstance(value, str):
        return f"{kind}:{value}"
    return f"{kind}:{format_address(value, None if len(value) == 4 else ipv6_prefix)}"
