"""A trail seen by the day: each subject's most unusual row of each day (UTC), since one is enough to be acted upon."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.ranks import Ranks
from ratelimit.anomaly.signal_table import table_of
from ratelimit.anomaly.spool import Indices, Trail

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Days:
    """A day of a subject each: its greatest `score`, in which `row` of the trail that was, and what the subject then was."""

    subject: NDArray[np.int32]
    day: NDArray[np.int64]
    score: Floats
    row: Indices
    plan: tuple[str | None, ...]
    age_s: Floats

    def __len__(self) -> int:
        return len(self.day)

    def only(self, chosen: Indices) -> "Days":
        """Some of them, or some more than once."""
        plan = tuple(self.plan[index] for index in chosen.tolist())
        subject, day, row = self.subject[chosen], self.day[chosen], self.row[chosen]
        return Days(subject, day, self.score[chosen], row, plan, self.age_s[chosen])

    def risks(self, ranks: Ranks) -> Floats:
        """The risk of each, among its peers."""
        return ranks.risks(self.score, self.plan, self.age_s)


def scores_of(model: KindModel, trail: Trail) -> Floats:
    """The score of each row; NaN where too much is missing."""
    scores = np.empty(len(trail))
    for part, rows in trail.chunks():
        scores[part] = np.where(model.lacking(rows), np.nan, model.raw(rows))
    return scores


def chances_of(model: KindModel, trail: Trail) -> Floats:
    """The probability of fraud of each row, as labels taught it."""
    return np.concatenate([model.p_fraud(rows) for _, rows in trail.chunks()])


def days_of(trail: Trail, scores: Floats, chosen: NDArray[np.bool_]) -> Days:
    """The days of the chosen rows that have a score."""
    rows = np.flatnonzero(chosen & ~np.isnan(scores))
    subject, day = trail.subject[rows], trail.day[rows]
    order = np.lexsort((scores[rows], day, subject))
    last = np.ones(len(order), bool)
    if len(order):
        last[:-1] = (np.diff(subject[order]) != 0) | (np.diff(day[order]) != 0)
    greatest = rows[order[last]]
    plan = tuple(trail.plans[number] for number in trail.plan[greatest].tolist())
    age_s = trail.signals[trail.place[greatest], table_of(trail.kind).age].astype(np.float64)
    return Days(trail.subject[greatest], trail.day[greatest], scores[greatest], greatest, plan, age_s)
