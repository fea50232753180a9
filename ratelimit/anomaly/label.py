"""What is known of subjects after the fact: who did wrong, what, from when until when, and since when that is known.

A label is a line of NDJSON: `{"target": "api_key", "value": ..., "verdict": "abuse", "abuse": "scraper_slow", "evasive": false,
"from": ..., "until": ..., "known_at": ..., "source": ...}`, times in RFC 3339 or in seconds since the epoch. Raw values are looked up once
and not kept.
Who has no label is taken to be honest where something is judged, which makes the judgement harder, never easier.
"""

from collections.abc import Callable, Iterable
from math import inf
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.signal_table import ModelKind
from ratelimit.anomaly.spool import Subject, Trail
from ratelimit.core.errors import ConfigError
from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.log_time import number_us, rfc3339_us
from ratelimit.core.signals import Kind
from ratelimit.core.units import US_PER_S

_MOST_SAID: Final = 5  # broken lines named
HONEST: Final = "honest"

L = TypeVar("L", bound=msgspec.Struct)
Naming = Callable[[Kind, str], Subject | None]  # what a raw value of a log is called in a trail; None: it cannot be one


class _Line(msgspec.Struct, frozen=True):
    """As it is written; what else a line says is the writer's."""

    target: Kind | Literal["purchase", "card"]
    value: str
    verdict: Literal["abuse", "fraud", "good"]
    start: str | float = msgspec.field(name="from")
    known_at: str | float = inf
    until: str | float = inf
    abuse: str = "abuse"
    evasive: bool = False


class Label(NamedTuple):
    """Of one subject, as it is called in a trail; times in seconds since the epoch, `until` the first that is not meant."""

    kind: ModelKind
    subject: Subject
    bad: bool
    abuse: str
    evasive: bool
    start_s: float
    until_s: float
    known_s: float

    @property
    def name(self) -> str:
        """The kind of abuse, and its form."""
        return f"{self.abuse}, evasive" if self.evasive else self.abuse


def read_labels(path: Path, naming: Naming) -> list[Label]:
    """The labels in a file. Raises ConfigError that names the first lines that are none."""
    found = (_label(line, naming) for line in decoded(path, _Line))
    return [label for label in found if label is not None]


def decoded(path: Path, kind: type[L]) -> list[L]:
    """The lines of a file of labels. Raises ConfigError that names the first lines that are none."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); expected labels, a JSON object a line"]) from None
    found, problems = [], []
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(_checked(decoder.decode(line)))
        except (msgspec.MsgspecError, BrokenLineError, UnicodeDecodeError) as error:
            problems.append(f"{path}:{number}: {error}")
    if problems:
        more = [f"{path}: and {len(problems) - _MOST_SAID} more lines"] if len(problems) > _MOST_SAID else []
        raise ConfigError(problems[:_MOST_SAID] + more)
    return found


def _checked(line: L) -> L:
    """A line whose times can be read."""
    for name in ("start", "until", "known_at"):
        _seconds(getattr(line, name))
    return line


def _label(line: _Line, naming: Naming) -> Label | None:
    if line.target == "purchase" or line.target == "card":  # noqa: PLR1714  (a set does not narrow the type)
        return None
    subject = naming(line.target, line.value)
    if subject is None:
        return None
    start, until, known = (_seconds(text) for text in (line.start, line.until, line.known_at))
    return Label(line.target, subject, line.verdict != "good", line.abuse, line.evasive, start, until, known)


def _seconds(instant: str | float) -> float:
    if isinstance(instant, str):
        return rfc3339_us(instant) / US_PER_S
    return instant if abs(instant) == inf else number_us(instant) / US_PER_S


class Marks(NamedTuple):
    """Labels laid over the rows of a trail: `labels[mark[i]]` is what is known of row i, -1 where that is nothing; `own` are its labels."""

    own: tuple[Label, ...]
    mark: NDArray[np.int32]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Which rows are of somebody who was doing wrong."""
        of_label = np.array([*(label.bad for label in self.own), False])
        return np.asarray(of_label[self.mark])

    def unblemished(self, trail: Trail) -> NDArray[np.bool_]:
        """Which rows are of subjects that nothing bad is known of, at any time: what is remembered of a bad time fades slowly."""
        ever_bad = np.zeros(len(trail.subjects), bool)
        ever_bad[trail.subject[self.bad]] = True
        return ~ever_bad[trail.subject]


def marks_of(trail: Trail, kind: ModelKind, labels: Iterable[Label], known_by_s: float = inf) -> Marks:
    """What was known of a trail's rows at that time. A good word, by a person, outlasts a bad one."""
    numbers = {subject: number for number, subject in enumerate(trail.subjects)}
    own = tuple(label for label in labels if label.kind == kind and label.known_s <= known_by_s and label.subject in numbers)
    mark = np.full(len(trail), -1, np.int32)
    order = np.argsort(trail.subject, kind="stable")
    starts = np.searchsorted(trail.subject[order], np.arange(len(trail.subjects) + 1))
    for number, label in sorted(enumerate(own), key=lambda item: not item[1].bad):
        who = numbers[label.subject]
        rows = order[starts[who] : starts[who + 1]]
        ticks = trail.tick[rows]
        mark[rows[(ticks >= np.floor(label.start_s)) & (ticks < label.until_s)]] = number
    return Marks(own, mark)
