"""The demonstration's site: quiet days, then abuse, and attacks that are moved to now."""

from collections import Counter

import pytest

from ratelimit.demo.site import Site
from ratelimit.demo.strike import WORDS, strike

NOW = 1_790_000_000.0
MIDNIGHT_MS = int(NOW) // 86_400 * 86_400_000


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(NOW, scale=0.01, seed=7)


def test_quiet_days(site: Site) -> None:
    """Nobody who does wrong is there on the quiet days, and somebody is since."""
    quiet = {name for entry in site.quiet() for name in (entry.ip, entry.account, entry.api_key)}
    since = {name for entry in site.requests() for name in (entry.ip, entry.account, entry.api_key)}
    strangers = set(site.wrong) - quiet
    assert strangers & since
    assert max(entry.time_us for entry in site.quiet()) / 1e6 < site.abuse_from_s


def test_purchases(site: Site) -> None:
    """They are in the past, and those that are still to come are honest."""
    bought, later = site.purchases(), site.later_purchases()
    assert all(one.time_ms < NOW * 1_000 for one in bought)
    assert min(one.time_ms for one in bought) / 1_000 < NOW - 50 * 86_400
    assert all(one.time_ms >= NOW * 1_000 for one in later)
    assert Counter(one.outcome.dispute_reason == "fraudulent" for one in later)[True] == 0


@pytest.mark.parametrize("kind", list(WORDS))
def test_strike(kind: str) -> None:
    """Each attack begins at once, and there is enough of it to be seen."""
    found = strike(kind, MIDNIGHT_MS, 7)
    parts = found.purchases if kind == "card_testing" else found.requests
    assert len(parts) >= 8
    assert parts[0][0] == 0
    assert [after for after, _ in parts] == sorted(after for after, _ in parts)
