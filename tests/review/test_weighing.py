"""What a model made of somebody, told again from a record."""

from pathlib import Path

import numpy as np
import pytest

from ratelimit.anomaly.model import Model
from ratelimit.core import purchase_signals, signals
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.review.weighing import Vector, Weigher, title_of

LIMITS = [{"name": "key", "per": ["api_key"], "bucket": {"capacity": 40, "refill": "10/s"}}]
MODELS = Path(__file__).parents[2] / "models"


def policy(tmp_path: Path) -> Policy:
    """One that names the shipped models."""
    risk = {
        "requests": {"model": str(MODELS / "requests"), "throttle": {"above": 0.999, "bucket": {"capacity": 5}}, "mode": "shadow"},
        "purchases": {"model": str(MODELS / "purchases"), "throttle": [{"above": 0.99, "hold": 0.5, "lapse": "24h"}], "mode": "shadow"},
    }
    return Policy(parse_policy({"version": 1, "limits": LIMITS, "risk": risk}, str(tmp_path / "p.yaml")))


def vector(model: str | None, version: int | None = signals.VERSION, **values: float) -> Vector:
    """A key that asks as many do, save for these signals."""
    usual = {
        "age_s": 1e6,
        "countries": 1.0,
        "denied_share_1d": 0.0,
        "addresses": 2.0,
        "error_share_1d": 0.01,
        "requests_1d": 300.0,
        **values,
    }
    row = tuple(usual.get(name) for name in signals.NAMES)
    return Vector("api_key", row, model, version, 0.9994, "rec", 1.0, "pro")


async def test_far_and_usual(tmp_path: Path) -> None:
    """What is far out speaks against, what is usual for it; both have a normal range and a title in plain words."""
    version = Model.read(MODELS / "requests").version
    found = await Weigher(lambda: policy(tmp_path)).again(vector(version, addresses=418.0, countries=31.0))
    assert found.there
    assert {one.source for one in found.weighing.against} >= {"addresses", "countries"}
    assert all(abs(one.signed or 0) > 2 for one in found.weighing.against)
    assert [one.source for one in found.weighing.in_favour][:2] == ["denied_share_1d", "age_s"]
    assert all(one.normal for one in found.weighing.against)
    assert found.weighing.thresholds == (("throttle", 0.999),)
    assert found.weighing.risk == 0.9994
    assert not set(map(title_of, found.signals)) & set(signals.NAMES)


async def test_the_same_risk(tmp_path: Path) -> None:
    """The risk is computed anew by the very model; one that is not calibrated has none to give."""
    model = Model.read(MODELS / "requests")
    found = await Weigher(lambda: policy(tmp_path)).again(vector(model.version))
    row = np.array([np.nan if value is None else value for value in vector(None).values])
    expected = model.score("api_key", row[None], ["pro"])[0]
    assert found.risk == (None if np.isnan(expected) else expected)


@pytest.mark.parametrize(("model", "version"), [("another", 1), (None, 1), ("same", 999), ("same", None)])
async def test_another_model(tmp_path: Path, model: str | None, version: int | None) -> None:
    """What judged and is not here any more is said to be so; the record's risk stays."""
    name = Model.read(MODELS / "requests").version if model == "same" else model
    found = await Weigher(lambda: policy(tmp_path)).again(vector(name, version))
    assert not found.there
    assert found.signals == ()
    assert found.weighing.risk == 0.9994
    assert found.weighing.model is None


async def test_purchase(tmp_path: Path) -> None:
    """A purchase is weighed by the model of purchases, money in its currency."""
    version = Model.read(MODELS / "purchases", "purchases").version
    values = {
        "amount": 180.0,
        "account_age_s": 3e7,
        "cards_1h": 7.0,
        "declines_1h": 6.0,
        "attempts_1h": 8.0,
        "card_age_s": 0.0,
        "card_ip_mismatch": 1.0,
    }
    row = tuple(values.get(name) for name in purchase_signals.NAMES)
    found = await Weigher(lambda: policy(tmp_path)).again(
        Vector("purchase", row, version, purchase_signals.VERSION, 0.99, "rec", 1.0, currency="EUR")
    )
    assert found.there
    assert "cards_1h" in {one.source for one in found.weighing.against}
    assert "card_ip_mismatch" not in {one.source for one in found.weighing.in_favour}
    assert any("€" in one.value for one in found.signals)
    assert found.weighing.thresholds == (("hold", 0.99),)


async def test_nobody(tmp_path: Path) -> None:
    """Without a record nothing is known."""
    found = await Weigher(lambda: policy(tmp_path)).weigh(None)
    assert (found.risk, found.against, found.in_favour) == (None, (), ())


async def test_a_model_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder that is gone is a model that is not here, and no fault."""
    risk = {"requests": {"model": "nowhere", "throttle": {"above": 0.999, "bucket": {"capacity": 5}}, "mode": "shadow"}}
    broken = Policy(parse_policy({"version": 1, "limits": LIMITS, "risk": risk}, str(tmp_path / "p.yaml")))
    assert not (await Weigher(lambda: broken).again(vector("any"))).there
