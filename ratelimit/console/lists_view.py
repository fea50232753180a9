"""The page of lists and overrides as it is shown: what stands, by whom, why and until when; what the policy's lists say. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, get_args
from urllib.parse import urlencode

from msgspec import Struct

from ratelimit.console.subject_name import name_of
from ratelimit.console.wording import count, duration
from ratelimit.core.override import OverrideThen
from ratelimit.core.principal import Principal, Role
from ratelimit.core.standing import Standing, StandingSource
from ratelimit.review.words import ENDED, MADE, Said, Tried
from ratelimit.web.overrides import ListView

MOST: Final = 100  # rows of a page
SOON_S: Final = 86_400.0
LISTS: Final = "/lists"
SOURCES: Final[dict[StandingSource, str]] = {"override": "People", "rule": "Rules", "hold": "Holds", "privacy": "No model"}
THENS: Final[tuple[str, ...]] = get_args(OverrideThen)
_WORDS: Final = {
    "block": ("block", "Blocked"),
    "throttle": ("throttle", "Throttled"),
    "allow": ("allow", "Allowed"),
    "bucket": ("throttle", "Another bucket"),
    "exempt_limits": ("allow", "No limits"),
    "hold": ("hold", "Tokens held"),
    "unscored": ("allow", "No model looks"),
}
_PSEUDONYMS: Final = frozenset({"card", "device", "email", "email_domain"})
_SPANS: Final = (("1h", "1 h"), ("24h", "24 h"), ("72h", "72 h"), ("7d", "7 days"), ("30d", "30 days"), ("", "until it is taken away"))


class Filter(Struct, frozen=True, kw_only=True):
    """What of the words is shown; all of it stands in the address."""

    source: StandingSource = "override"
    then: str = ""
    q: str = ""
    soon: bool = False
    page: int = 1


class Row(Struct, frozen=True, kw_only=True):
    """A word that stands."""

    id: str
    kind: str
    name: str
    glyph: str
    words: str
    more: str
    reason: str
    author: str
    made_at: float
    until: float | None
    left: str
    soon: bool
    may_edit: bool


class Listed(Struct, frozen=True, kw_only=True):
    """A list of the policy."""

    name: str
    glyph: str
    words: str
    items: str
    source: str
    reason: str
    until: str
    in_force: bool
    shadow: bool
    scope: str


class Told(Struct, frozen=True, kw_only=True):
    """Something that was done to an override."""

    at: float
    words: str
    by: str
    kind: str
    name: str
    reason: str


class Tab(Struct, frozen=True):
    """A source, and how many of its words stand."""

    words: str
    href: str
    current: bool
    count: int


class ListsPage(Struct, frozen=True, kw_only=True):
    """The page. `given` and `wrong` are of the form; `editing` is the id of the word that it changes."""

    tabs: tuple[Tab, ...]
    filter: Filter
    rows: tuple[Row, ...]
    found: int
    following: str
    first: str
    lists: tuple[Listed, ...]
    history: tuple[Told, ...]
    may_say: bool
    spans: tuple[tuple[str, str], ...]
    thens: tuple[tuple[str, str], ...]
    given: Mapping[str, str]
    wrong: Mapping[str, str]
    editing: str
    limits: tuple[tuple[str, str], ...]


class Check(Struct, frozen=True, kw_only=True):
    """What a word would be and hit; or what is wrong."""

    words: str
    glyph: str
    kind: str
    name: str
    until: float | None
    known: bool
    requests: str
    refused: str
    purchases: str
    good: int
    wrong: str


def chosen(words: Iterable[Standing], wanted: Filter, now: float, role: Role) -> list[Standing]:
    """Those that the filter lets through: what ends first where only those are wanted, else the latest first.

    Whoever sees names masked finds words by what is shown of them, or by the whole of a name: parts would spell it out.
    """
    text = wanted.q.casefold()
    found = [
        word
        for word in words
        if word.source == wanted.source
        and wanted.then in {"", word.then}
        and (not wanted.soon or (word.until is not None and word.until < now + SOON_S))
        and (not text or _has(word, text, role))
    ]
    if wanted.soon:
        return sorted(found, key=lambda word: word.until or 0.0)
    return sorted(found, key=lambda word: (-word.made_at, word.id))


def _has(word: Standing, text: str, role: Role) -> bool:
    """Whether a text, in small letters, is in what somebody of that role may look for."""
    target = word.target
    if role != "viewer":
        return any(text in part.casefold() for part in (str(target), word.reason, word.author))
    whole = text in {str(target).casefold(), target.value.casefold()}
    return whole or any(text in part.casefold() for part in (_name(word, role), word.author))


def lists_page(  # noqa: PLR0913  what the page is made of, by name
    words: Sequence[Standing],
    wanted: Filter,
    *,
    counts: Mapping[StandingSource, int],
    lists: Iterable[ListView],
    history: Iterable[Said],
    limits: Iterable[str],
    who: Principal,
    now: float,
    given: Mapping[str, str],
    wrong: Mapping[str, str],
    editing: str,
) -> ListsPage:
    """The page for one person."""
    found = chosen(words, wanted, now, who.role)
    start = (wanted.page - 1) * MOST
    return ListsPage(
        tabs=tuple(
            Tab(text, f"{LISTS}?source={source}", source == wanted.source, counts.get(source, 0)) for source, text in SOURCES.items()
        ),
        filter=wanted,
        rows=tuple(_row(word, who, now) for word in found[start : start + MOST]),
        found=len(found),
        following=_href(wanted, wanted.page + 1) if len(found) > start + MOST else "",
        first=_href(wanted, 1) if wanted.page > 1 else "",
        lists=tuple(map(_listed, lists)),
        history=tuple(_told(it, who.role) for it in history),
        may_say=who.may("analyst"),
        spans=_SPANS,
        thens=tuple((then, _WORDS[then][1]) for then in THENS),
        given=given,
        wrong=wrong,
        editing=editing,
        limits=(("", "none"), *((name, name) for name in limits)),
    )


def check(it: Tried | None, role: Role, wrong: str = "") -> Check:
    """What is shown of a try."""
    if it is None:
        return Check(
            words="", glyph="", kind="", name="", until=None, known=False, requests="", refused="", purchases="", good=0, wrong=wrong
        )
    glyph, words = _WORDS[it.word.then]
    return Check(
        words=words,
        glyph=glyph,
        kind=it.word.target.kind,
        name=_name(it.word, role),
        until=it.word.until,
        known=it.known,
        requests=count(it.requests),
        refused=count(it.refused),
        purchases=count(it.purchases),
        good=it.good,
        wrong="",
    )


def given_of(word: Standing) -> dict[str, str]:
    """A word as the form has it, to be changed."""
    found = {"target": str(word.target), "then": word.then, "reason": word.reason, "scope": word.scope}
    if word.bucket is not None:
        found |= {"bucket.capacity": str(word.bucket.capacity), "bucket.refill": str(word.bucket.refill)}
    if word.limit is not None:
        found["limit"] = word.limit
    return found


def _row(word: Standing, who: Principal, now: float) -> Row:
    glyph, words = _WORDS[word.then]
    left = "until it is taken away" if word.until is None else duration(word.until - now)
    return Row(
        id=word.id,
        kind=word.target.kind,
        name=_name(word, who.role),
        glyph=glyph,
        words=words,
        more=_more(word),
        reason=word.reason if who.may("analyst") else "",
        author=word.author,
        made_at=word.made_at,
        until=word.until,
        left=left,
        soon=word.until is not None and word.until < now + SOON_S,
        may_edit=word.source == "override" and who.may("analyst"),
    )


def _name(word: Standing, role: Role) -> str:
    """A pseudonym says nothing to people; its beginning tells one from another."""
    kind, value = word.target.kind, word.target.value
    return f"{value[:8]}…" if kind in _PSEUDONYMS else name_of(kind, value, role)


def _more(word: Standing) -> str:
    parts = []
    if word.held is not None:
        parts.append(f"{count(sum(hold.held for hold in word.held.holds if hold.state == 'held'))} tokens")
    if word.bucket is not None:
        parts.append(f"{word.bucket.capacity:,} tokens, {word.bucket.refill}")
    if word.limit is not None:
        parts.append(f"of {word.limit}")
    if word.scope != "both" and word.source != "hold":
        parts.append(f"{word.scope}s alone")
    return ", ".join(parts)


def _listed(it: ListView) -> Listed:
    glyph, words = _WORDS[it.then] if it.then is not None else ("", f"Signal {it.signal}")
    return Listed(
        name=it.name,
        glyph=glyph,
        words=words,
        items=count(it.entries),
        source=it.file or "in the policy",
        reason=it.reason,
        until=it.until or "for good",
        in_force=it.in_force,
        shadow=it.mode == "shadow",
        scope="" if it.scope == "both" else f"{it.scope}s alone",
    )


def _told(it: Said, role: Role) -> Told:
    content = it.entry.content or {}
    word = _WORDS.get(str(content.get("then", "")), ("", ""))[1]
    done = {MADE: "made", ENDED: "ended"}.get(it.entry.kind, "changed")
    return Told(
        at=it.entry.at,
        words=f"{word} {done}" if word else done,
        by=it.entry.actor,
        kind=it.subject.kind if it.subject is not None else "",
        name=name_of(it.subject.kind, it.subject.shown, role) if it.subject is not None else "erased",
        reason=str(content.get("reason", "")) if role != "viewer" else "",
    )


def _href(wanted: Filter, page: int) -> str:
    fields = {"source": wanted.source, "then": wanted.then, "q": wanted.q, "soon": "true" if wanted.soon else "", "page": str(page)}
    return f"{LISTS}?{urlencode({name: value for name, value in fields.items() if value})}"
