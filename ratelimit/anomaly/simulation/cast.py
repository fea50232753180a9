"""Who is there: how many of each population, and the seed of each member, which does not depend on how many others there are.

Abusers come in a fixed order, a plain and an evasive one of each kind in turn, as many as a fixed share of the honest; so a small
simulation has only the first kinds.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from numpy.random import SeedSequence, default_rng

from ratelimit.anomaly.simulation.abuse import (
    card_testing,
    farming,
    flood,
    resold_key,
    scraper_fast,
    scraper_slow,
    scraper_spread,
    shared_key,
    stuffing,
)
from ratelimit.anomaly.simulation.honest import (
    crawler,
    embedded,
    hobbyist,
    integration,
    mobile,
    newcomer,
    pipeline,
    private,
    professional,
    retrying,
    sleeper,
    team,
    visitor,
)
from ratelimit.anomaly.simulation.member import Member, Span

# members at scale 1; newcomers: a day
HONEST: Final = {
    "hobbyist": (hobbyist.join, 1_400),
    "professional": (professional.join, 480),
    "team": (team.join, 24),
    "mobile": (mobile.join, 360),
    "private": (private.join, 160),
    "visitor": (visitor.join, 700),
    "newcomer": (newcomer.join, 18),
    "sleeper": (sleeper.join, 150),
    "integration": (integration.join, 130),
    "pipeline": (pipeline.join, 45),
    "embedded": (embedded.join, 24),
    "retrying": (retrying.join, 30),
    "crawler": (crawler.join, 8),
}
ABUSE: Final = {
    "scraper_fast": scraper_fast.join,
    "scraper_slow": scraper_slow.join,
    "scraper_spread": scraper_spread.join,
    "stuffing": stuffing.join,
    "shared_key": shared_key.join,
    "resold_key": resold_key.join,
    "flood": flood.join,
    "farming": farming.join,
    "card_testing": card_testing.join,
}
NEED_KEYS: Final = frozenset({"shared_key", "resold_key", "farming", "card_testing"})
ABUSERS_AT_SCALE_1: Final = 36
_FORMS: Final = ("plain", "evasive")
_HONEST_SEED, _ABUSE_SEED = 1, 2  # 0 is the site's


class Part(NamedTuple):
    """A member, its population, and where the chance of its days comes from."""

    population: str
    evasive: bool
    member: Member
    seed: tuple[int, ...]


def cast(seed: int, span: Span, scale: float, kinds: frozenset[str]) -> Iterator[Part]:
    """Everybody, the honest first; of the abusers those of these kinds."""
    for number, (name, (join, count)) in enumerate(HONEST.items()):
        many = count * span.days if name == "newcomer" else count
        for index in range(max(1, round(many * scale))):
            key = (_HONEST_SEED, number, index)
            yield Part(name, False, join(default_rng(SeedSequence(seed, spawn_key=key)), span), key)
    for index in range(round(ABUSERS_AT_SCALE_1 * scale)):
        name = tuple(ABUSE)[index // len(_FORMS) % len(ABUSE)]
        if name in kinds:
            yield abuser(name, seed, span, index, evasive=bool(index % len(_FORMS)))


def abuser(name: str, seed: int, span: Span, index: int, *, evasive: bool) -> Part:
    """One abuser of a kind."""
    key = (_ABUSE_SEED, tuple(ABUSE).index(name), index)
    return Part(name, evasive, ABUSE[name](default_rng(SeedSequence(seed, spawn_key=key)), span, evasive=evasive), key)


def chance(seed: int, part: Part, day: int) -> SeedSequence:
    """Where the chance of a member's day comes from."""
    return SeedSequence(seed, spawn_key=(*part.seed, 1 + day))
