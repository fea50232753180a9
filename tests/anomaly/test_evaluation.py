"""Evaluation: what is found, how soon and at what price, on trails of which everything is known."""

from pathlib import Path

import numpy as np
import pytest

from ratelimit.anomaly.build import Trails
from ratelimit.anomaly.calibration import BUDGET
from ratelimit.anomaly.card import card, findings
from ratelimit.anomaly.evaluation import Judgement, Seen, evaluate, judge, precision_at
from ratelimit.anomaly.evaluation_report import Share
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.label import Label, marks_of
from ratelimit.anomaly.manifest import Manifest
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.plot import plots
from ratelimit.core.errors import ConfigError
from ratelimit.core.profile import TICKS_PER_DAY
from tests.anomaly.models import parts, write
from tests.anomaly.trails import FIRST_DAY, labels, spooled

HONEST, BAD, DAYS, BAD_FROM = 600, 10, 4, 1


@pytest.fixture(scope="module")
def trails(tmp_path_factory: pytest.TempPathFactory) -> Trails:
    """Keys over four days; some of them are bad from the second on."""
    with spooled(tmp_path_factory.mktemp("spool"), ["api_key"], honest=HONEST, days=DAYS, bad=BAD, bad_from=BAD_FROM) as found:
        return found


@pytest.fixture(scope="module")
def known() -> list[Label]:
    """Their labels, and one of a key that never asked."""
    found = labels("api_key", honest=HONEST, bad=BAD, bad_from=BAD_FROM)
    return [*found, found[0]._replace(subject="never seen")]


@pytest.fixture(scope="module")
def model() -> KindModel:
    """Of the same kind; it is not ranked."""
    return KindModel("api_key", parts("api_key", calibrated=False))


def judged(trails: Trails, known: list[Label], model: KindModel, scores: np.ndarray) -> Judgement:
    trail = trails["api_key"]
    return judge(Seen("api_key", model, trail, scores, marks_of(trail, "api_key", known), known), None)


def truth(trails: Trails, known: list[Label]) -> np.ndarray:
    """Scores that know everything but in which row of a day."""
    trail = trails["api_key"]
    noise = np.random.default_rng(5).random(len(trail)) * 0.4
    return noise + 0.5 * marks_of(trail, "api_key", known).bad


def test_scores_that_know_all_find_all(trails: Trails, known: list[Label], model: KindModel) -> None:
    """All that were seen are found at once, within the budget; who was never seen counts as missed."""
    report = judged(trails, known, model, truth(trails, known)).report
    plain, evasive = report.found
    assert (plain.abuse, plain.evasive, plain.scored, plain.recall.part, plain.recall.whole) == ("loud", False, 5, 5, 6)
    assert (evasive.evasive, evasive.recall.part, evasive.recall.whole) == (True, 5, 5)
    assert plain.auc == evasive.auc == plain.average_precision == 1.0
    assert plain.median_s == 0.0
    assert report.alarms.whole == HONEST * DAYS
    assert report.alarms.part <= BUDGET * report.alarms.whole
    assert report.flagged_subjects == BAD + len({report.alarms.part} - {0})


def test_time_is_counted_from_the_beginning(trails: Trails, known: list[Label], model: KindModel) -> None:
    """Who is beyond the budget only two rows later was found two rows later."""
    trail, scores = trails["api_key"], truth(trails, known)
    scores[trail.tick < (FIRST_DAY + BAD_FROM) * TICKS_PER_DAY + 2 * 3_600] *= 0.1
    assert [one.median_s for one in judged(trails, known, model, scores).report.found] == [7_200.0, 7_200.0]


def test_chance_finds_nothing(trails: Trails, known: list[Label], model: KindModel) -> None:
    """Scores that know nothing have an AUC about one half, and no time to anything."""
    scores = np.random.default_rng(6).random(len(trails["api_key"]))
    for found in judged(trails, known, model, scores).report.found:
        assert found.auc == pytest.approx(0.5, abs=0.2)
        assert found.recall.part <= 1


