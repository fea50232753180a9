"""Attacks to put into somebody else's log: what a model is worth is judged on days that it did not make.

An attack is that of a simulation, drawn over the time that the log spans. Where a log knows nothing but addresses, so does the attack.
"""

import heapq
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final, NamedTuple

from numpy.random import default_rng

from ratelimit.anomaly.simulation.cast import ABUSE, NEED_KEYS, Part, abuser, chance
from ratelimit.anomaly.simulation.member import Label, Span, seen, within
from ratelimit.anomaly.simulation.row import DAY_MS, REQUEST, Rows, joined
from ratelimit.anomaly.simulation.site import Day, days
from ratelimit.anomaly.simulation.text import entries
from ratelimit.core.errors import ConfigError
from ratelimit.core.log_entry import Entry

_US_PER_MS: Final = 1_000
_MOST_DRAWN: Final = 64


class Attack(NamedTuple):
    """One attack: its entries by time, and who is to blame for them (texts of a label are in text.label_fields)."""

    entries: Iterator[Entry]
    labels: tuple[Label, ...]


def attack(kind: str, span_us: tuple[int, int], seed: int, *, evasive: bool, keyed: bool) -> Attack:
    """An attack of a kind between two instants; another seed is another attack. Raises ConfigError.

    With `keyed` it comes with keys, and with what was honestly asked for with them; without, it is requests of addresses alone.
    """
    if kind not in ABUSE:
        raise ConfigError([f"{kind!r} is no kind of abuse; expected one of {', '.join(ABUSE)}"])
    if kind in NEED_KEYS and not keyed:
        raise ConfigError([f"{kind} is abuse of keys or accounts, of which this log has none; expected one of {_keyless()}"])
    span = Span(span_us[0] // _US_PER_MS, span_us[1] // _US_PER_MS + 1, keyed)
    midnight_ms = span.first_ms - span.first_ms % DAY_MS
    dates = days(seed, midnight_ms, -((midnight_ms - span.end_ms) // DAY_MS))
    for index in range(_MOST_DRAWN):  # a short one may miss a short log, and is drawn again
        part = abuser(kind, seed, span, index, evasive=evasive)
        rows = joined([_rows(part, seed, day, span) for day in dates])
        if len(rows):
            found = seen(rows)
            return Attack(entries(rows), tuple(label for label in part.member.labels if (label.target, label.subject) in found))
    raise ConfigError([f"a log of {(span.end_ms - span.first_ms) / _US_PER_MS:.0f} s is too short for {kind}; expected some hours"])


def splice(log: Iterable[Entry], attacks: Iterable[Attack]) -> Iterator[Entry]:
    """A log with attacks in it, by time, as far as the log is in order by itself."""
    return heapq.merge(log, *(one.entries for one in attacks), key=itemgetter(0))


def _rows(part: Part, seed: int, day: Day, span: Span) -> Rows:
    rows = within(part.member.uses(day, default_rng(chance(seed, part, day.number))), span.first_ms, span.end_ms)
    if span.keyed:
        return rows
    requests: Rows = rows[rows["kind"] == REQUEST]
    for nobody in ("key", "account", "plan"):
        requests[nobody] = 0
    return requests


def _keyless() -> str:
    return ", ".join(name for name in ABUSE if name not in NEED_KEYS)
