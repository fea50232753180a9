"""Tables for people's spreadsheets."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.console.csv import cell, csv_text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("  @SUM(1)", "'  @SUM(1)"),
        ("+49 30", "'+49 30"),
        ("\t=1", "<U+0009>=1"),
        ("a\r\nb", "a<U+000D><U+000A>b"),
        (-12.5, "-12.5"),
        (2_140, "2140"),
        (0.1 + 0.2, "0.3"),
        (None, ""),
        ("\u202egnp", "<U+202E>gnp"),
    ],
)
def test_cell(value: str | float | None, written: str) -> None:
    """Text is no formula, has one line and no direction; numbers are numbers."""
    assert cell(value) == written


@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), max_size=5))
def test_every_text_stays_in_its_cell(rows: list[list[str]]) -> None:
    """Whatever a caller wrote, there are as many rows and cells as were written, and none of them begins a formula."""
    read = list(csv.reader(StringIO(csv_text(("a", "b"), rows), newline="")))
    assert [len(row) for row in read] == [2] * (len(rows) + 1)
    assert not [text for row in read for text in row if text.lstrip()[:1] in {"=", "+", "-", "@"}]
