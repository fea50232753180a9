"""Rows as structs."""

import pytest
from msgspec import Struct
from sqlalchemy import Table

from ratelimit.ledger.purchases import LifeRow, OutcomeRow, PurchaseRow
from ratelimit.ledger.records import RecordRow, values_of
from ratelimit.ledger.tables.purchase import LIFE, OUTCOME, PURCHASE
from ratelimit.ledger.tables.record import RECORD


@pytest.mark.parametrize(("row", "table"), [(RecordRow, RECORD), (PurchaseRow, PURCHASE), (OutcomeRow, OUTCOME), (LifeRow, LIFE)])
def test_whole(row: type[Struct], table: Table) -> None:
    """A struct has all of a row, by the same names in the same order."""
    assert list(row.__struct_fields__) == list(table.c.keys())


def test_values() -> None:
    """Signals are read as they were packed; one that is missing is None."""
    assert values_of(None, "<f4") == ()
    assert values_of(b"\0\0\x80\x3f\0\0\xc0\x7f", "<f4") == (1.0, None)
