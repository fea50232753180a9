"""What the site's published policy has to say before more is kept."""

from typing import Any

import pytest

from ratelimit.core.amendment import AMENDMENTS, amendments, retention_notes
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.retention import OPTIONAL, Retention
from ratelimit.core.units import Duration

LIMITS = [{"name": "k", "per": ["api_key"], "bucket": {"capacity": 5, "refill": "1/s"}}]
RULE = {"name": "spree", "on": "purchase", "when": "purchase.attempts_1h > 5", "then": "review", "reason": "many"}


def notes(**said: Any) -> list[str]:
    return list(retention_notes(parse_policy({"version": 1, "limits": LIMITS, **said}, "p")))


def test_every_one() -> None:
    """Whatever can be turned on has a sentence, with the policy's own term in it."""
    assert {one.name for one in AMENDMENTS} == OPTIONAL
    off = amendments(Retention(purchases=Duration.parse("200d"), keep=("card",)), on=False)
    assert [one.name for one in off] == ["device", "card_country", "brand", "funding"]
    assert all("for 200 days" in one.sentence for one in off)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, []),
        ({"rules": [RULE]}, ["card is not in it"]),
        ({"rules": [RULE], "retention": {"keep": ["device"]}}, ["card is not in it", "device: only if the site"]),
        ({"rules": [RULE], "retention": {"keep": ["card"]}}, ["card: only if the site"]),
    ],
)
def test_notes(said: dict[str, Any], expected: list[str]) -> None:
    """Whoever judges purchases is told what is not linked, and what has to be published for what is."""
    found = notes(**said)
    assert len(found) == len(expected)
    assert all(text in note for text, note in zip(expected, found, strict=True))
