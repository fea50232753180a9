"""What a simulation found, as data: the table, the JSON and the plots are all made of it."""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from bench.fleet.fairness import Fairness


class Plan(NamedTuple):
    """What all scenarios of a run share. `say` tells a person how far it is."""

    quick: bool
    seed: int
    round_trip_us: int
    say: Callable[[str], None]

    def seconds(self, full: float, quick: float) -> float:
        """How long a case lasts."""
        return quick if self.quick else full


class Finding(Struct, frozen=True, kw_only=True):
    """One case that was run request by request. `ours` and `just` are between sidecars: what was, and what an ideal bucket had done.

    `overdraft` is the most by which any window passed its bound, in tokens: not above 0. `series` are curves over time.
    """

    scenario: str
    case: str
    sidecars: int
    requests: int
    per_decision: float
    shortfall: float
    overdraft: float
    ours: Fairness | None = None
    just: Fairness | None = None
    note: str = ""
    series: dict[str, list[float]] = {}


class Estimate(Struct, frozen=True, kw_only=True):
    """A population of keys, from a sample of them. `error` is the sampling's standard error of `per_decision`.

    Bytes are of the whole store and of one sidecar; `store_bytes_most` would be if no bucket of any key were full.
    """

    routing: str
    requests_per_s: float
    keys: int
    sidecars: int
    simulated: int  # requests
    sampled: int  # keys
    borrowed: float  # part of the buckets asked that is taken over from cooler keys, since a key was too hot to run
    refused: float
    shortfall: float
    overdraft: float
    per_decision: float
    error: float
    buckets_per_s: float
    per_pipeline: float
    store_bytes: float
    store_bytes_most: float
    sidecar_bytes: float
    nodes: int
    full_nodes: int
    series: dict[str, list[float]] = {}


class Report(Struct, frozen=True, kw_only=True):
    """Everything that a run found, and how it was asked for."""

    command: str
    seed: int
    findings: list[Finding]
    estimates: list[Estimate]
