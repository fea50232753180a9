"""Those of whom something is told and who never asked here: another sidecar decided, and perhaps it watches them.

What is told of them within a second goes to the store in one merge, which counts where there is a profile and makes none. Who did ask here
is left out: they are watched here too, as soon as any sidecar watches them.
"""

from collections.abc import Mapping
from typing import Final

from ratelimit.core.signals import Kind
from ratelimit.service.outbox import Outbox
from ratelimit.service.watch import Part, Watch
from ratelimit.service.watches import Watches

MOST: Final = 256  # subjects in one tick; an upload can name as many as it likes


class Strangers:
    """Of one sidecar. `dropped` counts what was told of more than MOST."""

    def __init__(self, watches: Mapping[Kind, Watches], outbox: Outbox) -> None:
        self.dropped = 0
        self._watches, self._outbox = watches, outbox
        self._met: dict[tuple[Kind, str | bytes], Watch] = {}

    def __len__(self) -> int:
        return len(self._met)

    def part(self, kind: Kind, value: str | bytes, tick: int) -> Part | None:
        """Where to count what is told of one; None where it is dropped."""
        stranger = self._met.get((kind, value))
        if stranger is None:
            if len(self._met) >= MOST:
                self.dropped += 1
                return None
            stranger = self._met[kind, value] = self._watches[kind].unwatched(value)
            stranger.stranger = True
        return stranger.part(tick)

    def turn(self) -> None:
        """The tick is over: all are due to be told."""
        met, self._met = self._met, {}
        for (kind, value), stranger in met.items():
            watches = self._watches[kind]
            if watches.get(value) is None and not watches.counts(value):
                self._outbox.queue(stranger)
