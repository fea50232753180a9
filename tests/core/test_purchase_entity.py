"""What a purchase shares with others is the same entity however it is written, and no raw value is in a name."""

import pytest
from msgspec.structs import replace

from ratelimit.core.address import parse_address
from ratelimit.core.purchase import Card, Purchase
from ratelimit.core.purchase_entity import EntityKind, EntityNames, email_domain, email_root, slices_of
from ratelimit.core.standing import Target
from ratelimit.core.store_key import StoreKeys

NAMES = EntityNames(StoreKeys(bytes(range(32))))
CARD = Card(fingerprint="fp_1", last4="4242", exp_month=1, exp_year=2030, country="US", funding="prepaid", brand="Visa")
PURCHASE = Purchase(id="o1", attempt=1, account="42", ip="203.0.113.7", email="An.Na+shop@GoogleMail.com", card=CARD, device="d1")
IP = b"\xcb\0\x71\x07"


@pytest.mark.parametrize(
    ("email", "root"),
    [
        ("Anna@Example.ORG", "anna@example.org"),
        ("anna+shop@example.org", "anna@example.org"),
        ("an.na@example.org", "an.na@example.org"),
        ("an.na+x@gmail.com", "anna@gmail.com"),
        ("anna@googlemail.com", "anna@gmail.com"),
        ("anna@example.org.", "anna@example.org"),
        ('"a@b"@example.org', '"a@b"@example.org'),
        ("+x@example.org", "+x@example.org"),
        ("...@gmail.com", "...@gmail.com"),
        ("example.org", None),
        ("@example.org", None),
        ("anna@", None),
    ],
)
def test_mailboxes(email: str, root: str | None) -> None:
    """An email stands for its mailbox; what has none has no root."""
    assert email_root(email) == root


def test_domains() -> None:
    """A domain goes by its provider's own name."""
    assert email_domain("a@GoogleMail.com") == "gmail.com"
    assert email_domain("nothing") is None


def test_entities_of_a_purchase() -> None:
    """All kinds that the purchase tells of are named, each with a target; nothing that was told stands in a name."""
    found = NAMES.of(PURCHASE, IP)
    assert set(found.names) == set(found.targets) == {"account", "card", "ip", "network", "device", "email", "email_domain"}
    assert len(set(found.names.values())) == 7
    assert found.targets["ip"] == Target("ip", "203.0.113.7")
    assert found.targets["network"] == Target("network", "203.0.113.0/24")
    assert found.targets["account"] == Target("account", "42")
    assert found.targets["card"].value == found.names["card"].removeprefix("rl1:v:")
    assert set(found.slices) == {"site", "country:US", "brand:visa", "funding:prepaid"}
    assert not any(
        raw in name for name in [*found.names.values(), *found.slices.values()] for raw in ("fp_1", "nna", "203", "gmail", "visa")
    )


def test_what_is_not_told_is_no_entity() -> None:
    """A grant without card, device and email has an account and an address."""
    found = NAMES.of(Purchase(id="o1", attempt=1, account="42", ip="::1", kind="grant"), IP)
    assert set(found.names) == {"account", "ip", "network"}
    assert set(found.slices) == {"site"}


def test_an_ipv6_address_stands_for_its_prefix() -> None:
    """Two addresses of one household are one entity."""
    one, other = (NAMES.of(PURCHASE, parse_address(text) or b"") for text in ("2001:db8::1", "2001:db8::2:1"))
    assert one == other
    assert one.targets["ip"] == Target("ip", "2001:db8::/64")
    assert one.targets["network"] == Target("network", "2001:db8::/48")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("account", "42"),
        ("card", "fp_1"),
        ("device", "d1"),
        ("email", "anna@gmail.com"),
        ("email_domain", "gmail.com"),
        ("email_domain", "any@googlemail.com"),
        ("ip", "203.0.113.7"),
        ("network", "203.0.113.0/24"),
        ("network", "203.0.113.9"),
    ],
)
def test_a_person_names_what_a_purchase_has(kind: EntityKind, text: str) -> None:
    """The target of a raw value is that of purchases with it."""
    assert NAMES.target(kind, text) == NAMES.of(PURCHASE, IP).targets[kind]


@pytest.mark.parametrize(("kind", "text"), [("ip", "anna"), ("network", "x/24"), ("email", "anna"), ("card", " "), ("email_domain", "@")])
def test_what_is_no_value_of_a_kind(kind: EntityKind, text: str) -> None:
    """It has no target."""
    assert NAMES.target(kind, text) is None


def test_slices() -> None:
    """A purchase without a card is in no slice but the site's."""
    assert slices_of(None) == ("site",)
    assert slices_of(CARD) == ("site", "country:US", "brand:visa", "funding:prepaid")
    assert slices_of(replace(CARD, brand="made up")) == ("site", "country:US", "funding:prepaid")
