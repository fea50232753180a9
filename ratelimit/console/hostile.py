"""Text that a caller wrote, made harmless to look at: paths, user agents, referrers, emails, names.

What has no shape of its own, or changes the shape or the direction of what stands around it, is spelled: a boxed `U+202E`. Everything else
is escaped as HTML. Quotes and the cut are the style sheet's, so that nothing a caller sends can end them.
"""

from functools import lru_cache
from itertools import groupby
from typing import Final
from unicodedata import category

from markupsafe import Markup, escape

_MOST: Final = 240  # characters of one line, which the style sheet cuts where its column ends
_MOST_WHOLE: Final = 8_192
# control, format, surrogate, private, unassigned, line and paragraph separators, and spaces that are not the space
_SHAPELESS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# letters, marks and signs that are drawn as nothing: fillers of Hangul and Khmer, the grapheme joiner, selectors of variants, blank Braille
_BLANK: Final = ((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164),
                 (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF))  # fmt: skip
_MOST_MARKS: Final = 2  # upon one letter; a tower of them covers the lines above


def hostile(text: str, *, whole: bool = False) -> Markup:
    """The inside of the element that shows such text, on one line or as a `whole`."""
    most = _MOST_WHOLE if whole else _MOST
    shown, left = text[:most], len(text) - most
    end = Markup('<span class="hostile-mark">{:,} more</span>').format(left) if left > 0 else Markup()
    if shown.isascii() and shown.isprintable():
        return escape(shown) + end
    return Markup().join(_spelled(char) if nasty else escape(char) for char, nasty in _judged(shown)) + end


def plain(text: str) -> str:
    """The same without markup, for a place that takes text alone, such as a cell of CSV or a label."""
    return "".join(f"<U+{ord(char):04X}>" if nasty else char for char, nasty in _judged(text))


def _judged(text: str) -> list[tuple[str, bool]]:
    """Each character, and whether it must be spelled."""
    judged: list[tuple[str, bool]] = []
    for marks, group in groupby(text, key=_is_mark):
        for position, char in enumerate(group):
            judged.append((char, _is_shapeless(char) or (marks and (position >= _MOST_MARKS or not judged))))
    return judged


def _spelled(char: str) -> Markup:
    return Markup('<span class="hostile-mark">U+{:04X}</span>').format(ord(char))


@lru_cache(maxsize=4_096)
def _is_mark(char: str) -> bool:
    return category(char) in {"Mn", "Me", "Mc"}


@lru_cache(maxsize=4_096)
def _is_shapeless(char: str) -> bool:
    if char == " ":
        return False
    return category(char) in _SHAPELESS or any(first <= ord(char) <= last for first, last in _BLANK)
