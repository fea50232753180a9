"""Labels of purchases, laid over the purchases that they are about: a label is of a purchase, a card, or an account for a time.

Whatever it is about, here it becomes one of each account's moments at which it bought: so a purchase is marked as a profile of an account
would be, and what judges the one judges the other. A purchase's own outcome is a label too, from when it is known.
"""

from collections import defaultdict
from collections.abc import Iterator
from math import floor, inf
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from ratelimit.anomaly.label import Label, decoded
from ratelimit.anomaly.signal_table import PURCHASE
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_event import Confirmed
from ratelimit.core.purchase_log import Time, instant

DISPUTED: Final = "disputed"  # what an outcome confirms

Target = Literal["purchase", "card", "account"]


class _Line(msgspec.Struct, frozen=True):
    """As it is written; what else a line says is the writer's."""

    target: Literal["purchase", "card", "account", "api_key", "ip"]
    value: str
    verdict: Literal["abuse", "fraud", "good", "first_party_dispute", "victim", "unclear"]
    start: Time = msgspec.field(name="from", default=-inf)
    known_at: Time = inf
    until: Time = inf
    abuse: str = "fraud"
    evasive: bool = False


class _Said(NamedTuple):
    """What a label says, whoever it is about."""

    verdict: Literal["abuse", "fraud", "good"]
    abuse: str
    evasive: bool
    start_s: float
    until_s: float
    known_s: float


class PurchaseLabels:
    """The labels of a file, by what they are about."""

    def __init__(self, path: Path | None) -> None:
        self._said: dict[tuple[str, str], list[_Said]] = defaultdict(list)
        for line in decoded(path, _Line) if path is not None else ():
            if line.verdict == "abuse" or line.verdict == "fraud" or line.verdict == "good":  # noqa: PLR1714  (a set does not narrow it)
                times = (_seconds(at) for at in (line.start, line.until, line.known_at))
                self._said[line.target, line.value].append(_Said(line.verdict, line.abuse, line.evasive, *times))

    def of(self, at: float, purchase: Purchase, warned_at: float | None) -> Iterator[Label]:
        """Those of a purchase that was made at that time, and of which fraud was first known by its own outcome at `warned_at`."""
        for said in self._about(at, purchase):
            yield _label(at, purchase, said)
        if warned_at is not None:
            yield _label(at, purchase, _Said("fraud", DISPUTED, False, -inf, inf, warned_at))

    def confirmed(self, at: float, purchase: Purchase) -> Iterator[Confirmed]:
        """What the labels confirm the purchase as, for the signals of later ones; abuse that cost no card's holder is no fraud."""
        for said in self._about(at, purchase):
            if said.verdict != "abuse" and said.known_s < inf:
                yield Confirmed(max(at, said.known_s), purchase.id, purchase.attempt, said.verdict)

    def _about(self, at: float, purchase: Purchase) -> Iterator[_Said]:
        about = [("purchase", purchase.id), ("account", purchase.account)]
        if purchase.card is not None:
            about.append(("card", purchase.card.fingerprint))
        for target in about:
            yield from (said for said in self._said.get(target, ()) if said.start_s <= at < said.until_s)


def _label(at: float, purchase: Purchase, said: _Said) -> Label:
    tick = floor(at)
    return Label(PURCHASE, purchase.account, said.verdict != "good", said.abuse, said.evasive, tick, tick + 1, said.known_s)


def _seconds(time: Time) -> float:
    return time if time in {inf, -inf} and not isinstance(time, str) else instant(time)
