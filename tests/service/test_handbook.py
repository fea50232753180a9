"""Signals come out as the Fraud Detection Handbook defines its features, on a sample of its transactions.

The Handbook counts the transaction that is judged as well; here it is left out.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_event import Bought, Confirmed, PurchaseEvent
from ratelimit.core.purchase_signals import COLUMN
from ratelimit.history import open_purchase_history

DATA: Final = Path(os.environ.get("RATELIMIT_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "fraud"
DAY: Final = 86_400.0
DELAY: Final = 7 * DAY  # after which it is known whether a transaction was fraud
SPANS: Final = (("1d", DAY), ("7d", 7 * DAY), ("30d", 30 * DAY))
CUSTOMERS: Final = 60
TERMINALS: Final = 60

Column = NDArray[np.float64]


@pytest.fixture(scope="module")
def sample() -> dict[str, NDArray[Any]]:
    """All transactions of some customers, and all at some terminals, in order."""
    path = DATA / "handbook-51-days.parquet"
    if not path.exists():
        pytest.skip(f"no transactions of the Fraud Detection Handbook in {DATA} (RATELIMIT_TEST_DATA says where)")
    table = pq.read_table(path)
    chosen = pc.or_(pc.less(table["CUSTOMER_ID"], CUSTOMERS), pc.less(table["TERMINAL_ID"], TERMINALS))
    some = table.filter(chosen)
    return {
        "at": some["TX_DATETIME"].to_numpy().astype("datetime64[s]").astype(np.float64),
        "customer": some["CUSTOMER_ID"].to_numpy(),
        "terminal": some["TERMINAL_ID"].to_numpy(),
        "cents": np.rint(some["TX_AMOUNT"].to_numpy().astype(np.float64) * 100),
        "fraud": some["TX_FRAUD"].to_numpy().astype(np.float64),
    }


def events(sample: dict[str, NDArray[Any]]) -> Iterator[PurchaseEvent]:
    """Each transaction a purchase by its customer at its terminal; seven days later it is known what it was."""
    known = 0
    for i, at in enumerate(sample["at"].tolist()):
        while sample["at"][known] + DELAY <= at:
            yield Confirmed(float(sample["at"][known] + DELAY), f"t{known}", 1, "fraud" if sample["fraud"][known] else "good")
            known += 1
        yield Bought(
            at,
            Purchase(
                id=f"t{i}",
                attempt=1,
                account=f"c{sample['customer'][i]}",
                device=f"d{sample['terminal'][i]}",
                ip="",
                amount=int(sample["cents"][i]),
                currency="EUR",
            ),
        )


def before(sample: dict[str, NDArray[Any]], i: int, who: str, since: float, until: float) -> NDArray[np.intp]:
    """The transactions before that one of the same customer or terminal, with since < time <= until."""
    at, same = sample["at"][:i], sample[who][:i] == sample[who][i]
    return np.flatnonzero(same & (at > since) & (at <= until))


async def test_features_of_the_handbook(sample: dict[str, NDArray[Any]]) -> None:
    """Customers: how many transactions and of what mean amount; terminals: how many, and which share was fraud, of those known by then."""
    async with open_purchase_history(b"h" * 32) as history:
        rows = np.array([judged.row async for judged in history.rows(events(sample))])
    customers, terminals = sample["customer"] < CUSTOMERS, sample["terminal"] < TERMINALS
    assert sample["fraud"][terminals].sum() > 5
    for i, (at, row) in enumerate(zip(sample["at"], rows, strict=True)):
        for span, span_s in SPANS:
            if customers[i]:
                own = before(sample, i, "customer", at - span_s, at)
                mean = sample["cents"][own].sum() / 100 / len(own) if len(own) else np.nan
                assert row[COLUMN[f"attempts_{span}"]] == len(own)
                assert row[COLUMN[f"amount_mean_{span}"]] == pytest.approx(mean, nan_ok=True)
            if terminals[i]:
                seen = before(sample, i, "terminal", at - span_s, at)
                assert row[COLUMN[f"device_attempts_{span}"]] == len(seen)
                known = before(sample, i, "terminal", at - span_s - DELAY, at - DELAY)
                share = sample["fraud"][known].mean() if len(known) else np.nan
                assert row[COLUMN[f"device_labels_{span}"]] == len(known)
                assert row[COLUMN[f"device_fraud_share_{span}"]] == pytest.approx(share, nan_ok=True)
