"""Logs through limits and signals, once, into trails on disk: what train, calibrate and evaluate work on."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from ratelimit.anomaly.build import Trails
from ratelimit.anomaly.label import Label, Naming, read_labels
from ratelimit.anomaly.spool import Spool, Subject
from ratelimit.cli.merged_log import Reading, policy_of, read_logs
from ratelimit.core.address import caller_prefix, parse_address
from ratelimit.core.errors import ConfigError, DependencyError
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
    ledger: str | None = None  # its URL, "" for the service's own; None: nothing of it

    @classmethod
    def of(cls, verb: str, options: Mapping[str, Any]) -> Self:
        """What the options of cli/past_options say."""
        ledger = options["ledger"]
        if not options["logs"] and ledger is None:
            raise ConfigError(["no LOG is given; expected one, or --from-ledger"])
        if ledger and "://" not in ledger:
            found = (
                f"--from-ledger takes {ledger!r} for a URL; expected sqlite:///PATH or postgresql://HOST/NAME, or LOGs before the option"
            )
            raise ConfigError([found])
        lists, countries = (str(options[name]) if options[name] else None for name in ("ip_lists", "countries"))
        return cls(options["logs"], options["labels"], options["policy"], Sources(lists, countries), verb, options["quiet"], ledger)


class Known(NamedTuple):
    """What is known of callers beside the log: labels, and of whom no model may learn."""

    labels: list[Label]
    spared: frozenset[tuple[Kind, Subject | None]] = frozenset()


def _nothing(_naming: Naming) -> Known:
    return Known([])


@contextmanager
def past_of(asked: Asked, key: bytes = SAME_EACH_TIME, known: Callable[[Naming], Known] = _nothing) -> Iterator[Past]:
    """The past that was asked for, as long as the context lasts. Raises ConfigError for logs and labels that cannot be read.

    `key` turns raw API keys into digests; `known` gives what is known of callers that are called by these.
    """
    policy, keys = policy_of(asked.policy), ApiKeys(key)
    labels = read_labels(asked.labels, partial(_subject, Trial(policy, keys))) if asked.labels else []
    labels_known, spared = known(partial(_known_subject, policy.identity.ipv6_prefix))
    labels += labels_known
    with tempfile.TemporaryDirectory(prefix="rl-past-") as folder, Spool(Path(folder)) as spool:
        read_logs(
            Reading(asked.verb, asked.logs, quiet=asked.quiet),
            lambda entries: run(_live_through(entries, policy, keys, asked.sources, _Seen(spool, spared))),
        )
        yield Past({kind: spool.trail(kind) for kind in KINDS}, labels)


class _Seen:
    """Writes what was scored, but for those of whom no model may learn."""

    def __init__(self, spool: Spool, spared: frozenset[tuple[Kind, Subject | None]]) -> None:
        self._spool, self._spared = spool, spared

    def see(self, kind: Kind, watches: list[Watch], ticks: list[int], rows: Rows) -> None:
        """What is known of some subjects of a kind."""
        places = [place for place, watch in enumerate(watches) if (kind, watch.value) not in self._spared]
        if len(places) < len(watches):
            watches, ticks, rows = [watches[place] for place in places], [ticks[place] for place in places], rows[places]
        self._spool.add(kind, [watch.value for watch in watches], [watch.plan for watch in watches], ticks, rows)


async def _live_through(entries: Iterable[Entry], policy: Policy, keys: ApiKeys, sources: Sources, seen: _Seen) -> None:
    async with open_history(SAME_EACH_TIME, sources=sources) as history:
        history.usage.scoring.observer = seen.see
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


def _known_subject(ipv6_prefix: int, kind: Kind, value: str) -> Subject | None:
    """What a subject is called that the ledger names so; None: it is no address."""
    if kind != "ip":
        return value
    packed = parse_address(value.partition("/")[0])
    return None if packed is None else caller_prefix(packed, ipv6_prefix)
