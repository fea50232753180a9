"""Logs through limits and signals, once, into trails on disk: what train, calibrate and evaluate work on."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from ratelimit.anomaly.build import Trails
from ratelimit.anomaly.label import Label, read_labels
from ratelimit.anomaly.spool import Spool, Subject
from ratelimit.cli.merged_log import Reading, policy_of, read_logs
from ratelimit.core.errors import DependencyError
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.core.signals import KINDS, Kind, Rows
from ratelimit.history import SAME_EACH_TIME, open_history
from ratelimit.loop import run
from ratelimit.service.address_book import Sources
from ratelimit.service.replay import Replay
from ratelimit.service.replay_trial import Trial
from ratelimit.service.watch import Watch


class Past(NamedTuple):
    """What logs tell; `labels` are those of the file that was named, and none without one."""

    trails: Trails
    labels: list[Label]


class Asked(NamedTuple):
    """What the three commands are asked for alike."""

    logs: tuple[str, ...]
    labels: Path | None
    policy: Path | None
    sources: Sources
    verb: str
    quiet: bool

    @classmethod
    def of(cls, verb: str, options: Mapping[str, Any]) -> Self:
        """What the options of cli/past_options say."""
        lists, countries = (str(options[name]) if options[name] else None for name in ("ip_lists", "countries"))
        return cls(options["logs"], options["labels"], options["policy"], Sources(lists, countries), verb, options["quiet"])


@contextmanager
def past_of(asked: Asked) -> Iterator[Past]:
    """The past that was asked for, as long as the context lasts. Raises ConfigError for logs and labels that cannot be read."""
    policy, keys = policy_of(asked.policy), ApiKeys(SAME_EACH_TIME)
    labels = read_labels(asked.labels, partial(_subject, Trial(policy, keys))) if asked.labels else []
    with tempfile.TemporaryDirectory(prefix="rl-past-") as folder, Spool(Path(folder)) as spool:
        read_logs(
            Reading(asked.verb, asked.logs, quiet=asked.quiet),
            lambda entries: run(_live_through(entries, policy, keys, asked.sources, spool)),
        )
        yield Past({kind: spool.trail(kind) for kind in KINDS}, labels)


async def _live_through(entries: Iterable[Entry], policy: Policy, keys: ApiKeys, sources: Sources, spool: Spool) -> None:
    def see(kind: Kind, watches: list[Watch], ticks: list[int], rows: Rows) -> None:
        spool.add(kind, [watch.value for watch in watches], [watch.plan for watch in watches], ticks, rows)

    async with open_history(SAME_EACH_TIME, sources=sources) as history:
        history.usage.scoring.observer = see
        await history.run(Replay(policy, keys, observer=history), entries)
        if lost := history.usage.outbox.untold:
            raise DependencyError(
                f"the embedded store lost {lost:,} profiles: it did not answer in time, so the signals are not "
                "those of this log; expected a machine that is less busy"
            )


def _subject(trial: Trial, kind: Kind, value: str) -> Subject | None:
    """What the subject is called that a log writes so; None: it is no address."""
    told = {kind: value}
    caller = trial.caller(Entry(0, "GET", "/", told.get("ip"), told.get("api_key"), told.get("account")))
    return {"ip": caller.ip, "api_key": caller.api_key, "account": caller.account}[kind]
