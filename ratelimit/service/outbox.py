"""What is to be told to the store of live subjects, and when: at once where it is worth a call, else after ten seconds.

Of one subject several merges may be under way; they arrive in their order. Nothing waits here for an answer, and nothing is told twice.
"""

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from ratelimit.core.profile import Merge
from ratelimit.core.protocols import Store
from ratelimit.service.watch import Watch

WORTH_A_CALL: Final = 8.0  # attempts
LONGEST_UNTOLD_S: Final = 10


class Telling:
    """One merge on its way, as the store pulls it. `done` gets the profile after it: empty where there is none, None where nobody knows."""

    __slots__ = ("_done", "_merge", "_watch", "key")

    def __init__(self, watch: Watch, merge: Merge, done: Callable[[Watch, bytes | None], None]) -> None:
        self.key = watch.key
        self._watch, self._merge, self._done = watch, merge, done

    def compose(self, now_us: int) -> Merge:  # noqa: ARG002  (times are the protocol's)
        """The merge."""
        return self._merge

    def answered(self, call: Merge, state: bytes, sent_us: int, now_us: int) -> None:  # noqa: ARG002
        """It was merged."""
        self._done(self._watch, state)

    def overdue(self) -> None:
        """Nobody waits for it."""

    def unanswered(self, call: Merge | None, now_us: int) -> None:  # noqa: ARG002
        """It is not told again: to count twice what was merged would be worse than to forget a second of it."""
        self._done(self._watch, None)


class Outbox:
    """Everything untold of one sidecar. `back` is given each profile that the store answers with."""

    def __init__(self, store: Store, back: Callable[[Watch, bytes], None]) -> None:
        self.full = False  # whether the store has room for no more profiles
        self.told = 0
        self.untold = 0  # merges that were not told, or of which nobody knows what became
        self.under_way = 0
        self.after: Callable[[], None] | None = None  # called when one comes to its end
        self._store, self._back = store, back
        self._due: deque[Watch] = deque()
        self._later: dict[int, list[Watch]] = {}

    def __len__(self) -> int:
        return len(self._due)

    @property
    def due(self) -> float:
        """The tick in which somebody will have waited for long enough; inf: nobody waits."""
        return min(self._later, default=inf)

    def begin(self, watch: Watch, tick: int) -> None:
        """There is something to tell of a subject, in ten seconds at the latest."""
        self._later.setdefault(tick + LONGEST_UNTOLD_S, []).append(watch)

    def queue(self, watch: Watch) -> None:
        """Tell it next."""
        if not watch.queued:
            watch.queued = True
            self._due.append(watch)

    def turn(self, tick: int) -> None:
        """See who has waited for long enough."""
        for due in sorted(due for due in self._later if due <= tick) if self.due <= tick else ():
            for watch in self._later.pop(due):
                if not watch.parts or watch.parts[0][0] + LONGEST_UNTOLD_S <= tick:  # else it was told meanwhile, and waits anew
                    self.queue(watch)

    def all_due(self) -> None:
        """Nobody is to wait any longer: the clock was set, or this is the end."""
        for watches in self._later.values():
            for watch in watches:
                self.queue(watch)
        self._later.clear()

    def flush(self, most: int, model: int) -> int:
        """Tell the store of so many subjects; of how many there was anything to tell. `model` is the one that risks are by."""
        count = 0
        while self._due and count < most:
            watch = self._due.popleft()
            watch.queued = False
            if watch.owes():
                count += 1
                self.send(watch, watch.take(model, only_known=self.full or watch.stranger))
        return count

    def send(self, watch: Watch, merge: Merge) -> None:
        """Tell it now."""
        self.under_way += 1
        if not self._store.want(Telling(watch, merge, self._done)):
            self._done(watch, None)

    def _done(self, watch: Watch, state: bytes | None) -> None:
        self.under_way -= 1
        if state is None:
            self.untold += 1
        else:
            self.told += 1
            if state:
                self._back(watch, state)
        if self.after is not None:
            self.after()
