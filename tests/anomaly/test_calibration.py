"""Calibration: a risk above 0.999 is one honest subject a day in a thousand, also on days that it was not made of."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ratelimit.anomaly.artifact import write_artifact
from ratelimit.anomaly.build import Trails, build
from ratelimit.anomaly.calibration import BUDGET, Ranking, calibrate, rank_days, share_beyond
from ratelimit.anomaly.days import Days, days_of, scores_of
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.recipe import Recipe
from ratelimit.core.errors import ConfigError
from ratelimit.core.signals import NAMES
from tests.anomaly.models import signals
from tests.anomaly.trails import FIRST_DAY, LOUD, labels, spooled

HONEST, BAD = 250, 20
RECIPE = Recipe(trees=20, held_days=2)


def made_up(subjects: int, days: int, seed: int, spread: float = 0.5) -> Days:
    """Days whose scores depend on the subject as well as on the day; every third has another plan, and higher scores."""
    rng = np.random.default_rng(seed)
    subject, day = np.repeat(np.arange(subjects, dtype=np.int32), days), np.tile(np.arange(days, dtype=np.int64), subjects)
    own = rng.normal(0, spread, subjects)[subject] + (subject % 3 == 0)
    score = 1 / (1 + np.exp(-own - rng.normal(0, 1, len(subject))))
    plans = tuple("pro" if one % 3 == 0 else "free" for one in subject.tolist())
    return Days(subject, day, score, np.arange(len(day)), plans, day.astype(np.float64) * 86_400)


def test_the_budget_holds_on_other_subjects() -> None:
    """Of those whom it has not seen one day in a thousand is beyond, in each plan, though one plan's scores are higher."""
    ranks = rank_days(made_up(4_000, 10, seed=1))
    others = made_up(6_000, 10, seed=2)
    beyond = others.risks(ranks) > 1 - BUDGET
    for plan in ("free", "pro"):
        own = np.array([one == plan for one in others.plan])
        assert beyond[own].mean() == pytest.approx(BUDGET, abs=5e-4)
    plain = rank_days(Days(**{**{name: getattr(others, name) for name in Days.__slots__}, "plan": ("",) * len(others)}))
    assert {(cohort.plan, cohort.age) for cohort in plain.cohorts} >= {(None, None), ("", None)}


def test_the_interval_holds_the_truth_and_knows_that_subjects_are_alike() -> None:
    """It is wider where a subject's days are like one another: then there is less to learn from as many days."""
    alike, unlike = (share_beyond(made_up(1_000, 10, seed=3, spread=spread), seed=1) for spread in (2.0, 0.0))
    for share in (alike, unlike):
        assert share.low < BUDGET < share.high
        assert share.low <= share.value <= share.high
    assert alike.high - alike.low > unlike.high - unlike.low


def test_only_subjects_that_were_not_drawn_count() -> None:
    """Of thirty subjects who differ much, one of whom it knows nothing is often beyond; those whom it was ranked on never are."""
    days = made_up(30, 400, seed=4, spread=3.0)
    assert (days.risks(rank_days(days)) > 1 - BUDGET).mean() <= BUDGET
    assert share_beyond(days, seed=1).value > 0.02


@pytest.fixture(scope="module")
def trails(tmp_path_factory: pytest.TempPathFactory) -> Trails:
    """Keys over seven days; some of them are bad in the last two."""
    with spooled(tmp_path_factory.mktemp("spool"), ["api_key"], honest=HONEST, days=7, bad=BAD, bad_from=5) as found:
        return found