def test_the_past_of_the_bad_is_nobodys_example(trails: Trails, known: list[Label], model: KindModel) -> None:
    """Days of a subject before its label are neither good nor bad."""
    assert len(judged(trails, known, model, truth(trails, known)).days) == HONEST * DAYS + BAD * (DAYS - BAD_FROM)


def test_precision_counts_the_highest_risks_of_each_day(trails: Trails, known: list[Label], model: KindModel) -> None:
    """Of twenty cases a day the ten bad ones are ten; on the first day nobody is bad."""
    one = judged(trails, known, model, truth(trails, known))
    share = precision_at([one], 20)
    assert (share.part, share.whole) == (BAD * (DAYS - BAD_FROM), 20 * DAYS)
    assert (precision_at([one, one], 20).part, precision_at([one], 5).part) == (20 * 3, 5 * 3)


def test_without_labels_it_says_who_and_why(trails: Trails, model: KindModel) -> None:
    """The flagged are counted by their first reason."""
    report = judged(trails, [], model, truth(trails, [])).report
    assert report.found == []
    assert sum(report.reasons.values()) == report.flagged_subjects
    assert report.flagged_days == report.alarms.part


def test_an_empty_log_is_said(tmp_path: Path, manifest: Manifest) -> None:
    """There is nothing to judge by."""
    write(tmp_path / "model", manifest, {"api_key": parts("api_key")})
    with (
        spooled(tmp_path / "spool", [], honest=0, days=0) as nothing,
        pytest.raises(ConfigError, match="nobody in this log asked often enough"),
    ):
        evaluate(Model.read(tmp_path / "model"), nothing, [], lambda _kind: None)


def test_report_and_plots_are_the_same_each_time(trails: Trails, known: list[Label], manifest: Manifest, tmp_path: Path) -> None:
    """By the forest and by labels; ranked by the model; in words, and as plots of the same bytes."""
    write(tmp_path, manifest, {"api_key": parts("api_key", labels=True)})
    model = Model.read(tmp_path)
    found = evaluate(model, trails, known, lambda _kind: None)
    assert [(one.by, one.ranked) for one, _ in found.values()] == [("unusual", "by the model"), ("labels", "on this log")]
    evaluation, kinds = found["unusual"]
    drawn = plots(kinds, evaluation.precision)
    assert set(drawn) == {"distribution.svg", "calibration.svg", "roc.svg", "precision-recall.svg", "precision.svg"}
    assert drawn == plots(kinds, evaluation.precision)
    text = findings([one for one, _ in found.values()], sorted(drawn))
    assert "| loud, evasive | 5 | 5 |" in text
    assert "![roc](roc.svg)" in text
    assert set(plots({"api_key": without_bad(kinds["api_key"])}, {})) == {"distribution.svg", "calibration.svg"}


def without_bad(one: Judgement) -> Judgement:
    """The same without anybody bad."""
    return one._replace(bad=np.zeros_like(one.bad), curves=[])


def test_the_card_warns(manifest: Manifest) -> None:
    """It says what the model must not be used for, and that it was not calibrated."""
    text = card(manifest, "ratelimit train requests usage.ndjson --out models/requests")
    assert "must not be used for" in text
    assert "`risk` is null" in text
    assert "ratelimit train requests usage.ndjson" in text


@pytest.mark.parametrize(("part", "whole", "low", "high"), [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (5, 10, 0.237, 0.763), (0, 0, 0, 1)])
def test_intervals_are_wilsons(part: int, whole: int, low: float, high: float) -> None:
    """As tables have them; of nothing everything is possible."""
    share = Share.of(part, whole)
    assert share.low == pytest.approx(low, abs=1e-3)
    assert share.high == pytest.approx(high, abs=1e-3)
