"""A model in service: what training knew comes out of its folder, ranks rise, gaps are borne, and arrays that do not fit are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ratelimit.anomaly.artifact import ArtifactError, write_artifact
from ratelimit.anomaly.kind_model import KindModel, Parts
from ratelimit.anomaly.manifest import Manifest
from ratelimit.anomaly.model import Model
from ratelimit.core.signals import COLUMN, SIGNALS, Kind, applicable
from tests.anomaly.models import parts, signals, usual, write


@pytest.fixture(scope="module")
def made() -> dict[Kind, Parts]:
    """Two kinds of subject, one of them with labels; both calibrated."""
    return {"api_key": parts("api_key", labels=True), "ip": parts("ip")}


def test_round_trip(tmp_path: Path, manifest: Manifest, made: dict[Kind, Parts]) -> None:
    """A model that was written and read says the same as the one that was trained."""
    version = write(tmp_path, manifest, made)
    model = Model.read(tmp_path)
    assert model.version == version
    assert model.calibrated
    for kind, its in made.items():
        rows, plans = signals(kind, 100, seed=3), ["free", None] * 50
        before = KindModel(kind, its)
        assert model.raw(kind, rows).tolist() == before.raw(rows).tolist()
        assert model.score(kind, rows, plans).tolist() == before.risks(rows, plans).tolist()
        assert np.array_equal(model.p_fraud(kind, rows), before.p_fraud(rows), equal_nan=True)
        assert [model.reasons(kind, row) for row in rows] == before.reasons(rows)


def test_risk_is_the_rank_of_the_score(made: dict[Kind, Parts]) -> None:
    """Whoever is more unusual has no smaller risk; of days like those of the calibration every risk comes as often as it says."""
    model, rows = KindModel("ip", made["ip"]), signals("ip", 3_000, seed=2)
    scores, risks = model.raw(rows), model.risks(rows, [None] * len(rows))
    assert (np.diff(risks[np.argsort(scores)]) >= 0).all()
    assert ((scores > 0) & (scores < 1)).all()
    for share in (0.5, 0.9, 0.99):
        assert (risks > share).mean() == pytest.approx(1 - share, abs=0.01)


def test_unusual_is_up(made: dict[Kind, Parts]) -> None:
    """Somebody who does all in great numbers has a risk above everybody's, and what is farthest out are the reasons."""
    row = usual("api_key")
    for column, signal in enumerate(SIGNALS):
        if signal.unit in ("requests", "tokens", "paths", "addresses", "networks"):
            row[column] = 900 if signal.name.endswith("_14d") else 90_000
    model = KindModel("api_key", made["api_key"])
    low, high = model.risks(np.stack([usual("api_key"), row]), [None, None])
    assert low < 0.3
    assert high > 0.99
    (reasons,) = model.reasons(row[None])
    assert len(reasons) == 3
    for reason in reasons:
        assert reason.value == 90_000
        assert reason.value > reason.high > reason.low
        assert reason.tail_share <= 0.05


def test_labels_give_a_probability(made: dict[Kind, Parts]) -> None:
    """What labels taught is told as a probability; a model without labels tells none."""
    rows = signals("api_key", 300, seed=4)
    chances = KindModel("api_key", made["api_key"]).p_fraud(rows)
    fraud = rows[:, COLUMN["failed_logins_1d"]] > 8
    assert ((chances >= 0) & (chances <= 1)).all()
    assert chances[fraud].mean() > chances[~fraud].mean() + 0.3
    assert np.isnan(KindModel("ip", made["ip"]).p_fraud(signals("ip", 3))).all()


def test_gaps(made: dict[Kind, Parts]) -> None:
    """One signal that is missing or infinite leaves a risk; with over 30 % of those of its kind missing there is none."""
    model, row = KindModel("api_key", made["api_key"]), usual("api_key")
    columns = np.flatnonzero(applicable("api_key"))
    for value in (np.nan, np.inf, -np.inf):
        rows = np.repeat(row[None], len(columns), axis=0)
        rows[np.arange(len(columns)), columns] = value
        rows[:, COLUMN["age_s"]] = 1e6
        assert np.isfinite(model.risks(rows, [None] * len(rows))).all()
        assert all(len(reasons) == 3 for reasons in model.reasons(rows))
    most = int(0.3 * len(columns))
    rows = np.stack([row, row])
    rows[0, columns[:most]] = np.nan
    rows[1, columns[: most + 1]] = np.nan
    assert np.isnan(model.risks(rows, [None, None])).tolist() == [False, True]
    assert np.isnan(model.p_fraud(rows)).tolist() == [False, True]
    assert model.reasons(np.full((1, len(SIGNALS)), np.nan)) == [()]


