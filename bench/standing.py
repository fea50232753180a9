"""How one server stood under one load: the figures of its rounds, side by side, and what is to be known of them.

Rates are requests per second, times and CPU times are us.
"""

from statistics import median

from msgspec import Struct

from bench.row import ratios

CLIENT_BOUND: float = 0.95  # of its core: from here on it is wrk that was measured, and the server would have carried more


class Standing(Struct, frozen=True, kw_only=True):
    """One value per round in each tuple; none at all means that it could not be measured, and `note` says why.

    `cpu_us` is the server's, workers included, and `store_cpu_us` its store's, both per request. `store_reads` is how often the store was
    sent something, per request. `client_busy` is how much of its core wrk used, `others_busy` how much of the serving core was used by
    neither server nor store: by whatever else runs on the machine, and by the kernel on nobody's account; none without pinned cores.
    `refused` is the part that was refused, where that was counted.
    """

    load: str
    connections: int
    server: str
    rates: tuple[float, ...] = ()
    p50_us: tuple[float, ...] = ()
    p99_us: tuple[float, ...] = ()
    cpu_us: tuple[float, ...] = ()
    store_cpu_us: tuple[float, ...] = ()
    store_reads: tuple[float, ...] = ()
    client_busy: tuple[float, ...] = ()
    others_busy: tuple[float, ...] = ()
    refused: float | None = None
    note: str = ""

    @property
    def measured(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.rates)

    @property
    def all_cpu_us(self) -> tuple[float, ...]:
        """Of the server and its store, which share the core."""
        return tuple(map(sum, zip(self.cpu_us, self.store_cpu_us, strict=True)))

    @property
    def client_bound(self) -> bool:
        """Whether wrk's core was the bottleneck."""
        return self.measured and median(self.client_busy) > CLIENT_BOUND


def times(ours: Standing, theirs: Standing) -> tuple[float, ...]:
    """Our rate over theirs, round by round."""
    return ratios(ours.rates, theirs.rates)
