"""The model of purchases in service: risks among its peers, reasons, and nothing where it was not calibrated or too little is said."""

from pathlib import Path

import numpy as np
import pytest

from ratelimit.anomaly.artifact import ArtifactError
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel, kind_of
from ratelimit.core.protocols import PurchaseScorer
from ratelimit.core.purchase_signals import COLUMN, NAMES
from tests.anomaly.models import write
from tests.anomaly.purchases import MANIFEST, parts, rows_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "p"
    write(made, MANIFEST, {"purchase": parts()})
    return made


def asked() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A usual purchase, and the tenth card of a testing."""
    rows = np.repeat(np.median(rows_of(600), axis=0)[None], 2, axis=0)  # what the site never tells stays NaN
    rows[1, [COLUMN[name] for name in ("cards_1h", "declines_1h", "ip_cards_1h", "ip_declines_1h")]] = 10
    return rows


def test_risk_and_reasons(folder: Path) -> None:
    """Card testing is beyond all that was usual, and the signals say why; a usual purchase is not."""
    model: PurchaseScorer = PurchaseModel.read(folder)
    usual, testing = model.score(asked())
    assert model.calibrated
    assert usual < 0.9
    assert testing > 0.999
    assert {reason.signal for reason in model.reasons(asked()[1])} <= {"cards_1h", "declines_1h", "ip_cards_1h", "ip_declines_1h"}
    assert np.isnan(model.p_fraud(asked())).all()


def test_what_says_too_little_has_no_risk(folder: Path) -> None:
    """Most of what the site used to tell is missing."""
    row = np.full((1, len(NAMES)), np.nan)
    row[0, COLUMN["amount"]] = 5
    assert np.isnan(PurchaseModel.read(folder).score(row)[0])


def test_one_that_is_not_calibrated(tmp_path: Path) -> None:
    """It has a score to be judged by, and no risk."""
    write(tmp_path, MANIFEST, {"purchase": parts(calibrated=False)})
    model = PurchaseModel.read(tmp_path)
    assert not model.calibrated
    assert np.isnan(model.score(asked())).all()
    assert model.raw(asked())[1] > model.raw(asked())[0]
    assert model.spread() is None


def test_models_of_another_family_are_refused(folder: Path) -> None:
    """Each says what it was given."""
    with pytest.raises(ArtifactError, match="is a model of 'purchases'; expected one of 'requests'"):
        Model.read(folder)


@pytest.mark.parametrize(("flag", "kind"), [(None, "purchase"), ("is_setup", "setup"), ("is_grant", "grant")])
def test_peers(flag: str | None, kind: str) -> None:
    """Purchases, setups and grants are ranked each among their own."""
    row = np.zeros(len(NAMES))
    if flag is not None:
        row[COLUMN[flag]] = 1
    assert kind_of(row) == kind
