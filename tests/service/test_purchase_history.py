"""A log's purchases have the rows that they had when they were made: of their past, and of nothing else."""

from collections.abc import Iterable
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from ratelimit.core.purchase_event import Bought, Confirmed, PurchaseEvent
from ratelimit.core.purchase_signals import NAMES
from ratelimit.history import open_purchase_history
from tests.service.purchase_trace import trace

SECRET = b"h" * 32
Rows = NDArray[np.float64]


async def rows_of(events: Iterable[PurchaseEvent], batch: int = 256) -> Rows:
    async with open_purchase_history(SECRET) as history:
        return np.array([judged.row async for judged in history.rows(events, batch=batch)])


def names_of(columns: NDArray[np.bool_]) -> set[str]:
    return {NAMES[column] for column in np.flatnonzero(columns)}


def same(one: Rows, other: Rows) -> None:
    assert one.shape == other.shape
    assert not names_of(~np.all((one == other) | (np.isnan(one) & np.isnan(other)), axis=0))


@pytest.mark.parametrize("seed", [1, 2])
async def test_one_by_one_is_as_many_at_once(seed: int) -> None:
    """The rows are the same to the last bit, whether the store is asked for each purchase or for hundreds in one pipeline."""
    events = trace(seed, 250)
    same(await rows_of(events, batch=1), await rows_of(events))


@pytest.mark.parametrize("seed", [3, 4, 5])
async def test_no_row_sees_the_future(seed: int) -> None:
    """Whatever comes after some instant, in whatever order, leaves the rows of all attempts before it as they are."""
    chance, events = Random(seed), trace(seed, 250)
    told = await rows_of(events)
    for _ in range(3):
        cut = chance.randint(100, len(events) - 100)
        future = chance.sample(events[cut:], len(events) - cut)
        shuffled = [event._replace(at=then.at) for event, then in zip(future, events[cut:], strict=True)]
        before = sum(isinstance(event, Bought) for event in events[:cut])
        same((await rows_of([*events[:cut], *shuffled]))[:before], told[:before])


async def test_the_past_is_seen() -> None:
    """Without its labels a trace has other rows, so the test above could fail."""
    events = trace(3, 250)
    with_labels, without = await rows_of(events), await rows_of([event for event in events if not isinstance(event, Confirmed)])
    changed = names_of(np.any(np.nan_to_num(with_labels) != np.nan_to_num(without), axis=0))
    assert {"account_frauds", "device_fraud_share_30d", "card_since_fraud_s"} <= changed
    assert not any(name.startswith(("attempts", "declines", "cards", "site")) for name in changed)
    silent = names_of(np.all(np.isnan(with_labels), axis=0))
    assert all(name.startswith(("site_", "hosting", "vpn", "card_ip_", "ip_billing_")) for name in silent), "addresses have no facts here"


async def test_words_about_nobody_are_passed_over() -> None:
    """An end or a label of a purchase that was never told changes nothing."""
    events = trace(6, 60)
    strange = [event for event in trace(7, 120) if not isinstance(event, Bought)]
    with_strange = sorted(
        [*events, *(event._replace(purchase_id=f"x{event.purchase_id}") for event in strange)], key=lambda event: event.at
    )
    same(await rows_of(events), await rows_of(with_strange))
