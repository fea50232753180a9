"""What of a subject somebody may see who may not see all of it."""

import pytest

from ratelimit.core.masked import text_of, whom_of


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("ip:203.0.113.77", "ip:203.0.113.•"),
        ("ip:2001:db8:1:2::/64", "ip:2001:db8:1::•/64"),
        ("account:halden-studio+ip:203.0.113.77", "account:halde•••+ip:203.0.113.•"),
        ("account:quinn+tag@mail.test", "account:quinn•••"),
        ("api_key:key_5F3C91", "api_key:key_5F3C91"),
        (None, None),
    ],
)
def test_whom(text: str | None, seen: str | None) -> None:
    """Each part of a composite is masked as its kind is; whoever works on cases sees it whole."""
    assert whom_of(text) == seen
    assert whom_of(text, "analyst") == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("wrote to quinn+x@mail.example.com, twice", "wrote to q•••@mail.example.com, twice"),
        ("from 203.0.113.77 and 2001:db8:1:2:3:4:5:6 and 2001:db8::7", "from 203.0.113.• and 2001:db8:1::• and 2001:db8:7::•"),
        ("@mira look at 12:30:15 of 1.2.3", "@mira look at 12:30:15 of 1.2.3"),
        ("a@b@c.de " + "@" * 20, "a@b•••@c.de " + "@" * 20),
    ],
)
def test_text(text: str, seen: str) -> None:
    """Emails and addresses in what people wrote are masked as they are elsewhere, and nothing else is."""
    assert text_of(text) == seen
    assert text_of(text, "analyst") == text
