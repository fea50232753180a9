"""Runs a replay: logs through one or two policies, and with a model through signals as well."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ratelimit.anomaly.model import Model
from ratelimit.cli.log_file import STDIN
from ratelimit.cli.merged_log import Reading, read_logs
from ratelimit.core.errors import ConfigError
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.history import SAME_EACH_TIME, open_history
from ratelimit.loop import run, spare_collector
from ratelimit.replay_model import OwnDays, RankedModel, bound_of, ranked
from ratelimit.service.address_book import NO_SOURCES, Sources
from ratelimit.service.replay import ALWAYS_US, Replay
from ratelimit.service.replay_flags import Flags, Ranked
from ratelimit.service.replay_report import Report

_TWICE: Final = "the model is not calibrated, so the log is read twice, to rank its days first; expected files instead of -"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is asked for. With `enforce_risk` risky subjects are refused also where a policy has that in shadow."""

    policy: Policy
    against: Policy | None
    reading: Reading
    span_us: tuple[int, int] = ALWAYS_US
    sources: Sources = NO_SOURCES
    enforce_risk: bool = False
    keys: ApiKeys = field(default_factory=lambda: ApiKeys(secrets.token_bytes(32)))

    @property
    def policies(self) -> list[Policy]:
        """The one or the two."""
        return [self.policy] if self.against is None else [self.policy, self.against]

    @property
    def _enforces(self) -> bool:
        """Whether risk decides anything, so that it must be known in time."""
        return self.enforce_risk or any(twin.mode == "enforce" for twin in self.policy.twins)

    def report(self, model: Model | None, top: int) -> Report:
        """Read the logs to their end; each time, for a model without ranks."""
        if model is None:
            spare_collector()
            replay = Replay(self.policy, self.keys, self.span_us, self.against)
            return replay.report(read_logs(self.reading, replay.run), top)
        scorer, among = ranked(model) or self._own(model)
        made: list[Replay] = []
        readers = read_logs(self.reading, lambda entries: made.append(run(self._scored(scorer, among, entries))))
        return made[0].report(readers, top)

    def _own(self, model: Model) -> tuple[RankedModel, Ranked]:
        if STDIN in self.reading.logs:
            raise ConfigError([_TWICE])
        days = OwnDays(model)
        read_logs(self.reading, lambda entries: run(self._seen(days, entries)))
        return days.ranked()

    async def _seen(self, days: OwnDays, entries: Iterable[Entry]) -> None:
        async with open_history(SAME_EACH_TIME, sources=self.sources) as history:
            history.usage.scoring.observer = days.see
            await history.run(Replay(self.policy, self.keys, self.span_us, observer=history), entries)

    async def _scored(self, scorer: Model | RankedModel, among: Ranked, entries: Iterable[Entry]) -> Replay:
        async with open_history(SAME_EACH_TIME, sources=self.sources, exact=self._enforces) as history:
            history.usage.scoring.scorer = scorer
            flags = Flags(history.usage, bound_of(self.policies), among)
            replay = Replay(
                self.policy, self.keys, self.span_us, self.against, history, flags=flags, enforce_risk=self.enforce_risk
            )  # fmt: skip
            await history.run(replay, entries)
            return replay