@pytest.fixture(scope="module")
def model(trails: Trails, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Trained on all but the last two."""
    folder = tmp_path_factory.mktemp("model")
    built = build(trails, [], RECIPE, lambda _kind: None)
    write_artifact(folder, built.manifest, built.arrays, {})
    return Model.read(folder)


def test_each_subject_has_its_worst_row_of_a_day(trails: Trails, model: Model) -> None:
    """A day is the row with the greatest score; rows that say too little, and those not chosen, are none."""
    trail, chosen = trails["api_key"], np.ones(len(trails["api_key"]), bool)
    scores = scores_of(model.kinds["api_key"], trail)
    days = days_of(trail, scores, chosen)
    assert len(days) == 7 * (HONEST + BAD)
    for subject, day, score, row in list(zip(days.subject, days.day, days.score, days.row, strict=True))[::97]:
        own = (trail.subject == subject) & (trail.day == day)
        assert score == scores[own].max() == scores[row]
    scores[trail.day == FIRST_DAY] = np.nan
    chosen[trail.day == FIRST_DAY + 1] = False
    assert set(days_of(trail, scores, chosen).day) == set(range(FIRST_DAY + 2, FIRST_DAY + 7))


def test_only_ranks_change(trails: Trails, model: Model, tmp_path: Path) -> None:
    """Calibrating leaves forest and tables as they are; only days after training count, and confirmed abuse does not."""
    known = labels("api_key", honest=HONEST, bad=BAD, bad_from=5)
    built = calibrate(model, trails, known, Ranking(least=100), lambda _kind: None)
    before = model.kinds["api_key"].parts.arrays("api_key")
    assert all(built.arrays[name].tobytes() == array.tobytes() for name, array in before.items())
    calibration = built.manifest.calibration
    assert calibration is not None
    assert (calibration.first, calibration.last) == ("2026-03-07", "2026-03-08")
    assert calibration.cohorts["api_key"][0].subject_days == 2 * HONEST
    assert calibration.metrics["api_key"]["subjects"] == HONEST
    assert built.manifest.trained == model.manifest.trained
    write_artifact(tmp_path, built.manifest, built.arrays, {})
    assert Model.read(tmp_path).calibrated


def test_drift_is_told_from_the_days_of_calibration(trails: Trails, model: Model, tmp_path: Path) -> None:
    """Honest rows of those days have an index near 0 in every signal and in risk, and the loud ones' differ where they are loud."""
    built = calibrate(model, trails, labels("api_key", honest=HONEST, bad=BAD, bad_from=5), Ranking(least=100), lambda _kind: None)
    write_artifact(tmp_path, built.manifest, built.arrays, {})
    ranked, trail = Model.read(tmp_path), trails["api_key"]
    spread = ranked.spread("api_key")
    assert spread is not None
    assert ranked.spread("ip") is None

    def psi(chosen: NDArray[np.bool_]) -> dict[str, float]:
        rows = trail.rows(np.flatnonzero(chosen))
        values = np.column_stack([rows, ranked.score("api_key", rows, ["free"] * len(rows))])
        return dict(zip((*NAMES, "risk"), spread.psi(spread.counts(values)).tolist(), strict=True))

    late = trail.day >= FIRST_DAY + 5
    assert max(psi(late & (trail.subject < HONEST)).values()) < 1e-9
    bad = psi(late & (trail.subject >= HONEST))
    assert {name for name in LOUD if bad[name] > 0.25} == set(LOUD)
    assert bad["risk"] > 0.25
    assert bad["burst"] < 0.25


def test_simulated_days_give_no_risk(trails: Trails, model: Model, tmp_path: Path) -> None:
    """A model that was ranked on days that nobody lived can be judged, and acts on nobody."""
    built = calibrate(model, trails, [], Ranking(least=100, simulated=True), lambda _kind: None)
    write_artifact(tmp_path, built.manifest, built.arrays, {})
    ranked = Model.read(tmp_path)
    rows = signals("api_key", 50)
    assert not ranked.calibrated
    assert np.isnan(ranked.score("api_key", rows, ["free"] * 50)).all()
    assert not np.isnan(ranked.kinds["api_key"].risks(rows, ["free"] * 50)).any()


def test_too_few_days(trails: Trails, model: Model) -> None:
    """Ten thousand days of subjects are the least; what was found is said."""
    with pytest.raises(ConfigError, match=r"api_key: 540 subject-days .*; expected at least 10,000"):
        calibrate(model, trails, [], Ranking(), lambda _kind: None)
