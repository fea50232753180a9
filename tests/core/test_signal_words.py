"""Every signal has plain words."""

from math import inf

import pytest

from ratelimit.core import purchase_signals, signals
from ratelimit.core.purchase_signal_words import PURCHASE_WORDS
from ratelimit.core.quantity import DASH, duration, rarity
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signal_words import MOST_WORDS, REQUEST_WORDS, Words, worded

EACH = [*(("request", name, words) for name, words in REQUEST_WORDS.items()), *(("purchase", *pair) for pair in PURCHASE_WORDS.items())]
NOBODY_SAYS = ("anomal", "suspicious", "score", "_", "{", "slope", "percentile")


def said(name: str, value: float, low: float, high: float, share: float = 0.001, of: str = "api_key") -> tuple[str, str, str]:
    words = {**PURCHASE_WORDS, **REQUEST_WORDS}[name]
    found = worded(SignalReason(name, value, low, high, share), words, of, currency="EUR")
    return found.value, found.words, found.normal


def test_all_of_them() -> None:
    """No signal of requests, purchases or the site is without words, and no words are of none."""
    assert set(REQUEST_WORDS) == set(signals.NAMES)
    assert set(PURCHASE_WORDS) == set(purchase_signals.NAMES)


@pytest.mark.parametrize(("about", "name", "words"), EACH, ids=lambda value: value if isinstance(value, str) else "")
def test_short_and_plain(about: str, name: str, words: Words) -> None:
    """They are short after the value, whatever the subject, and hold no word of the code."""
    for of in ("api_key", "account", "ip"):
        for value in (0.0, 1.0, 123_456.7):
            found = worded(SignalReason(name, value, 0.0, 2.0, 0.01), words, of, currency="EUR")
            assert 0 < len(found.words) <= MOST_WORDS, found.words
            assert found.value
            for text in (found.words, words.title, found.value):
                assert not any(word in text.lower() for word in NOBODY_SAYS), text
    assert words.title[0].isupper(), about


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (said("addresses", 418.3, 1.0, 9.2), ("418", "addresses used this key in 2 h", "1-9")),
        (said("addresses", 1.0, 1.0, 1.0), ("1", "address used this key in 2 h", "1")),
        (said("keys", 7, 0, 3, of="ip"), ("7", "keys used from this address in 2 h", "0-3")),
        (said("denied_share_10m", 0.96, 0, 0.06), ("96 %", "of answers were 401 or 403 in about 10 min", "0-6 %")),
        (said("gap_variation", 0.04, 0.38, 2.1), ("4 %", "variation in the gaps between requests", "38-210 %")),
        (said("age_s", 660, 3 * 86_400, 4 * 31_557_600), ("11 min", "since this key was first seen", "3 days - 4 years")),
        (said("slope", 3, -1, 1), ("8 times", "as busy these minutes as in the last day", "0.5-2 times")),
        (said("bytes_1d", 2.5e9, 0, 1e6), ("2.5 GB", "sent to it in about a day", "0 B - 1 MB")),
        (said("attempts_1d", 48_120.4, -inf, 900), ("48,120", "requests in about a day", "at most 900")),
        (said("cards_1h", 7, 0, 1), ("7", "different cards in 1 h", "0-1")),
        (said("card_accounts_30d", 1, 0, 1), ("1", "account paid with this card in 30 days", "0-1")),
        (said("amount", 450, 10, 120), ("€450.00", "asked for now", "€10.00 - €120.00")),
        (said("prepaid", 1, 0, 0, 0.04), ("Prepaid", "card", "4 % of purchases")),
        (said("account_frauds", 2, -inf, inf), ("2", "confirmed frauds", "")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_words(found: tuple[str, str, str], expected: tuple[str, str, str]) -> None:
    """Value, what and window, and the normal range in the same unit."""
    assert (found[0], found[1], found[2].replace(DASH, "-")) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (11_040, "3 h 04"),
        (7_200, "2 h"),
        (86_400, "1 day"),
        (620 * 86_400, "620 days"),
        (1e8, "3.2 years"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """Spans of time are told in the largest unit that says enough."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(1, "usual"), (0.4, "usual"), (0.1, "1 in 10"), (1 / 8_312, "1 in 8,300"), (0, "1 in more than a million")]
)
def test_rarity(share: float, text: str) -> None:
    """How rare something is, as one in so many."""
    assert rarity(share) == text