def test_without_calibration_there_is_no_risk(tmp_path: Path, manifest: Manifest) -> None:
    """A model that knows only its training has scores, to be watched, and no risk."""
    write(tmp_path, manifest, {"ip": parts("ip", calibrated=False)})
    model, rows = Model.read(tmp_path), signals("ip", 5)
    assert not model.calibrated
    assert np.isnan(model.score("ip", rows, [None] * 5)).all()
    assert np.isfinite(model.raw("ip", rows)).all()


def test_unknown_kind(tmp_path: Path, manifest: Manifest, made: dict[Kind, Parts]) -> None:
    """Of a kind that the model was not trained for nothing is known, and nothing breaks."""
    write(tmp_path, manifest, made)
    model, rows = Model.read(tmp_path), signals("account", 2)
    for said in (model.score("account", rows, [None, None]), model.raw("account", rows), model.p_fraud("account", rows)):
        assert np.isnan(said).tolist() == [True, True]
    assert model.reasons("account", rows[0]) == ()


ONE = np.zeros(1)
BROKEN: list[tuple[dict[str, NDArray[Any]], str]] = [
    ({"ip/value": np.zeros((20, 256), np.float32)}, "ip/value holds float32; expected float64"),
    ({"ip/new": ONE}, "ip/new holds float64; expected no such array"),
    ({"ip/feature": np.full((20, 255), 99, np.int16)}, "ip/: feature reaches from 99 to 99"),
    ({"ip/feature": np.zeros((20, 7), np.int16)}, "ip/: feature has the shape (20, 7)"),
    ({"ip/threshold": np.full((20, 255), np.nan, np.float32)}, "threshold holds NaN"),
    ({"ip/fills": ONE}, "fills has the shape (1,)"),
    ({"ip/normal": np.zeros(2)}, "normal has the shape (2,)"),
    ({"ip/normal": ONE}, "normal is 0.0; expected a number above 0"),
    ({"ip/normal": ONE + np.nan}, "normal has the shape (1,); expected one finite number"),
    ({"ip/edges": np.zeros((1, 1))}, "edges has the shape (1, 1)"),
    ({"ip/rank_ends": np.array([1, 2])}, "ranks of 1 cohorts end at [1, 2]"),
    ({"ip/rank_ends": np.array([0]), "ip/rank_scores": np.zeros(0), "ip/rank_risks": np.zeros(0)}, "ranks of 1 cohorts end at [0]"),
    ({"ip/rank_ends": np.array([2]), "ip/rank_scores": np.array([0.5, 0.4]), "ip/rank_risks": np.array([0.0, 1])}, "a rank falls"),
    ({"ip/rank_ends": np.array([2]), "ip/rank_scores": np.array([0.4, 0.5]), "ip/rank_risks": np.array([0.0, 1.1])}, "a rank falls"),
    ({"ip/rank_ends": np.array([2]), "ip/rank_scores": np.array([0.4, 0.5]), "ip/rank_risks": np.array([np.nan, 1])}, "a rank falls"),
    ({"api_key/fraud_value": np.zeros((3, 3))}, "api_key/: value has the shape (3, 3)"),
    ({"api_key/fraud_baseline": ONE + np.inf}, "fraud_baseline has the shape (1,)"),
]


@pytest.mark.parametrize(("changed", "problem"), BROKEN, ids=[row[1] for row in BROKEN])
def test_arrays_that_do_not_fit(
    tmp_path: Path, manifest: Manifest, made: dict[Kind, Parts], changed: dict[str, NDArray[Any]], problem: str
) -> None:
    """Arrays with the right digest that are no model are refused, with the array and what was expected."""
    write(tmp_path, manifest, made, **changed)
    with pytest.raises(ArtifactError) as refused:
        Model.read(tmp_path)
    assert problem in str(refused.value)


@pytest.mark.parametrize("name", ["threshold", "levels", "logged", "normal", "rank_risks", "fraud_feature", "fraud_baseline"])
def test_missing_array(tmp_path: Path, manifest: Manifest, made: dict[Kind, Parts], name: str) -> None:
    """A model without one of its arrays is refused by the array's name."""
    arrays = made["api_key"].arrays("api_key")
    del arrays[f"api_key/{name}"]
    write(tmp_path, manifest, made)
    calibrated = Model.read(tmp_path).manifest
    write_artifact(tmp_path, calibrated, arrays, {})
    with pytest.raises(ArtifactError, match=f"api_key/{name} is missing"):
        Model.read(tmp_path)


def test_no_model_at_all(tmp_path: Path, manifest: Manifest) -> None:
    """An artifact without a model of any kind of subject is refused."""
    write_artifact(tmp_path, manifest, {}, {})
    with pytest.raises(ArtifactError, match="holds no model of any of api_key, ip, account"):
        Model.read(tmp_path)
