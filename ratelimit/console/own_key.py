"""Which keys a person has instead of the usual ones. What a key does has the usual key for its name, on every page and in every script.

A key after `g` is named by both: `g q`. There it may be one that does something else alone. Digits are no person's own: they pick by place.
"""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Final
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from ratelimit.console.section import SECTIONS

GO: Final = "g "  # begins the names of those that go somewhere


class KeyAct(Struct, frozen=True):
    """What a key does; `name` is the usual key."""

    name: str
    words: str


ACTS: Final = (
    KeyAct("j", "Next row, case or rule"),
    KeyAct("k", "The one before"),
    KeyAct("x", "Select"),
    KeyAct("b", "Block"),
    KeyAct("t", "Throttle"),
    KeyAct("h", "Hold tokens"),
    KeyAct("a", "Allow"),
    KeyAct("s", "Snooze"),
    KeyAct("e", "Escalate"),
    KeyAct("n", "Note"),
    KeyAct("l", "Label"),
    KeyAct("u", "Undo"),
    KeyAct("/", "Search"),
    KeyAct("f", "Filter"),
    KeyAct(".", "Show what is new"),
    KeyAct("?", "All keys of a page"),
    KeyAct("c", "Compare; open a case; whom a list hits"),
    KeyAct("d", "Numbers of the timeline"),
    KeyAct("i", "Edit or begin a rule"),
    KeyAct("o", "One more hop"),
    KeyAct("p", "Promote a rule"),
    KeyAct("r", "Run a backtest; refused only; softer"),
    KeyAct("v", "Numbers of a chart"),
    KeyAct("z", "Pause a rule"),
    KeyAct("g", "Go: a second key says where"),
    KeyAct("g n", "Go: take next"),
    *(KeyAct(GO + section.key, f"Go: {section.name.lower()}") for section in SECTIONS),
)
_LONGEST: Final = 2_000  # characters of all of them, written
_NAMES: Final = frozenset(act.name for act in ACTS)
_WORDS: Final = {act.name: act.words for act in ACTS}

OwnKeys = Mapping[str, str]  # by name, those alone that are not the usual ones

IN_USE: Final[ContextVar[OwnKeys]] = ContextVar("IN_USE", default={})  # noqa: B039  (never changed) while a page is rendered


def pressed(name: str) -> str:
    """What is to be pressed, as it is shown: for a filter of templates."""
    own = IN_USE.get()
    if name.startswith(GO):
        return f"{own.get('g', 'g')} {own.get(name, name[len(GO) :])}"
    return own.get(name, name)


def alone(name: str) -> str:
    """The key by itself, without the one before it."""
    return name.removeprefix(GO)


def judge(given: Iterable[tuple[str, str]]) -> tuple[OwnKeys, dict[str, str]]:
    """Those that differ from the usual ones, and what is wrong, by name: no key, or one that does two things."""
    wanted = {act.name: alone(act.name) for act in ACTS}
    wanted |= {name: text.strip().lower() or alone(name) for name, text in given if name in _NAMES}
    wrong = {name: f"{key[:8]!r} is no single key; expected a letter or a sign" for name, key in wanted.items() if not _is_key(key)}
    first: dict[tuple[bool, str], str] = {}
    for name, key in wanted.items():
        place = (name.startswith(GO), key)
        if place in first and name not in wrong:
            both = (first[place], name)
            changed = next((one for one in reversed(both) if wanted[one] != alone(one)), name)  # rather than the one that was there
            other = both[0] if changed == both[1] else both[1]
            wrong.setdefault(changed, f"{key} is the key of: {_WORDS[other]}. Give that another one too, or take another here")
        first.setdefault(place, name)
    return {name: key for name, key in wanted.items() if key != alone(name)}, wrong


def written(own: OwnKeys) -> str:
    """As a cookie and a page have them."""
    return urlencode(own)


def read(text: str) -> OwnKeys:
    """What is written; none where that is not sound."""
    try:
        own, wrong = judge(parse_qsl(text, max_num_fields=2 * len(ACTS)) if len(text) < _LONGEST else ())
    except ValueError:  # more fields than there are keys
        return {}
    return {} if wrong else own


def _is_key(text: str) -> bool:
    return len(text) == 1 and text.isprintable() and not text.isspace() and not text.isdigit()
