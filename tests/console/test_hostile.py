"""What a caller sent is shown so that it can harm neither the page nor the reader."""

import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.console.hostile import hostile, plain

MARK = re.compile(r'<span class="hostile-mark">(?:U\+[0-9A-F]{4,6}|[0-9,]+ more)</span>')
CONTROLS = [*map(chr, range(32)), "\x7f", "\x85", "\u061c", "\u200b", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)),
            "\u2028", "\u2029", "\u2060", *map(chr, range(0x2066, 0x206A)), "\ufeff", "\u00ad", "\u3164", "\ufe0f", "\U000e0041",
            "\ud800", "\u00a0"]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("/v1/generate", "/v1/generate"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('\' onerror="x" &', "&#39; onerror=&#34;x&#34; &amp;"),
        ("a\0b", 'a<span class="hostile-mark">U+0000</span>b'),
        ("\u202etxt.exe", '<span class="hostile-mark">U+202E</span>txt.exe'),
        ("Müller & Söhne", "Müller &amp; Söhne"),
        ("日本 😀", "日本 😀"),
        ("e\u0301\u0302\u0303", 'e\u0301\u0302<span class="hostile-mark">U+0303</span>'),
        ("\u0301x", '<span class="hostile-mark">U+0301</span>x'),
        ("", ""),
    ],
)
def test_shown(sent: str, shown: str) -> None:
    """Markup is escaped, what has no shape is spelled, everything else stands as it is."""
    assert str(hostile(sent)) == shown


@given(st.text(alphabet=st.one_of(st.sampled_from([*CONTROLS, *"<>&\"'`"]), st.characters()), max_size=60), st.booleans())
def test_nothing_harmful_comes_out(sent: str, whole: bool) -> None:
    """No text whatever comes out with a control, format or direction character, a lone surrogate, or markup that is not ours."""
    shown = MARK.sub("", str(hostile(sent, whole=whole)))
    assert not set(shown) & set("<>\"'")
    assert not set(shown) & set(CONTROLS)
    assert not [char for char in shown if category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]
    shown.encode("utf-8")


@given(st.text(alphabet=st.one_of(st.sampled_from(CONTROLS), st.characters()), max_size=60))
def test_plain_has_no_shapeless_character(sent: str) -> None:
    """As text alone it has none of them either."""
    assert not set(plain(sent)) & set(CONTROLS)


def test_long_text_is_cut() -> None:
    """A line takes what a line can show and says how much more there is; the whole is bounded as well."""
    assert str(hostile("a" * 70_000)).endswith(f'{"a" * 240}<span class="hostile-mark">69,760 more</span>')
    assert len(str(hostile("a" * 70_000, whole=True))) < 8_300
