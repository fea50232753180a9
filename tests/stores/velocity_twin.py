"""What `velocity.lua` and `tally.lua` do, said once more and slowly, for their tests alone."""

from dataclasses import dataclass, field, replace

import numpy as np

from ratelimit.core.velocity import ENTRY, FRAUD_LIFE_S, HEAD, LABEL, LIFE_S, MOST_LABELS, Attempted

KINDS = 16 | 32  # flags that say what an attempt was, not how it ended


@dataclass(frozen=True)
class Told:
    """An attempt and what is known of its end."""

    attempted: Attempted
    known_at: float
    flags: int


@dataclass
class LogTwin:
    """One entity's log; `entries` are all that ever were, of which the newest `most` are seen."""

    most: int
    first: float | None = None
    last: float = 0.0
    forgotten: float = 0.0
    attempts: int = 0
    confirmed: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0, 2: 0})
    entries: list[Told] = field(default_factory=list)
    labels: list[tuple[bytes, float, int]] = field(default_factory=list)

    def age(self, now: float) -> None:
        """After a time without anything told it is a log that never was."""
        if self.first is not None and now >= self.last + (FRAUD_LIFE_S if self.confirmed[1] else LIFE_S):
            self.__init__(self.most)  # type: ignore[misc]  # a new one

    def attend(self, attempted: Attempted) -> None:
        self.age(attempted.at)
        if any(told.attempted.tag == attempted.tag for told in self.entries):
            return
        self._see(attempted.at)
        self.first = min(self.first or attempted.at, attempted.at)
        self.last = max(self.last, attempted.at)
        self.attempts += 1
        self.entries = [*self.entries, Told(attempted, 0.0, attempted.flags)][-self.most :]

    def end(self, tag: bytes, flags: int, known_at: float) -> None:
        self.age(known_at)
        for i, told in enumerate(self.entries):
            ended = told.flags & KINDS | flags
            if told.attempted.tag == tag and ended != told.flags and known_at >= told.known_at:
                self.entries[i] = replace(told, known_at=known_at, flags=ended)

    def label(self, tag: bytes, verdict: int, at: float, known_at: float) -> None:
        self.age(known_at)
        self._see(at)
        before = [label for label in self.labels if label[0] == tag]
        if any(known_at < known or verdict == was for _, known, was in before) or (not before and known_at <= self.forgotten):
            return
        for label in before:
            self.labels.remove(label)
            self.confirmed[label[2]] -= 1
        self.labels.append((tag, known_at, verdict))
        self.confirmed[verdict] += 1
        self.last = max(self.last, known_at)
        while len(self.labels) > MOST_LABELS:
            self.forgotten = max(self.forgotten, self.labels.pop(0)[1])

    def state(self) -> bytes:
        """As the store has it."""
        if self.first is None:
            return b""
        entries = np.array([(t.attempted.at, t.attempted.tag, t.known_at, *t.attempted[2:5], t.flags) for t in self.entries], ENTRY)
        head = HEAD.pack(
            self.first, self.last, self.forgotten, self.attempts, self.confirmed[1], self.confirmed[2], len(self.entries), len(self.labels)
        )
        return head + entries.tobytes() + np.array(self.labels, LABEL).tobytes()

    def _see(self, at: float) -> None:
        if self.first is None:
            self.first = at


@dataclass
class TallyTwin:
    """One slice; every attempt that ever was, of which the newest 1,024 are known one by one."""

    attempts: list[tuple[bytes, int, bool]] = field(default_factory=list)  # tag, minute, setup
    failed: dict[bytes, bool] = field(default_factory=dict)

    def told(self, tag: bytes, now: float) -> tuple[int, ...]:
        """What is said to the attempt with that tag."""
        if not self.attempts:
            return ()
        minute, hour = int(now // 60), int(now // 3_600)
        others = [one for one in self.attempts if one[0] != tag]
        latest = self._counts([one for one in others if minute - 10 < one[1] <= minute])
        usual = self._counts([one for one in self.attempts if hour - one[1] // 60 in {168, 336, 504, 672}])
        return (self.attempts[0][1] // 60, *latest, *usual)

    def attend(self, tag: bytes, now: float, *, setup: bool) -> None:
        if tag not in self.known:
            self.attempts.append((tag, int(now // 60), setup))

    def end(self, tag: bytes, *, failed: bool) -> None:
        if tag in self.known:
            self.failed[tag] = failed

    @property
    def known(self) -> set[bytes]:
        return {tag for tag, _, _ in self.attempts[-1_024:]}

    def _counts(self, attempts: list[tuple[bytes, int, bool]]) -> tuple[int, ...]:
        found = [0, 0, 0, 0]
        for tag, _, setup in attempts:
            found[2 * setup] += 1
            found[2 * setup + 1] += self.failed.get(tag, False)
        return tuple(found)
