"""Logs through limits and signals, once, into trails on disk: what train, calibrate and evaluate work on."""

import asyncio
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from ratelimit.anomaly.build import Trails
from ratelimit.anomaly.label import Label, read_labels
from ratelimit.anomaly.spool import Spool, Subject
from ratelimit.cli.log_file import STDIN, LogFile
from ratelimit.cli.merged_log import byte_bar, merged, policy_of, refuse_unreadable
from ratelimit.core.errors import ConfigError, DependencyError
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.core.signals import KINDS, Kind, Rows
from ratelimit.history import open_history
from ratelimit.service.address_book import Sources
from ratelimit.service.log_reader import LogReader
from ratelimit.service.replay import Replay
from ratelimit.service.replay_trial import Trial
from ratelimit.service.watch import Watch

# It names subjects in a store and a folder that are gone when we are done; the same one each time, so that a log gives the same model.
_SECRET: Final = b"ratelimit: a past that is no secret"[:32]


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
    if asked.logs.count(STDIN) > 1:
        raise ConfigError(["standard input can be read only once; expected - at most one time"])
    policy, keys = policy_of(asked.policy), ApiKeys(_SECRET)
    labels = read_labels(asked.labels, partial(_subject, Trial(policy, keys))) if asked.labels else []
    with tempfile.TemporaryDirectory(prefix="rl-past-") as folder, Spool(Path(folder)) as spool:
        with ExitStack() as stack:
            files = [stack.enter_context(closing(LogFile(name))) for name in asked.logs]
            readers = [LogReader(file.name, None, {}) for file in files]
            tick = byte_bar(stack, asked.verb, files) if sys.stderr.isatty() and not asked.quiet else None
            entries = merged(files, readers, tick, in_order=False)
            asyncio.run(_live_through(entries, policy, keys, asked.sources, spool))
            for file, reader in zip(files, readers, strict=True):
                reader.ended_early = file.problem
        refuse_unreadable(readers)
        yield Past({kind: spool.trail(kind) for kind in KINDS}, labels)


async def _live_through(entries: Iterable[Entry], policy: Policy, keys: ApiKeys, sources: Sources, spool: Spool) -> None:
    def see(kind: Kind, watches: list[Watch], ticks: list[int], rows: Rows) -> None:
        spool.add(kind, [watch.value for watch in watches], [watch.plan for watch in watches], ticks, rows)

    async with open_history(_SECRET, sources=sources) as history:
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
