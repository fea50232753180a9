"""How long what is kept of people: one table of settings, the policy's section `retention`. Pure; `cuts` are seconds since the epoch.

The defaults are those of the design's privacy section: usage is kept for a season, and evidence of purchases as long as somebody may still
claim something of it. `keep` turns on what the site's published policy has to cover first: `card` is what stands for a card in the ledger
(its pseudonym, and so who used it), the others are what they say.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from ratelimit.core.units import Duration

Optional = Literal["card", "card_country", "brand", "funding", "device"]
OPTIONAL: Final[frozenset[str]] = frozenset(get_args(Optional))

DAY_S: Final = 86_400.0
BATCHES_S: Final = 14 * DAY_S  # for so long a batch that comes again is known
INVITATIONS_S: Final = 30 * DAY_S
REQUESTS_S: Final = 3 * 365 * DAY_S  # requests about data, once they are done: within which somebody may complain
RUNS_S: Final = REQUESTS_S  # what retention took away


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """How long. `addresses` are those of usage, whole; then their networks and a hash that says no more after its month.

    `lives` are logins, keys made, sign-ups; `purchases` with what became of them and what they shared; `cases` with what was done, labelled
    and noted. A closed case counts from its end. `bans` are digests of what confirmed fraud had used, counted from when it was confirmed.
    """

    addresses: Duration = Duration.parse("30d")
    records: Duration = Duration.parse("90d")
    lives: Duration = Duration.parse("90d")
    purchases: Duration = Duration.parse("540d")
    cases: Duration = Duration.parse("540d")
    traffic: Duration = Duration.parse("400d")
    bans: Duration = Duration.parse("365d")
    keep: tuple[Optional, ...] = ()


# days, at least and at most: purchases are labelled up to 120 days later, and what is learned from them needs that
BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "addresses": (1, 400),
    "records": (1, 400),
    "lives": (1, 400),
    "purchases": (180, 3_650),
    "cases": (180, 3_650),
    "traffic": (1, 3_650),
    "bans": (0, 730),  # 0: none
}


def problems(given: Mapping[str, Any], data: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a section, as far as it could be read."""
    for name, (least, most) in BOUNDS.items():
        span: Duration | None = given.get(name)
        if span is not None and not least <= span.seconds / DAY_S <= most:
            yield f".{name}", f"{_days(span)} is not allowed; expected {least}d to {most}d"
    addresses, records = (given.get(name, None if name in data else getattr(Retention(), name)) for name in ("addresses", "records"))
    if addresses is not None and records is not None and addresses > records:
        yield ".addresses", f"{_days(addresses)} is longer than the records that they stand in; expected at most {_days(records)}"


def cut(span: Duration, now: float) -> float:
    """What is older than this goes."""
    return now - span.seconds


def days(span: Duration) -> str:
    """In words: 540 days."""
    count = span.seconds / DAY_S
    return f"{count:g} day{'' if count == 1 else 's'}"


def _days(span: Duration) -> str:
    return f"{span.seconds / DAY_S:g}d"
