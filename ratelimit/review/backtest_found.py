"""What a backtest found: of the purchases or requests that a rule would have met, what became of them and whom it would have hit.

Amounts are in minor units by currency; "" is of none. Requests are weighted: a sampled one stands for many.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct, field

Outcome = Literal["disputed", "refunded", "refused", "succeeded", "blocked", "throttled", "allowed"]

OF_PURCHASES: Final[tuple[Outcome, ...]] = ("disputed", "refunded", "refused", "succeeded")
OF_REQUESTS: Final[tuple[Outcome, ...]] = ("blocked", "throttled", "allowed")
FRAUD: Final = frozenset({"fraud", "abuse"})
GOOD: Final = frozenset({"good", "victim"})


class Bucket(Struct):
    """Those of one outcome: how many of `all` a rule met, and what is known of these. `under_live` would be met by the live version."""

    outcome: Outcome
    matches: float = 0
    under_live: float | None = None
    all: float = 0
    fraud: int = 0
    good: int = 0
    amounts: dict[str, int] = field(default_factory=dict)

    @property
    def not_reviewed(self) -> float:
        """Of its matches those of which nobody has said what they are."""
        return max(0.0, self.matches - self.fraud - self.good)


class VersionFound(Struct):
    """What a version of the rule met in the same rows."""

    version: int
    matches: float = 0
    fraud: int = 0
    good: int = 0


class BacktestFound(Struct, kw_only=True):
    """All of it. `days` is how long the span is, of which `looked_at` rows were judged and `unreadable` had other signals.

    `accounts` were met, of them `settled` for six months or more; `good_accounts` are those with a match that is known to be good.
    `shared` matches came from an address that other accounts had used in 30 days, as did `shared_all` of all rows. `missing` names what
    the condition asks for and no row has. `latest` are ids of the newest matches.
    """

    on: Literal["purchase", "request"]
    days: float
    looked_at: float = 0
    unreadable: float = 0
    buckets: list[Bucket]
    accounts: int = 0
    settled: int = 0
    good_accounts: int = 0
    shared: float = 0
    shared_all: float = 0
    missing: tuple[str, ...] = ()
    versions: tuple[VersionFound, ...] = ()
    latest: tuple[str, ...] = ()

    @property
    def matches(self) -> float:
        """How many it would have met."""
        return sum(it.matches for it in self.buckets)

    @property
    def fraud(self) -> int:
        """Of these, confirmed."""
        return sum(it.fraud for it in self.buckets)

    @property
    def good(self) -> int:
        """Of these, known to be good."""
        return sum(it.good for it in self.buckets)

    @property
    def amounts(self) -> dict[str, int]:
        """Of all matches together."""
        return added(it.amounts for it in self.buckets)

    @property
    def good_a_day(self) -> float:
        """Good customers that it would have hit, each once."""
        return self.good_accounts / self.days if self.days else 0.0


def added(amounts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sums by currency."""
    total: dict[str, int] = {}
    for one in amounts:
        for currency, minor in one.items():
            total[currency] = total.get(currency, 0) + minor
    return total
