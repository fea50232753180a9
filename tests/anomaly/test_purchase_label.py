"""Labels of purchases: of a purchase, a card, or an account for a time; each becomes one of the account's moment at which it bought."""

import json
from pathlib import Path
from typing import Any

import pytest

from ratelimit.anomaly.purchase_label import DISPUTED, PurchaseLabels
from ratelimit.core.errors import ConfigError
from ratelimit.core.purchase_event import Confirmed
from tests.core.purchases import NOW, purchase


@pytest.fixture
def said(tmp_path: Path) -> Any:
    def made(*lines: dict[str, Any]) -> PurchaseLabels:
        path = tmp_path / "labels.ndjson"
        path.write_bytes(b"\n".join(json.dumps(line).encode() for line in lines))
        return PurchaseLabels(path)

    return made


def label(target: str, value: str, **fields: Any) -> dict[str, Any]:
    return {"target": target, "value": value, "verdict": "fraud", "abuse": "stolen", "known_at": NOW + 100, **fields}


@pytest.mark.parametrize(("target", "value"), [("purchase", "p1"), ("card", "fp_1"), ("account", "a1")])
def test_whatever_it_is_about(said: Any, target: str, value: str) -> None:
    """It marks the second at which the account bought, from when it is known; others are not marked."""
    labels = said(label(target, value), label(target, "somebody else"))
    (found,) = labels.of(NOW + 0.5, purchase(), None)
    assert (found.kind, found.subject, found.bad, found.name) == ("purchase", "a1", True, "stolen")
    assert (found.start_s, found.until_s, found.known_s) == (NOW, NOW + 1, NOW + 100)
    assert list(labels.confirmed(NOW, purchase())) == [Confirmed(NOW + 100, "p1", 1, "fraud")]


def test_an_account_is_labelled_for_a_time(said: Any) -> None:
    """From its beginning until before its end."""
    labels = said(label("account", "a1", **{"from": NOW, "until": NOW + 10}))
    marked = [at for at in (-1, 0, 9, 10) if list(labels.of(NOW + at, purchase(), None))]
    assert marked == [0, 9]


def test_verdicts(said: Any) -> None:
    """Abuse marks a purchase and confirms no fraud with its card; good is good; what is unclear says nothing."""
    labels = said(*(label("purchase", "p1", verdict=verdict) for verdict in ("abuse", "good", "unclear", "first_party_dispute", "victim")))
    assert [found.bad for found in labels.of(NOW, purchase(), None)] == [True, False]
    assert [found.label for found in labels.confirmed(NOW, purchase())] == ["good"]


def test_what_became_of_a_purchase_is_a_label() -> None:
    """Also where there is no file."""
    (found,) = PurchaseLabels(None).of(NOW, purchase(), NOW + 50)
    assert (found.bad, found.name, found.known_s) == (True, DISPUTED, NOW + 50)


def test_a_broken_file_is_refused(said: Any, tmp_path: Path) -> None:
    """With the lines."""
    with pytest.raises(ConfigError, match=r"labels\.ndjson:2: .*target"):
        said(label("purchase", "p1"), label("colour", "red"))
    with pytest.raises(ConfigError, match="cannot be read"):
        PurchaseLabels(tmp_path / "none")
