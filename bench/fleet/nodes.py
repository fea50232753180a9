"""What a number of store calls means in nodes of a Redis Cluster.

A node's time goes into pipelines (a read, a write, a wake-up), script calls in them, and buckets in those. Three measured speeds say how
much: buckets that come 64 to a call, calls of one bucket that come 64 to a pipeline, and pipelines of one such call. On a cluster every
call has one bucket, since keys lie in different slots, and a sidecar has a lane to every node.
"""

from math import ceil, exp
from typing import Final, NamedTuple

_ROUNDS: Final = 50  # until the number of nodes agrees with the pipelines that it leads to


class Speeds(NamedTuple):
    """Of one core of a node, per second of its CPU; `busy` is the part of a core that may be used, the rest being head-room."""

    buckets: float = 115_000
    calls: float = 64_000
    pipelines: float = 31_000
    busy: float = 0.5

    @property
    def call_s(self) -> float:
        """A call of one bucket within a pipeline."""
        return 1 / self.calls

    @property
    def pipeline_s(self) -> float:
        """What a pipeline takes besides its calls."""
        return 1 / self.pipelines - 1 / self.calls


def pipelines_per_s(buckets_per_s: float, round_trip_s: float) -> float:
    """Of one lane that is asked at random: one pipeline at a time, whatever comes meanwhile goes with the next at once.

    Each is followed by another with probability 1 - e^-x, x being what comes in a round trip; then the lane idles until somebody asks.
    """
    expected = buckets_per_s * round_trip_s
    if expected > 20:  # never idle
        return 1 / round_trip_s
    follow = exp(expected)
    return buckets_per_s * follow / (1 + expected * follow)


def cluster_nodes(buckets_per_s: float, sidecars: int, round_trip_s: float, speeds: Speeds) -> int:
    """Nodes of one busy core each, keys spread evenly over them."""
    nodes = 1
    for _ in range(_ROUNDS):
        lanes = sidecars * nodes
        load = buckets_per_s * speeds.call_s + lanes * pipelines_per_s(buckets_per_s / lanes, round_trip_s) * speeds.pipeline_s
        wanted = max(1, ceil(load / speeds.busy - 1e-9))
        if wanted == nodes:
            break
        nodes = wanted
    return nodes


def full_nodes(buckets_per_s: float, speeds: Speeds) -> int:
    """The least there could be: every call with 64 buckets."""
    return max(1, ceil(buckets_per_s / (speeds.buckets * speeds.busy) - 1e-9))
