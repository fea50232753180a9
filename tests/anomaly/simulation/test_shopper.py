"""Who only buys: what each population is, and that it is labelled by what it did."""

from collections import Counter

from numpy.random import SeedSequence, default_rng

from ratelimit.anomaly.simulation.folder import FIRST
from ratelimit.anomaly.simulation.member import Span
from ratelimit.anomaly.simulation.purchase import Purchase
from ratelimit.anomaly.simulation.row import DAY_MS
from ratelimit.anomaly.simulation.shopper import NEWCOMER, OFFICE, STOLEN_CARD, TRIAL_FARM, Shopper, shoppers
from ratelimit.anomaly.simulation.site import days

SEED, DAYS = 5, 14
SPAN = Span(int(FIRST.timestamp()) * 1_000, int(FIRST.timestamp()) * 1_000 + DAYS * DAY_MS)


def lived() -> list[tuple[Shopper, list[Purchase]]]:
    """Each of them with all that it buys."""
    found = []
    for shopper in shoppers(SEED, SPAN, 0.5):
        bought = []
        for day in days(SEED, SPAN.first_ms, DAYS):
            bought += shopper.buys(day, default_rng(SeedSequence(SEED, spawn_key=(*shopper.seed, 1 + day.number))))
        found.append((shopper, bought))
    return found


LIVED = lived()


def of(population: str) -> list[tuple[Shopper, list[Purchase]]]:
    return [(shopper, bought) for shopper, bought in LIVED if shopper.population == population and bought]


def test_everybody_buys_in_the_time() -> None:
    """All populations are there, and the same seed gives the same."""
    assert Counter(shopper.population for shopper, bought in LIVED if bought).keys() == {OFFICE, NEWCOMER, STOLEN_CARD, TRIAL_FARM}
    assert all(SPAN.first_ms <= purchase.time_ms < SPAN.end_ms for _, bought in LIVED for purchase in bought)
    assert [bought for _, bought in lived()] == [bought for _, bought in LIVED]


def test_colleagues_share_a_card_and_an_address() -> None:
    """And nobody has a label for it."""
    for shopper, bought in of(OFFICE):
        assert not shopper.labels
        assert len({purchase.card for purchase in bought}) == len({purchase.address for purchase in bought}) == 1
    assert any(len({purchase.account for purchase in bought}) > 2 for _, bought in of(OFFICE))


def test_newcomers_begin_with_a_grant() -> None:
    """For nothing and without a card; some buy later."""
    for _, bought in of(NEWCOMER):
        first = bought[0]
        assert (first.kind, first.amount, first.card) == ("grant", 0, None)
        assert {purchase.kind for purchase in bought[1:]} <= {"purchase"}
    assert any(len(bought) > 1 for _, bought in of(NEWCOMER))


def test_abuse_is_labelled() -> None:
    """Every account of it, from when it began; a stolen card is fraud, a farm abuse."""
    for population, verdict in ((STOLEN_CARD, "fraud"), (TRIAL_FARM, "abuse")):
        for shopper, bought in of(population):
            labelled = {label.subject for label in shopper.labels}
            assert {purchase.account for purchase in bought} <= labelled
            assert {label.verdict for label in shopper.labels} == {verdict}
            assert all(label.from_ms <= purchase.time_ms for label in shopper.labels for purchase in bought)


def test_an_evasive_farm_shares_no_device() -> None:
    """A plain one shares all."""
    for shopper, bought in of(TRIAL_FARM):
        assert len({purchase.device for purchase in bought}) == (len(bought) if shopper.evasive else 1)
