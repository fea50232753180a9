"""Numbers and texts of others, made fit to be shown."""

import pytest

from ratelimit.cli.written import percent, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("account:müller", "account:müller"),
        ("\x1b[2J\n", "\\x1b[2J\\n"),
        ("a\u202eb", "a\\u202eb"),
        ("\ud800\x00", "\\ud800\\x00"),
        ("", ""),
    ],
)
def test_what_is_not_printed_is_escaped(text: str, shown: str) -> None:
    """Control characters, marks of direction and halves of characters are written out; letters stay."""
    assert printable(text) == shown


def test_a_share_of_nothing_is_nothing() -> None:
    """A whole of 0 is no error."""
    assert (percent(1, 8), percent(0, 0)) == ("12.5 %", "0 %")
