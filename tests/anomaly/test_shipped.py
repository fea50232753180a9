"""The models that are shipped: they can be read, and have no risk to give before they are calibrated on a site's own days."""

from pathlib import Path

import numpy as np

from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.core.purchase_signals import NAMES

MODELS = Path(__file__).parents[2] / "models"


def test_requests() -> None:
    """All kinds of subjects."""
    model = Model.read(MODELS / "requests")
    assert model.kinds.keys() == {"api_key", "ip", "account"}
    assert not model.calibrated


def test_purchases() -> None:
    """Taught by labels, so a chance of fraud is known, and a risk is not."""
    model = PurchaseModel.read(MODELS / "purchases")
    row = np.zeros((1, len(NAMES)))
    assert 0 < model.p_fraud(row)[0] < 1
    assert np.isnan(model.score(row)[0])
