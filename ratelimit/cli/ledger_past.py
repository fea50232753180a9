"""The ledger as a past to learn from: its purchases instead of a log's, and its labels.

A label says since when it is known, not since when what it says was so. Of an account or a card that is bad, what it bought in the 90 days
before counts as well, and of a caller what it asked in the week before: longer ago it may have been somebody else's hand. What was done
after it was known counts too, of purchases; of requests not, since by then there is usually a word that changes them.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import floor, inf
from pathlib import Path
from typing import Final

import numpy as np

from ratelimit.anomaly.label import Label, Naming
from ratelimit.anomaly.signal_table import PURCHASE
from ratelimit.anomaly.spool import Spool
from ratelimit.cli.ledger_place import open_ledger
from ratelimit.cli.past import Asked, Known, Past
from ratelimit.core.errors import ConfigError
from ratelimit.core.purchase_signals import NAMES, VERSION
from ratelimit.core.signals import KINDS
from ratelimit.ledger import training
from ratelimit.ledger.training import Example, Lesson
from ratelimit.loop import run

CONFIRMED: Final = "confirmed"  # what kind of wrong a label of the ledger names
_PURCHASES_S: Final = 90 * 86_400.0
_REQUESTS_S: Final = 7 * 86_400.0

Lessons = Mapping[tuple[str, str | int], list[Lesson]]


@contextmanager
def purchases_of_ledger(asked: Asked) -> Iterator[Past]:
    """The ledger's purchases with the signals that they were judged by, as long as the context lasts; raises ConfigError where none is."""
    with tempfile.TemporaryDirectory(prefix="rl-past-") as folder, Spool(Path(folder), [PURCHASE]) as spool:
        labels = run(_read(asked.ledger or None, spool))
        trail = spool.trail(PURCHASE)
        if not len(trail):
            raise ConfigError([f"the ledger has no purchase with signals of version {VERSION}; expected some, or a LOG"])
        yield Past({PURCHASE: trail}, labels)


def callers_of_ledger(url: str | None, naming: Naming) -> Known:
    """What the ledger knows of callers, as they are called in a trail of requests."""
    lessons, spared = run(_lessons(url))
    found = [_of_caller(lesson, naming) for lesson in lessons]
    left_out = {(kind, naming(kind, value)) for kind in KINDS for of, value in spared if of == kind}
    return Known([label for label in found if label is not None], frozenset(left_out))


async def _read(url: str | None, spool: Spool) -> list[Label]:
    labels: list[Label] = []
    async with open_ledger(url) as ledger, ledger.read() as connection:
        lessons = _by_target(await training.lessons(connection))
        async for some in training.examples(connection, VERSION):
            usable = [one for one in some if len(one.signals) == len(NAMES) * 8]
            accounts, ticks = [str(one.account) for one in usable], [floor(one.at) for one in usable]
            rows = np.array([np.frombuffer(one.signals, "<f8") for one in usable]).reshape(-1, len(NAMES))
            spool.add(PURCHASE, accounts, [one.kind for one in usable], ticks, rows)
            labels += (label for one in usable for label in _of_example(one, lessons))
    return labels


async def _lessons(url: str | None) -> tuple[list[Lesson], list[tuple[str, str]]]:
    async with open_ledger(url) as ledger, ledger.read() as connection:
        return await training.lessons(connection), await training.spared(connection)


def _by_target(lessons: Iterable[Lesson]) -> Lessons:
    found: dict[tuple[str, str | int], list[Lesson]] = defaultdict(list)
    for one in lessons:
        if one.target_kind == "purchase" and one.purchase is not None:
            found["purchase", one.purchase].append(one)
        elif one.target is not None:
            found[one.target_kind, one.target].append(one)
    return found


def _of_example(example: Example, lessons: Lessons) -> Iterator[Label]:
    tick = floor(example.at)
    of_purchase = [one for one in lessons.get(("purchase", example.id), ()) if one.attempt in {0, example.attempt}]
    others = [*lessons.get(("account", example.account), ()), *(lessons.get(("card", example.card), ()) if example.card else ())]
    for one in (*of_purchase, *(one for one in others if _covers(one, example.at))):
        yield Label(PURCHASE, str(example.account), one.bad, CONFIRMED, False, tick, tick + 1, one.known_at)


def _covers(lesson: Lesson, at: float) -> bool:
    """Whether what is said of an account or a card says something of what was bought then."""
    return lesson.known_at - _PURCHASES_S <= at if lesson.bad else at < lesson.known_at


def _of_caller(lesson: Lesson, naming: Naming) -> Label | None:
    kind = next((kind for kind in KINDS if kind == lesson.target_kind), None)
    subject = naming(kind, lesson.value) if kind is not None and lesson.value is not None else None
    if kind is None or subject is None:
        return None
    start = lesson.known_at - _REQUESTS_S if lesson.bad else -inf
    return Label(kind, subject, lesson.bad, CONFIRMED, False, start, lesson.known_at, lesson.known_at)
