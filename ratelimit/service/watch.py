"""One live subject's share of the signals: what was seen of it and not told to the store yet, and what the store and the model said last.

Parts are counted in ticks, whole seconds since the epoch; see core/profile.
"""

from math import nan
from struct import Struct
from typing import Final

from ratelimit.core.distinct import NO_BITS, packed
from ratelimit.core.profile import PART_COUNTS, Merge
from ratelimit.core.signals import Kind

MOST_PARTS: Final = 16  # waiting to be told; older ones are let go
_PART: Final = Struct(f"<{1 + PART_COUNTS}d")
_NOTHING: Final = [0.0] * PART_COUNTS

Part = list[float]  # its tick, and the counts of core/profile.COUNTS


class Watch:
    """What is held of one subject. `risk` None: not known; `scored` is the tick that it is of; `signals` are float32."""

    __slots__ = (
        "bits",
        "key",
        "kind",
        "model",
        "parts",
        "plan",
        "queued",
        "risk",
        "scored",
        "seen",
        "signals",
        "stranger",
        "told",
        "value",
    )

    def __init__(self, kind: Kind, value: str | bytes, key: str) -> None:
        self.kind, self.value, self.key = kind, value, key
        self.plan: str | None = None
        self.parts: list[Part] = []
        self.bits: list[int] | None = None
        self.seen = 0.0  # attempts in parts
        self.queued = False
        self.risk: float | None = None
        self.model: str | None = None  # the version of what made the risk; None: another sidecar, or nobody
        self.told: float | None = None  # the risk that the store knows from us
        self.scored = 0
        self.signals = b""
        self.stranger = False  # not watched: what is told of it is merged only where the store has a profile

    def part(self, tick: int) -> Part:
        """The part of that tick, which is the latest."""
        parts = self.parts
        if parts and parts[-1][0] == tick:
            return parts[-1]
        part = [float(tick), *_NOTHING]
        parts.append(part)
        if len(parts) > MOST_PARTS:
            del parts[0]
        return part

    def mark(self, path: int, peer: int, network: int, agent: int, country: int) -> None:
        """Set bits of the distinct counts, in the order of DISTINCT."""
        bits = self.bits
        if bits is None:
            self.bits = [path, peer, network, agent, country]
            return
        bits[0] |= path
        bits[1] |= peer
        bits[2] |= network
        bits[3] |= agent
        bits[4] |= country

    def owes(self) -> bool:
        """Whether there is anything to tell the store."""
        return bool(self.parts) or self.risk != self.told

    def take(self, model: int, *, only_known: bool) -> Merge:
        """All that is to be told; from here on it counts as told."""
        parts = b"".join([_PART.pack(*part) for part in self.parts])
        bits = NO_BITS if self.bits is None else packed(self.bits)
        self.parts, self.bits, self.seen, self.told = [], None, 0.0, self.risk
        return Merge(parts, bits, nan if self.risk is None else self.risk, model, only_known)


Known = tuple[Watch, float | None, str | None, bytes]  # a subject, and its risk, model and signals at one moment
