"""Training: the same to the last bit, blind to the days it must not see, and not taught by abuse that it would call usual."""

from pathlib import Path

import numpy as np
import pytest

from ratelimit.anomaly.build import Trails, build
from ratelimit.anomaly.days import scores_of
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.label import marks_of
from ratelimit.anomaly.recipe import Recipe
from ratelimit.anomaly.signal_table import table_of
from ratelimit.anomaly.training import Fitted, TooFewError, seen_columns, train
from ratelimit.core.errors import ConfigError
from ratelimit.core.signals import COLUMN, KINDS, Kind, applicable
from tests.anomaly.models import usual
from tests.anomaly.trails import FIRST_DAY, labels, spooled

RECIPE = Recipe(trees=20, held_days=2, steps=20)
HONEST, BAD = 250, 20
DAYS = (FIRST_DAY + 1, FIRST_DAY + 4)


@pytest.fixture(scope="module")
def trails(tmp_path_factory: pytest.TempPathFactory) -> Trails:
    """Keys over seven days; some of them are bad from the third on."""
    with spooled(tmp_path_factory.mktemp("spool"), ["api_key"], honest=HONEST, days=7, bad=BAD, bad_from=2) as found:
        return found


def fitted(trails: Trails, recipe: Recipe = RECIPE, *, labelled: bool = True, known_by_s: float = np.inf) -> Fitted:
    known = labels("api_key", honest=HONEST, bad=BAD, bad_from=2) if labelled else []
    return train("api_key", trails["api_key"], marks_of(trails["api_key"], "api_key", known, known_by_s), DAYS, recipe)


def loud() -> np.ndarray:
    row = usual("api_key")
    for name in ("attempts_10m", "attempts_1d", "paths", "error_share_1d", "failed_logins_1d", "agents", "cost_1d", "bytes_1d"):
        row[COLUMN[name]] *= 20
    return row[None]


def test_the_same_bits(trails: Trails) -> None:
    """Twice trained is twice the same, boosted forest included; another seed is another forest."""
    first, second = (fitted(trails).parts.arrays("api_key") for _ in range(2))
    assert first.keys() == second.keys()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    other = fitted(trails, RECIPE._replace(seed=2)).parts.arrays("api_key")
    assert first["api_key/threshold"].tobytes() != other["api_key/threshold"].tobytes()


def test_last_and_first_days_are_not_seen(trails: Trails, tmp_path: Path) -> None:
    """What happens in the days that are held back, and in those when everybody is new, changes nothing."""
    with spooled(tmp_path, ["api_key"], honest=HONEST, days=5, bad=BAD, bad_from=2) as shorter:
        before, after = fitted(shorter).parts.arrays("api_key"), fitted(trails).parts.arrays("api_key")
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


def test_abuse_is_not_learnt_as_usual(tmp_path: Path) -> None:
    """Where much of a log is abuse, a forest without what was confirmed finds it more unusual, and so does one that was trimmed."""
    bad = 100
    with spooled(tmp_path, ["api_key"], honest=HONEST, days=5, bad=bad, bad_from=0) as found:
        trail = found["api_key"]
        known = marks_of(trail, "api_key", labels("api_key", honest=HONEST, bad=bad, bad_from=0))
        nothing = marks_of(trail, "api_key", [])
        plain = RECIPE._replace(trees=60, trim=0.0)
        fits = [(known, plain), (nothing, plain), (nothing, plain._replace(trim=0.3))]
        made = [train("api_key", trail, marks, DAYS, recipe) for marks, recipe in fits]
        confirmed, with_it, trimmed = (scores_of(KindModel("api_key", one.parts), trail)[known.bad].mean() for one in made)
    assert min(confirmed, trimmed) > with_it + 0.02
    assert made[2].trimmed == pytest.approx(0.3 * (HONEST + bad), abs=2)


def test_labels_teach_only_once_they_are_known(trails: Trails) -> None:
    """A boosted forest tells the loud from the usual; before labels were known there is none."""
    taught = fitted(trails)
    assert taught.bad == BAD
    quiet_one, loud_one = KindModel("api_key", taught.parts).p_fraud(np.concatenate([usual("api_key")[None], loud()]))
    assert quiet_one < 0.05
    assert loud_one > 0.8
    untaught = fitted(trails, known_by_s=1.0)
    assert untaught.bad == 0
    assert untaught.parts.fraud is None


def test_more_failed_logins_are_never_better(trails: Trails) -> None:
    """Where a signal can only speak against somebody, the boosted forest rises with it."""
    rows = np.repeat(loud(), 50, axis=0)
    rows[:, COLUMN["failed_logins_1d"]] = np.geomspace(0.1, 1e4, 50)
    assert (np.diff(KindModel("api_key", fitted(trails).parts).p_fraud(rows)) >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_age_and_what_is_not_of_the_kind_are_not_asked_for(trails: Trails, kind: Kind) -> None:
    """No newcomer is unusual for being one: no tree asks for the age, nor for a signal that the kind does not have."""
    design = fitted(trails).parts.design
    columns = seen_columns(table_of(kind), design)
    assert COLUMN["age_s"] not in columns
    assert not np.isin(np.flatnonzero(~applicable(kind)), columns).any()
    trees = fitted(trails).parts.trees
    asked = np.unique(trees.feature[np.isfinite(trees.threshold)])
    assert np.isin(asked, seen_columns(table_of("api_key"), design)).all()
    assert len(asked) > 10


def test_too_few(tmp_path: Path) -> None:
    """A kind with few subjects is left out and said; if that is all, or the log is short, it is an error that says what would do."""
    with spooled(tmp_path, ["ip"], honest=99, days=7) as few:
        with pytest.raises(TooFewError, match=r"99 subjects .*; expected at least 100"):
            train("ip", few["ip"], marks_of(few["ip"], "ip", []), DAYS, RECIPE)
        with pytest.raises(ConfigError, match=r"api_key: 0 subjects") as error:
            build(few, [], RECIPE, lambda _kind: None)
        assert len(error.value.problems) == 3
        with pytest.raises(ConfigError, match=r"from 2026-03-02 to 2026-03-08; expected at least 9 days"):
            build(few, [], RECIPE._replace(held_days=7), lambda _kind: None)
    with spooled(tmp_path, [], honest=0, days=0) as empty, pytest.raises(ConfigError, match="nobody asked often enough"):
        build(empty, [], RECIPE, lambda _kind: None)


def test_a_model_says_what_it_was_made_of(trails: Trails) -> None:
    """Its manifest has the days, rows and subjects, the recipe and the libraries; kinds that are missing are said."""
    known = labels("api_key", honest=HONEST, bad=BAD, bad_from=2)
    built = build(trails, known, RECIPE, lambda _kind: None)
    trained = built.manifest.trained
    assert (trained.first, trained.last) == ("2026-03-03", "2026-03-06")
    assert trained.subjects["api_key"] == pytest.approx(0.98 * (HONEST + BAD), abs=2)
    assert built.manifest.metrics["recipe"]["held_days"] == 2
    assert built.manifest.metrics["taught_by"] == {"api_key": BAD}
    assert set(built.manifest.libraries) == {"numpy", "scikit-learn"}
    assert set(built.left_out) == {"ip", "account"}
