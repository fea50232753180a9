"""The Fraud Detection Handbook's transactions, the split that its published figures are of, and those figures.

A model is trained on a week; a week later, when all that happened in it is known, it is judged on another. Customers that were known to be
compromised before a test day are not in it. Card precision@100: of the hundred cards with the highest chance on a day the share that was
compromised, those found on an earlier day left out, mean over the days.
"""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyarrow import parquet
from sklearn.metrics import average_precision_score, roc_auc_score

FILE: Final = "fraud/handbook-51-days.parquet"
DELAY_DAYS: Final = 7  # until it is known what a transaction was
WEEK: Final = 7
CARDS: Final = 100
TRAINED_WITH_LABELS: Final = np.datetime64("2018-07-25", "s")
TRAINED_WITHOUT: Final = np.datetime64("2018-07-11", "s")
PUBLISHED: Final = {
    "with labels": {
        "logistic regression": (0.871, 0.606, 0.291),
        "random forest": (0.867, 0.658, 0.287),
        "XGBoost": (0.862, 0.639, 0.273),
    },
    "without labels": {"isolation forest": (0.808, 0.164, 0.190), "autoencoder": (0.836, 0.180, 0.217)},
}

_DAY_S: Final = 86_400

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Transactions(NamedTuple):
    """By time; `at` in seconds since the epoch, `cents` as paid, `day` counted since the epoch."""

    at: NDArray[np.int64]
    customer: NDArray[np.int64]
    terminal: NDArray[np.int64]
    cents: NDArray[np.int64]
    fraud: Flags

    @property
    def day(self) -> NDArray[np.int64]:
        """The day of each."""
        return self.at // _DAY_S

    def only(self, chosen: NDArray[np.intp]) -> "Transactions":
        """Some of them."""
        return Transactions(self.at[chosen], self.customer[chosen], self.terminal[chosen], self.cents[chosen], self.fraud[chosen])


class Figures(NamedTuple):
    """As the Handbook gives them."""

    auc: float
    average_precision: float
    card_precision: float


def read(data: Path) -> Transactions:
    """All transactions of the file."""
    table = parquet.read_table(data / FILE)
    at = table.column("TX_DATETIME").to_numpy().astype("datetime64[s]").astype(np.int64)
    order = np.lexsort((table.column("TRANSACTION_ID").to_numpy(), at))
    customer, terminal, amount, fraud = (
        table.column(name).to_numpy()[order] for name in ("CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD")
    )
    cents = np.rint(amount.astype(np.float64) * 100).astype(np.int64)
    return Transactions(at[order], customer.astype(np.int64), terminal.astype(np.int64), cents, fraud == 1)


def first_day(begin: np.datetime64) -> int:
    """The day since the epoch on which a training begins."""
    return int(begin.astype(np.int64)) // _DAY_S


def trained(all_: Transactions, first: int) -> Flags:
    """Which transactions are in the week of training."""
    return (all_.day >= first) & (all_.day < first + WEEK)


def tested(all_: Transactions, first: int) -> Flags:
    """Which are judged: those of the week after the delay, but for customers known to be compromised by then."""
    day = all_.day
    found = np.zeros(len(day), bool)
    for test in range(first + WEEK + DELAY_DAYS, first + 2 * WEEK + DELAY_DAYS):
        known = np.unique(all_.customer[all_.fraud & (day >= first) & (day < test - DELAY_DAYS)])
        found |= (day == test) & ~np.isin(all_.customer, known)
    return found


def figures(judged: Transactions, scores: Floats) -> Figures:
    """How well these scores find the frauds among what is judged."""
    auc, precision = float(roc_auc_score(judged.fraud, scores)), float(average_precision_score(judged.fraud, scores))
    return Figures(auc, precision, card_precision(judged, scores))


def card_precision(judged: Transactions, scores: Floats) -> float:
    """Of CARDS cards a day the share that was compromised."""
    found = np.zeros(0, np.int64)
    shares = []
    for day in np.unique(judged.day):
        rows = np.flatnonzero((judged.day == day) & ~np.isin(judged.customer, found))
        cards, place = np.unique(judged.customer[rows], return_inverse=True)
        highest, bad = np.full(len(cards), -np.inf), np.zeros(len(cards), bool)
        np.maximum.at(highest, place, scores[rows])
        np.logical_or.at(bad, place, judged.fraud[rows])
        shown = np.argsort(-highest, kind="stable")[:CARDS]
        shares.append(bad[shown].sum() / CARDS)
        found = np.union1d(found, cards[shown[bad[shown]]])
    return float(np.mean(shares))
