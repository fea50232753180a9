"""A ledger with purchases in it, for tests of rules: one every minute, of which each tenth tried several cards."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import insert

from ratelimit.core.purchase_signals import COLUMN, NAMES, VERSION
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.purchase import PURCHASE

NOW = 1_800_000_000.0
DAY_S = 86_400.0
SINCE = NOW - 30 * DAY_S

CARDS: dict[str, Any] = {
    "name": "cards", "on": "purchase", "when": "purchase.cards_1h >= 3", "then": "block", "reason": "several cards tried"
}  # fmt: skip


def signals(**values: float) -> bytes:
    """The signals of a purchase; those not named are missing."""
    row = np.full(len(NAMES), np.nan)
    for name, value in values.items():
        row[COLUMN[name]] = value
    return row.astype("<f8").tobytes()


def purchase(number: int, at: float, known: Mapping[str, float], **more: Any) -> dict[str, Any]:
    """A row of a purchase that went well."""
    return {
        "id": f"p{number}", "attempt": 1, "record": f"r{number}", "at": at, "kind": "purchase", "account": number, "amount_minor": 1_000,
        "currency": "EUR", "tokens": 100, "decision": "allow", "action": "accept", "reason": "ok", "hold_ratio": 0.0, "held": 0,
        "signal_version": VERSION, "signals": signals(**known), "outcome": "succeeded", **more,
    }  # fmt: skip


async def fill(ledger: Ledger, rows: list[dict[str, Any]]) -> None:
    """Write rows, which may have different columns."""
    names = sorted({name for row in rows for name in row})
    defaults = {"label": "", "outcome": "", "refunded": False, "disputed": False, "warned": False}
    whole = [{name: row.get(name, defaults.get(name)) for name in names} for row in rows]
    async with ledger.write() as connection:
        await connection.execute(insert(PURCHASE), whole)
