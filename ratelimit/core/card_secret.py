"""Finds in a JSON document what must never come here: the number of a payment card, and its security code.

It is looked for before the document is decoded, quoted or kept: in every text and number, in names of fields, in fields that nobody knows,
and in those that stand there twice. What is found is told by its place alone.

A card's number is 13 to 19 digits that pass the Luhn check, also with spaces or dashes between them, and does not begin with 0. It stands
by itself: digits that a letter, an underscore, or a dash with a letter beyond it adjoins are part of a name, as of an id or a fingerprint.
Where the digits are in the groups that cards print, 4-4-4-4 or 4-6-5, any one sign may be between them. A text that is itself JSON, or is
percent-encoded, is looked into as well.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from ratelimit.core.purchase import Card, Purchase

Secret = Literal["card_number", "security_code"]

SHORTEST: Final = 13
LONGEST: Final = 19

_DASHES: Final = r"\-\u2010-\u2015\u2212"  # within a class
_RUN: Final = re.compile(rf"\d(?:[\s\u00ad\u200b-\u200d\u2060\ufeff{_DASHES}]{{0,3}}\d){{{SHORTEST - 1},}}")
_ADJOINS_BEFORE: Final = re.compile(rf"(?:\w|[^\W\d_][{_DASHES}])\Z")
_ADJOINS_BEHIND: Final = re.compile(rf"(?:\w|[{_DASHES}][^\W\d_])")
_GROUP: Final = re.compile(r"\d+")
# no colon: groups of an address of IPv6 are alike
_PRINTED: Final = re.compile(r"(?<!\w)\d{4}([^\w\s:])(?:\d{4}\1\d{4}\1\d{1,7}|\d{6}\1\d{4,5})(?!\w)")
_CODE_SAID: Final = re.compile(r"\b(?:cvv2?|cvc2?)\W{1,5}\d{3,4}\b", re.IGNORECASE)
_CODE_NAMES: Final = ("cvc", "cvc2", "cvv", "cvv2", "securitycode", "verificationvalue")  # how names end, without what joins their words
_JOINTS: Final = re.compile(r"[\W_]")
_PLAIN: Final = re.compile(r"\w{1,40}", re.ASCII)
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_OPENS: Final = frozenset('{["')  # what a document may begin with, beside numbers
_KNOWN: Final = frozenset(Purchase.__struct_fields__ + Card.__struct_fields__)  # names that need no look
_DOUBLED: Final = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9])  # what a digit counts where it is doubled

_NUMBER: Final = (
    f"reads like the number of a payment card ({SHORTEST} to {LONGEST} digits that pass the Luhn check), which must not come here; "
    "send the card's fingerprint instead; if it is an id, put letters right before it, such as id_"
)
_CODE: Final = "is a card's security code, which nobody may keep; leave it out"


class Found(NamedTuple):
    """What stands where it must not: the JSON path, and words for it. Neither holds the thing itself."""

    what: Secret
    path: str
    text: str


class _Object(list[tuple[str, Any]]):
    """An object as it is written: a name may be there twice."""


def secret_in(body: bytes) -> Found | None:
    """The first card number or security code of a JSON document; raises ValueError or RecursionError if it cannot be read."""
    return next(_walk(_read(body.decode()), "$"), None)


def _read(text: str) -> Any:
    """A document, with numbers as they are written."""
    return json.loads(text, object_pairs_hook=_Object, parse_int=str, parse_float=_whole, strict=False)


def _whole(written: str) -> str:
    """The digits before the point of a number with a point or an exponent; none where it is too small or too large to be a card's."""
    return str(int(Decimal(written))) if 1 <= abs(float(written)) <= 10**LONGEST else ""  # a decimal's own bounds raise


def _walk(value: Any, path: str) -> Iterator[Found]:
    if isinstance(value, str):
        yield from _text(value, path)
    elif isinstance(value, _Object):
        for name, inner in value:
            below = f"{path}.{name}" if name in _KNOWN or _PLAIN.fullmatch(name) else f"{path}[?]"
            if name not in _KNOWN:
                yield from _name(name, path, below)
            yield from _walk(inner, below)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{index}]")


def _name(name: str, path: str, below: str) -> Iterator[Found]:
    if is_card_number(name):
        yield Found("card_number", path, f"has a name that {_NUMBER}")
    if _JOINTS.sub("", name).lower().endswith(_CODE_NAMES):
        yield Found("security_code", below, _CODE)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _text(text: str, path: str) -> Iterator[Found]:
    if is_card_number(text) or ("%" in text and is_card_number(_ESCAPED.sub(_unescaped, text).replace("+", " "))):
        yield Found("card_number", path, _NUMBER)
    if text[:1] in _OPENS and (inner := next(_within(text, path), None)) is not None:
        yield inner
    if "cv" in text.lower() and _CODE_SAID.search(text):
        yield Found("security_code", path, f"holds what {_CODE}")


def _within(text: str, path: str) -> Iterator[Found]:
    """What a text that is a document of its own holds; its place is that of the text."""
    try:
        read = _read(text)
    except ValueError:
        return
    for found in _walk(read, path):
        yield found._replace(path=path)


def is_card_number(text: str) -> bool:
    """Whether a card's number stands somewhere in a text."""
    if len(text) < SHORTEST:
        return False
    if any(_stands_alone(text, run) and _has_number(run[0]) for run in _RUN.finditer(text)):
        return True
    return any(_has_number(run[0]) for run in _PRINTED.finditer(text))


def _stands_alone(text: str, run: re.Match[str]) -> bool:
    start, end = run.span()
    return not _ADJOINS_BEFORE.search(text, max(0, start - 2), start) and not _ADJOINS_BEHIND.match(text, end)


def _has_number(run: str) -> bool:
    """Whether groups of digits that follow one another are a number: others may stand before and behind, such as a date."""
    groups = _GROUP.findall(run)
    digits = np.array([int(digit) for digit in "".join(groups)])
    edge = np.zeros(len(digits) + 1, bool)
    edge[np.cumsum([0, *map(len, groups)])] = True
    # of a number the last digit is not doubled, the one before it is: so by whether a number ends at an even place
    sums = [np.cumsum([0, *np.where(np.arange(len(digits)) % 2 == even, _DOUBLED[digits], digits)]) for even in (0, 1)]
    for length in range(SHORTEST, min(LONGEST, len(digits)) + 1):
        starts = np.flatnonzero(edge[:-length] & edge[length:] & (digits[: len(digits) - length + 1] != 0))
        ends = starts + length
        totals = [one[ends] - one[starts] for one in sums]
        if np.any(np.where(ends % 2 == 0, *totals) % 10 == 0):
            return True
    return False
