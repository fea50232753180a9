"""The live subjects of one kind: who has asked ten times is watched, the others are only counted. Both memories are bounded.

Whoever invents keys or comes from a new address each time stays a number here, and nothing of it reaches the store.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ratelimit.core.signals import Kind
from ratelimit.service.watch import Watch

FIRST_REQUESTS: Final = 10  # a subject is watched from this one on
ASK_AT: Final = 3  # the request at which the store is asked whether it knows a subject that we do not

Value = str | bytes


class Watches:
    """All of one kind. `most` bounds those that are watched, and those that are only counted."""

    def __init__(self, kind: Kind, name: Callable[[Value], str], most: int) -> None:
        self.kind: Final[Kind] = kind
        self._name, self._most = name, most
        self._live: OrderedDict[Value, Watch] = OrderedDict()
        self._first: dict[Value, int] = {}
        self.get: Final[Callable[[Value], Watch | None]] = self._live.get  # who is watched already

    def __len__(self) -> int:
        return len(self._live)

    def met(self, value: Value, times: int) -> Watch | None:
        """A subject asked so many times; None while it is only counted."""
        watch = self._live.get(value)
        if watch is not None:
            self._live.move_to_end(value)
            return watch
        before = self._first.get(value, 0)
        if before + times >= FIRST_REQUESTS:
            self._first.pop(value, None)
            return self.add(value)
        if before == 0 and len(self._first) >= self._most:
            self._first.clear()  # those that come again are counted again
        self._first[value] = before + times
        return None

    def asks(self, value: Value, times: int) -> bool:
        """Whether the store is now to be asked for a subject that was met `times` times just now."""
        count = self._first.get(value, 0)
        return count - times < ASK_AT <= count

    def counts(self, value: Value) -> bool:
        """Whether a subject is counted that is not watched yet."""
        return value in self._first

    def unwatched(self, value: Value) -> Watch:
        """Someone to ask the store about, who is not watched for that."""
        return Watch(self.kind, value, self._name(value))

    def add(self, value: Value) -> Watch:
        """Watch a subject from now on; the one not met for longest is let go."""
        while len(self._live) >= self._most:
            self._live.popitem(last=False)
        watch = self._live[value] = self.unwatched(value)
        self._first.pop(value, None)
        return watch
