"""How numbers, money, times and names are written."""

from zoneinfo import ZoneInfo

import pytest

from ratelimit.console import wording
from ratelimit.console.wording import Clock

NOW = 1_795_959_127.0
HOUR, DAY = 3_600, 86_400


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (190_400, "EUR", "€1,904.00"),
        (0, "EUR", "€0.00"),
        (500, "jpy", "¥500"),
        (-1_250, "USD", "-$12.50"),
        (1_200, "CHF", "CHF\u00a012.00"),
    ],
)
def test_money(minor: int, currency: str, text: str) -> None:
    """Money is written in its currency's own digits."""
    assert wording.money(minor, currency) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.96, "96\u00a0%"), (0.0231, "2.3\u00a0%"), (0.0034, "0.34\u00a0%"), (1.0, "100\u00a0%"), (0.0, "0\u00a0%"), (0.01, "1\u00a0%")],
)
def test_percent(share: float, text: str) -> None:
    """A share has few figures, and a space before its sign."""
    assert wording.percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (26 * 60, "26 min"), (3 * HOUR + 240, "3 h 04"),
        (2 * HOUR, "2 h"), (22 * HOUR + 300, "22 h"),
        (47 * HOUR, "47 h"), (2 * DAY, "2 days"), (620 * DAY, "20 months"), (4 * 366 * DAY, "4 years"), (-5, "0 s"),
    ],
)  # fmt: skip
def test_duration(seconds: float, text: str) -> None:
    """A length of time is written as people say it."""
    assert wording.duration(seconds) == text


def test_due() -> None:
    """What is late says by how much."""
    assert (wording.due(26 * 60), wording.due(-12 * 60)) == ("26 min", "12 min over")


@pytest.mark.parametrize(
    ("signed", "text"), [(4.613, "1 in 41,000"), (-3.92, "1 in 8,300"), (2.62, "1 in 420"), (1.9, "usual"), (0.0, "usual")]
)
def test_rarity(signed: float, text: str) -> None:
    """Rarity is one in so many, in two figures."""
    assert wording.rarity(signed) == text


@pytest.mark.parametrize(("name", "text"), [("Mira Keller", "MK"), ("ana", "A"), ("Tomas van der Okafor", "TO"), ("", "?"), ("(x) y", "Y")])
def test_initials(name: str, text: str) -> None:
    """At most two letters stand for a person."""
    assert wording.initials(name) == text


def test_masked_email() -> None:
    """An email shows its first letter and its domain; what is none shows nothing."""
    assert (wording.masked_email("quentin@mailbox.test"), wording.masked_email("nothing")) == ("q•••@mailbox.test", "•••")


def test_several() -> None:
    """One is singular."""
    assert (wording.several(1, "case"), wording.several(2_300, "case"), wording.several(2, "entry", "entries")) == (
        "1 case",
        "2,300 cases",
        "2 entries",
    )


@pytest.mark.parametrize(
    ("ago", "text"),
    [(0, "14:32"), (DAY, "Sat 14:32"), (-2 * DAY, "Tue 14:32"), (40 * DAY, "20 Oct 15:32"), (400 * DAY, "25 Oct 2025")],
)
def test_moment(ago: float, text: str) -> None:
    """A moment says its day where it is another one, in the server's zone."""
    assert Clock(ZoneInfo("Europe/Berlin")).moment(NOW - ago, NOW) == text


def test_exact() -> None:
    """Evidence has seconds, or less, and its day where it is another one."""
    clock = Clock(ZoneInfo("Europe/Berlin"))
    found = [clock.exact(NOW - ago, NOW) for ago in (60, 86_400, 30 * 86_400)]
    assert found == ["14:31:07", "Sat 14:32:07", "30 Oct 14:32:07"]
    assert clock.exact_milli(NOW + 0.204 - 86_400, NOW) == "Sat 14:32:07.204"


def test_evidence_has_milliseconds() -> None:
    """Evidence is exact; machines get the offset."""
    clock = Clock(ZoneInfo("Europe/Berlin"))
    assert (clock.milli(NOW + 0.204), clock.second(NOW), clock.offset_s(NOW)) == ("14:32:07.204", "14:32:07", HOUR)
    assert clock.iso(NOW) == "2026-11-29T14:32:07+01:00"
