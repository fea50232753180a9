"""Judges a model on a log: at a budget of one honest subject a day in a thousand, what abuse does it find, and how soon?

What counts as found is a subject whose risk went beyond the budget while it was doing wrong. Ranks come from the model where it is
calibrated, and then the false alarms are what a site would have had; else from the honest days of this very log, and then they keep the
budget by construction. A subject with a label is nobody's example of honesty, also outside its time, since what is remembered of it fades
slowly. Where there are no labels, what can be said is who was flagged and why.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from ratelimit.anomaly.build import OnKind, Trails, date
from ratelimit.anomaly.calibration import BUDGET, rank_days
from ratelimit.anomaly.days import Days, chances_of, days_of, scores_of
from ratelimit.anomaly.evaluation_report import By, Evaluation, Found, KindReport, Share
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.label import Label, Marks, marks_of
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.ranks import Ranks
from ratelimit.anomaly.signal_table import ModelKind, table_of
from ratelimit.anomaly.spool import Trail
from ratelimit.core.errors import ConfigError

CASES_A_DAY: Final = (20, 50, 100)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Curve(NamedTuple):
    """Of one kind of abuse, over days."""

    name: str
    roc: tuple[Floats, Floats]  # false alarms, recall
    pr: tuple[Floats, Floats]  # recall, precision


class Judgement(NamedTuple):
    """A report, and what plots and figures over all kinds are made of: the days that were judged, and which of them were bad."""

    report: KindReport
    days: Days
    risks: Floats
    bad: Flags
    curves: list[Curve]


@dataclass(frozen=True, slots=True)
class Seen:
    """A trail as it is judged: the `scores` of its rows, what is `known` of them, and the labels of all `labelled`, scored or not."""

    kind: ModelKind
    model: KindModel
    trail: Trail
    scores: Floats
    known: Marks
    labelled: Sequence[Label] = ()


def judge(seen: Seen, ranks: Ranks | None) -> Judgement:
    """The judgement of a trail; `ranks` None: those of its own honest days."""
    trail, bad_rows = seen.trail, seen.known.bad
    days = days_of(trail, seen.scores, bad_rows | seen.known.unblemished(trail))
    bad = bad_rows[days.row]
    ranks = ranks or rank_days(days.only(np.flatnonzero(~bad)))
    risks = days.risks(ranks)
    flagged = risks > 1 - BUDGET
    found, curves = _abuses(seen, ranks, days)
    report = KindReport(
        subjects=len(np.unique(days.subject)),
        days=len(days),
        flagged_subjects=len(np.unique(days.subject[flagged])),
        flagged_days=int(flagged.sum()),
        alarms=Share.of(int((flagged & ~bad).sum()), int((~bad).sum())),
        found=found,
        reasons=_reasons(seen, days.only(np.flatnonzero(flagged))),
    )
    return Judgement(report, days, risks, bad, curves)


def precision_at(judgements: Sequence[Judgement], cases_a_day: int) -> Share:
    """Of so many cases a day, those of the highest risk of all kinds of subjects together, the share that was abuse."""
    day, risk, score, bad = (
        np.concatenate(parts) for parts in zip(*((one.days.day, one.risks, one.days.score, one.bad) for one in judgements), strict=True)
    )
    order = np.lexsort((-score, -risk, day))
    place = np.arange(len(order)) - np.searchsorted(day[order], day[order])
    shown = order[place < cases_a_day]
    return Share.of(int(bad[shown].sum()), len(shown))


def _abuses(seen: Seen, ranks: Ranks, days: Days) -> tuple[list[Found], list[Curve]]:
    """For each kind of abuse, plain and evasive, how much of it was found, and the curves of its days against the honest ones."""
    mark = seen.known.mark[days.row]
    honest = ~seen.known.bad[days.row]
    found, curves = [], []
    first, begun = _first_flagged(seen, ranks), _begun(seen)
    for name in sorted({label.name for label in seen.labelled if label.bad}):
        own = [number for number, label in enumerate(seen.known.own) if label.name == name]
        its_days = np.isin(mark, own)
        scores, truth = days.score[its_days | honest], its_days[its_days | honest]
        curve = None
        if truth.any() and not truth.all():
            curve = _curve(name, truth, scores)
            curves.append(curve)
        labels = [label for label in seen.labelled if label.name == name]
        waits = [first[number] - begun[number] for number in own if number in first]
        found.append(
            Found(
                abuse=labels[0].abuse,
                evasive=labels[0].evasive,
                scored=len(np.unique(mark[its_days])),
                recall=Share.of(len(waits), len(labels)),
                median_s=float(np.median(waits)) if waits else None,
                auc=float(roc_auc_score(truth, scores)) if curve else None,
                average_precision=float(average_precision_score(truth, scores)) if curve else None,
            )
        )
    return found, curves


def _first_flagged(seen: Seen, ranks: Ranks) -> dict[int, int]:
    """For each label the tick at which its subject was beyond the budget for the first time."""
    rows = np.flatnonzero(seen.known.bad & ~np.isnan(seen.scores))
    plans = [seen.trail.plans[number] for number in seen.trail.plan[rows].tolist()]
    risks = ranks.risks(seen.scores[rows], plans, seen.trail.rows(rows)[:, table_of(seen.kind).age])
    first: dict[int, int] = {}
    for row in rows[risks > 1 - BUDGET].tolist():  # by time
        first.setdefault(int(seen.known.mark[row]), int(seen.trail.tick[row]))
    return first


def _begun(seen: Seen) -> dict[int, int]:
    """For each label the tick at which its subject was first scored while doing wrong: a profile begins after ten requests."""
    rows = np.flatnonzero(seen.known.bad & ~np.isnan(seen.scores))
    labels, places = np.unique(seen.known.mark[rows], return_index=True)  # by time
    return dict(zip(labels.tolist(), seen.trail.tick[rows[places]].tolist(), strict=True))


def _curve(name: str, truth: Flags, scores: Floats) -> Curve:
    false_alarms, recall, _ = roc_curve(truth, scores)
    precision, of_recall, _ = precision_recall_curve(truth, scores)
    return Curve(name, (false_alarms, recall), (of_recall, precision))


def _reasons(seen: Seen, flagged: Days) -> dict[str, int]:
    """By signal the flagged subjects of which it was the first reason, on their most unusual day."""
    if not len(flagged):
        return {}
    order = np.lexsort((-flagged.score, flagged.subject))
    _, begins = np.unique(flagged.subject[order], return_index=True)
    reasons = seen.model.reasons(seen.trail.rows(flagged.row[order[begins]]))
    return dict(Counter(found[0].signal for found in reasons if found).most_common())


def evaluate(
    model: Model, trails: Trails, labels: Sequence[Label], on_kind: OnKind
) -> dict[By, tuple[Evaluation, dict[ModelKind, Judgement]]]:
    """The evaluation of a model on a log, by its forest and, where labels taught it, by those. Raises ConfigError for an empty log."""
    if not any(len(trail) for trail in trails.values()):
        raise ConfigError(["nobody in this log asked often enough to have a profile; expected subjects that ask ten times or more"])
    judged: dict[By, dict[ModelKind, Judgement]] = {"unusual": {}}
    for kind, known in model.kinds.items():
        if not len(trails[kind]):
            continue
        on_kind(kind)
        own = [label for label in labels if label.kind == kind and label.bad]
        seen = Seen(kind, known, trails[kind], scores_of(known, trails[kind]), marks_of(trails[kind], kind, labels), own)
        judged["unusual"][kind] = judge(seen, known.parts.ranks)
        if known.parts.fraud is not None:
            judged.setdefault("labels", {})[kind] = judge(replace(seen, scores=chances_of(known, trails[kind])), None)
    return {by: (_evaluation(model, by, trails, labels, found), found) for by, found in judged.items()}


def _evaluation(model: Model, by: By, trails: Trails, labels: Sequence[Label], judged: dict[ModelKind, Judgement]) -> Evaluation:
    calibration = model.manifest.calibration if by == "unusual" else None
    days = np.concatenate([trail.day[[0, -1]] for trail in trails.values() if len(trail)])
    return Evaluation(
        version=model.version,
        by=by,
        ranked="on this log" if calibration is None else "on simulated days" if calibration.simulated else "by the model",
        first=date(int(days.min())),
        last=date(int(days.max())),
        labels=len(labels),
        kinds={kind: one.report for kind, one in judged.items()},
        precision={str(cases): precision_at(list(judged.values()), cases) for cases in CASES_A_DAY} if labels else {},
    )
