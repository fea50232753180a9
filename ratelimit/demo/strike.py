"""Attacks that begin while somebody looks on: each is one of the simulation's, moved to now. Times are seconds after it began."""

from collections import Counter
from typing import Final, NamedTuple

from ratelimit.anomaly.simulation.cast import abuser
from ratelimit.anomaly.simulation.folder import Tally, bought, used
from ratelimit.anomaly.simulation.member import Span
from ratelimit.anomaly.simulation.purchase import Purchase
from ratelimit.anomaly.simulation.row import DAY_MS, joined
from ratelimit.anomaly.simulation.site import days
from ratelimit.anomaly.simulation.text import entries
from ratelimit.core.log_entry import Entry

WORDS: Final = {
    "scraper_fast": "a scraper reads page after page with one key: see Traffic, and its key among the top subjects",
    "card_testing": "somebody tries stolen cards: see the case in the Queue, and the rule card-testing",
    "stuffing": "somebody tries stolen passwords from one address: see the throttles of /login on Traffic",
}
_LASTS_S: Final = 300.0
_LEAST: Final = {"scraper_fast": 3_000, "card_testing": 8, "stuffing": 40}  # requests or purchases of what is worth to be looked at
_CARD_S: Final = 7.0  # between two cards
_CARDS: Final = 16
_MOST_DRAWN: Final = 64
_US_PER_MS: Final = 1_000
_US_PER_S: Final = 1_000_000


class Strike(NamedTuple):
    """One attack: what is asked for, and what is bought, each some time after it began."""

    kind: str
    requests: tuple[tuple[float, Entry], ...]
    purchases: tuple[tuple[float, Purchase], ...]


def strike(kind: str, midnight_ms: int, seed: int) -> Strike:
    """One of a kind of WORDS; another seed is another. `midnight_ms` is that of today."""
    span = Span(midnight_ms - DAY_MS, midnight_ms + DAY_MS)
    dates, tally = days(seed, span.first_ms, span.days), Tally(Counter(), set(), set())
    found = Strike(kind, (), ())
    for index in range(_MOST_DRAWN):
        part = [abuser(kind, seed, span, index, evasive=False)]
        asked = list(entries(joined([used(part, seed, day, tally) for day in dates])))
        paid = [purchase for day in dates for purchase in bought(part, [], seed, day, tally)]
        if kind == "scraper_fast" and not (asked and asked[0].api_key):
            continue  # an address may ask for far more than a key
        found = Strike(kind, _moved(asked), _tried(paid))
        if len(found.purchases if kind == "card_testing" else found.requests) >= _LEAST[kind]:
            break
    return found


def _moved(asked: list[Entry]) -> tuple[tuple[float, Entry], ...]:
    first_us = asked[0].time_us if asked else 0
    moved = (((one.time_us - first_us) / _US_PER_S, one) for one in asked)
    return tuple(pair for pair in moved if pair[0] < _LASTS_S)


def _tried(paid: list[Purchase]) -> tuple[tuple[float, Purchase], ...]:
    """One card after the other, faster than they were tried, by whoever was first."""
    mine = [one for one in paid if one.account == paid[0].account][:_CARDS]
    return tuple((place * _CARD_S, one) for place, one in enumerate(mine))
