"""Who takes part: what a population gives to the simulation for each of its members, and what is later said of the bad ones."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.purchase import Purchase
from ratelimit.anomaly.simulation.row import DAY_MS, FREE, HOUR_MS, Rows
from ratelimit.anomaly.simulation.site import Day

Target = Literal["api_key", "ip", "account"]
Verdict = Literal["abuse", "fraud"]
Subject = int | tuple[int, int]  # a key's or an account's number, or the two halves of an address


class Caller(NamedTuple):
    """Who a request is counted for."""

    key: int
    account: int
    plan: int = FREE


class Span(NamedTuple):
    """The time that is simulated. `keyed`: callers have keys and accounts; a log without them knows only addresses."""

    first_ms: int
    end_ms: int  # the instant after the last
    keyed: bool = True

    @property
    def days(self) -> int:
        """How many days it has, the last perhaps not whole."""
        return -((self.first_ms - self.end_ms) // DAY_MS)


class Label(NamedTuple):
    """What is true of a subject for a time; `known_ms` is when somebody found out."""

    target: Target
    subject: Subject
    verdict: Verdict
    abuse: str
    evasive: bool
    from_ms: int
    until_ms: int
    known_ms: int


class Uses(Protocol):
    """What somebody asks for on a day."""

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The rows of a day."""


class Member(NamedTuple):
    """One member of a population: what it asks for and buys each day, and how it is labelled."""

    uses: Uses
    buys: Callable[[Day, Generator], list[Purchase]] | None = None
    labels: Sequence[Label] = ()


def caller(rng: Generator, plan: int = FREE) -> Caller:
    """Somebody new with a key and an account."""
    key, account = (int(number) for number in rng.integers(1, 1 << 63, 2))
    return Caller(key, account, plan)


def chosen_plan(rng: Generator, shares: Sequence[float]) -> int:
    """A plan, by the shares of free, starter, pro and business."""
    return int(np.searchsorted(np.cumsum(shares), rng.random() * sum(shares), side="right"))


def attribute(rows: Rows, who: Caller) -> Rows:
    """Say that these requests are this caller's."""
    rows["key"], rows["account"], rows["plan"] = who
    return rows


class Charge(NamedTuple):
    """What somebody will be found to have done, when, and when that became known."""

    abuse: str
    evasive: bool
    from_ms: int
    until_ms: int
    known_ms: int
    verdict: Verdict = "abuse"

    def of_caller(self, who: Caller) -> list[Label]:
        """Labels of a key and its account, as far as there are any."""
        labels = [self._label("api_key", who.key)] if who.key else []
        return labels + ([self._label("account", who.account)] if who.account else [])

    def of_addresses(self, addresses: Rows) -> list[Label]:
        """Labels of addresses, each once."""
        return [self._label("ip", (int(address["high"]), int(address["low"]))) for address in np.unique(addresses)]

    def _label(self, target: Target, subject: Subject) -> Label:
        return Label(target, subject, self.verdict, self.abuse, self.evasive, self.from_ms, self.until_ms, self.known_ms)


def charge(rng: Generator, span: Span, abuse: str, *, evasive: bool, days: tuple[float, float]) -> Charge:
    """Something that begins at some time of the span and goes on for so many days, or until the span ends; it is found out later."""
    lasts_ms = int(rng.uniform(*days) * DAY_MS)
    latest = max(span.first_ms, span.end_ms - min(lasts_ms, DAY_MS))
    from_ms = int(rng.integers(span.first_ms, latest + 1))
    until_ms = min(from_ms + lasts_ms, span.end_ms)
    known_ms = from_ms + int(rng.lognormal(np.log(2.5 if evasive else 0.8), 0.8) * DAY_MS) + 2 * HOUR_MS
    return Charge(abuse, evasive, from_ms, until_ms, known_ms)


def seen(rows: Rows) -> set[tuple[Target, Subject]]:
    """Who is in these rows: of many bots not each has been at work."""
    found: set[tuple[Target, Subject]] = {("api_key", int(key)) for key in np.unique(rows["key"])}
    found |= {("account", int(account)) for account in np.unique(rows["account"])}
    return found | {("ip", (int(address["high"]), int(address["low"]))) for address in np.unique(rows["address"])}


def within(rows: Rows, from_ms: int, until_ms: int) -> Rows:
    """The rows of a time."""
    kept: Rows = rows[(rows["time_ms"] >= from_ms) & (rows["time_ms"] < until_ms)]
    return kept
