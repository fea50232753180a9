"""What of a purchase must be together: what its kind needs, a currency that is one, an address, times that were."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ratelimit.core.currency import MINOR_DIGITS
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_check import WrongPurchaseError, checked
from tests.core.purchases import CARD, NOW, purchase

decode = msgspec.json.Decoder(Purchase).decode


def test_a_sound_one() -> None:
    """It comes out as it was, its currency in upper case and its address in bytes."""
    asked = checked(purchase(currency="eur", ip="::ffff:203.0.113.7"), NOW)
    assert asked.purchase == purchase(currency="EUR", ip="::ffff:203.0.113.7")
    assert asked.ip == bytes([203, 0, 113, 7])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "setup", "amount": 0, "tokens": 0, "currency": None},
        {"kind": "grant", "amount": 0, "card": None, "currency": None},
        {"currency": "JPY"},
        {"tokens": 0},
        {"email": None},
        {"account_created_at": NOW + 3_600},
        {"ip": "2001:db8::7"},
    ],
)
def test_sound(fields: dict[str, Any]) -> None:
    """Each kind with what it needs, and without what is not known."""
    assert checked(purchase(**fields), NOW).purchase == purchase(**fields)


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"card": None}, "$.card", "is missing; a purchase is made with a card"),
        ({"amount": 0}, "$.amount", "a grant"),
        ({"currency": None}, "$.currency", "is missing"),
        ({"currency": "EUX"}, "$.currency", "'EUX' is no currency"),
        ({"currency": "XAU"}, "$.currency", "'XAU' is no currency"),
        ({"kind": "setup", "amount": 0, "tokens": 1}, "$.tokens", "1 has no place in a setup"),
        ({"kind": "setup", "amount": 1, "tokens": 0}, "$.amount", "1 has no place in a setup"),
        ({"kind": "setup", "amount": 0, "tokens": 0, "card": None}, "$.card", "a setup is made with a card"),
        ({"kind": "grant", "amount": 0}, "$.card", "no place in a grant"),
        ({"kind": "grant", "card": None}, "$.amount", "no place in a grant"),
        ({"ip": "nowhere"}, "$.ip", "'nowhere' is not an address"),
        ({"email": "somebody"}, "$.email", "is not an email address"),
        ({"email": "@example.com"}, "$.email", "is not an email address"),
        ({"account_created_at": NOW * 1_000}, "$.account_created_at", "expected seconds since the epoch"),
        ({"account_created_at": -1.0}, "$.account_created_at", "expected seconds since the epoch"),
    ],
)
def test_wrong(fields: dict[str, Any], path: str, said: str) -> None:
    """Each problem names the field, what was found, and what would do; of an email it repeats nothing."""
    with pytest.raises(WrongPurchaseError) as refused:
        checked(purchase(**fields), NOW)
    assert refused.value.path == path
    assert said in refused.value.detail
    assert "somebody" not in refused.value.detail.replace("somebody@example.com", "")


@pytest.mark.parametrize(
    "fields", [{"billing_country": "DE\n"}, {"currency": "EUR\n"}, {"card": replace(CARD, last4="4242\n")}, {"ip": "1" * 65}]
)
def test_no_line_feed_behind(fields: dict[str, Any]) -> None:
    """A pattern means the whole text, and an address is short."""
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.json.encode(purchase(**fields)))


def test_minor_digits() -> None:
    """Yen have none, euros two, dinars three; what has no minor unit is no currency here."""
    assert [MINOR_DIGITS[code] for code in ("JPY", "EUR", "KWD")] == [0, 2, 3]
    assert not MINOR_DIGITS.keys() & {"XAU", "XTS", "XXX"}
