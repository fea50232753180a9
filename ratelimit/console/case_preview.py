"""The preview of an action: whom it hits, for how long, why, and what the caller is told; and the small panels beside it. Pure."""

from typing import Final

from msgspec import Struct

from ratelimit.console.subject_name import KINDS, name_of
from ratelimit.console.wording import count, money
from ratelimit.core.deed import DeedThen
from ratelimit.core.estimate import Estimate
from ratelimit.core.principal import Role
from ratelimit.ledger.evidence import BoughtRow
from ratelimit.review.deed import DONE, FINAL, HURTING, OF_PURCHASE, PICKS, WORDS, Preview, Span

SPANS: Final[tuple[tuple[Span, str], ...]] = (("1h", "1 h"), ("24h", "24 h"), ("72h", "3 days"), ("7d", "7 days"), ("30d", "30 days"))
_TO: Final = frozenset({"block", "throttle", "allow", "label"})  # verbs that whom they are done to follows at once
VERBS: Final[dict[str, str]] = {
    "block": "Block",
    "throttle": "Throttle",
    "allow": "Allow",
    "hold": "Hold tokens",
    "release": "Release held tokens",
    "revoke": "Revoke held tokens",
    "rotate_key": "Issue a new key",
    "refund": "Refund",
    "report_fraud": "Report as fraud",
    "label": "Label",
    "known_normal": "Known to be normal",
}
VERDICTS: Final = (
    ("fraud", "fraud"),
    ("abuse", "abuse"),
    ("first_party_dispute", "disputed by its buyer"),
    ("victim", "a victim of somebody else"),
    ("good", "good"),
    ("unclear", "unclear"),
)
_TOLD: Final = {"block": "override_block", "throttle": "override_throttle"}
_FIGURED: Final = frozenset({"block", "throttle", "allow", "hold", "revoke", "rotate_key"})
MANY: Final = "case"  # the kind of a preview that is about many cases
_MOST_HIT: Final = 8  # that are named
_FINAL_WORDS: Final = "The site does it, and nobody can take it back"


class Figure(Struct, frozen=True):
    """One line: words, its number, and what stands beside it fainter."""

    words: str
    value: str
    beside: str = ""
    strong: bool = False


class HitLine(Struct, frozen=True):
    """Somebody else who would be hit. `name` is hostile text."""

    kind: str
    name: str
    subject: str
    words: str


class PreviewView(Struct, frozen=True, kw_only=True):
    """The panel. `bar` are parts of a whole for the share bar; `softer` is what would do as well, and the action that it is."""

    base: str
    then: DeedThen
    key: str
    version: int | None
    title: str
    verb: str
    span: Span
    spans: tuple[tuple[Span, str], ...]
    until: float | None
    figures: tuple[Figure, ...]
    bar: tuple[tuple[str, float], ...]
    bar_words: tuple[str, str]
    hit: tuple[HitLine, ...]
    softer: str
    softer_then: str
    softer_target: str
    picks: tuple[tuple[str, str], ...]
    needs_reason: bool
    second: bool
    told: str
    undo: str
    purchases: tuple[tuple[str, str], ...]
    target: str
    targets: tuple[tuple[str, str], ...]
    can_close: bool
    verdicts: tuple[tuple[str, str], ...] = VERDICTS


class Asked(Struct, frozen=True, kw_only=True):
    """What of an action is previewed."""

    then: DeedThen
    span: Span
    key: str
    target: str = ""


def preview_view(  # noqa: PLR0913  what it is made of, by name
    it: Preview | None,
    asked: Asked,
    *,
    base: str,
    version: int | None,
    kind: str,
    role: Role,
    purchases: tuple[BoughtRow, ...] = (),
    targets: tuple[tuple[str, str], ...] = (),
) -> PreviewView:
    """The panel; `it` None: nobody could say whom it hits."""
    then, lasting = asked.then, asked.then in WORDS and asked.then != "rotate_key"
    softer = it.softer if it is not None else None
    return PreviewView(
        base=base,
        then=then,
        key=asked.key,
        version=version,
        title=_title(then, kind),
        verb=f"{VERBS[then]} for {dict(SPANS)[asked.span]}" if lasting else VERBS[then],
        span=asked.span,
        spans=SPANS if lasting else (),
        until=it.until if it is not None else None,
        figures=_figures(it, many=kind == MANY) if it is not None and then in _FIGURED else (),
        bar=_bar(it) if it is not None and then in {"block", "throttle"} else (),
        bar_words=_bar_words(it) if it is not None else ("", ""),
        hit=_hit(it, role) if it is not None else (),
        softer=softer.text if softer is not None else "",
        softer_then=softer.then if softer is not None else "",
        softer_target=(softer.target or "") if softer is not None else "",
        picks=tuple(PICKS[then].items())[:9],
        needs_reason=then in HURTING,
        second=it is not None and it.needs_second,
        told=(it.told if it is not None else "") or _TOLD.get(then, ""),
        undo=_FINAL_WORDS if then in FINAL else "Can be undone",
        purchases=tuple((f"{one.id}", _purchase(one)) for one in purchases) if then in OF_PURCHASE or then == "hold" else (),
        target=asked.target,
        targets=targets,
        can_close=version is not None,
    )


def _hit(it: Preview, role: Role) -> tuple[HitLine, ...]:
    some = (*it.other_accounts, *it.shared)[:_MOST_HIT]
    return tuple(HitLine(one.kind, name_of(one.kind, one.shown, role), one.subject, _hit_words(one.requests, one.good)) for one in some)


def _title(then: DeedThen, kind: str) -> str:
    word = KINDS.get(kind, kind)
    if then in {"refund", "report_fraud", "release", "revoke", "rotate_key", "known_normal"}:
        return VERBS[then]
    return f"{VERBS[then]} this {word}" if then != "hold" else "Hold tokens of this account"


def _figures(it: Preview, *, many: bool) -> tuple[Figure, ...]:
    others = sum(1 for one in it.other_accounts if one.kind == "account")
    found = [
        _met(it, many=many),
        Figure("of them, refused already", count(it.already_throttled)),
        Figure(
            "from the customers' usual addresses" if many else "from the customer's usual addresses",
            told(it.from_usual),
            strong=it.from_usual.value > 0,
        ),
        Figure("Other accounts hit", count(others), strong=others > 0),
    ]
    if it.good:
        found.append(Figure(f"Good accounts that share {'them' if many else 'it'}", count(it.good), strong=True))
    if it.tokens_left is not None:
        price = money(it.left_minor, it.currency) if it.left_minor is not None and it.currency else ""
        found.append(Figure("Tokens left", count(it.tokens_left), price))
    return tuple(found)


def _met(it: Preview, *, many: bool) -> Figure:
    if it.requests == it.of_requests:
        return Figure("All their requests" if many else "All its requests", told(it.requests))
    if not it.of_requests.value:
        return Figure(
            "Their requests" if many else "Its requests", "none recorded", "" if it.requests.exact else f"at most {count(it.requests.high)}"
        )
    return Figure("Requests it would have met", told(it.requests), f"of {told(it.of_requests)}")


def told(it: Estimate) -> str:
    """A number, with its interval where it is an estimate."""
    return count(it.value) if it.exact else f"about {count(it.value)} ({count(it.low)}–{count(it.high)})"


def done_to(then: DeedThen, whom: str) -> str:
    """What was done, and to whom: `Blocked key_5F3C91`."""
    return f"{DONE[then]}{'' if then in _TO else ':'} {whom}"


def _bar(it: Preview) -> tuple[tuple[str, float], ...]:
    usual, before = it.from_usual.value, float(it.already_throttled)
    if not it.requests.value + before:
        return ()
    return (("block" if it.then == "block" else "throttle", max(0.0, it.requests.value - usual - before)), ("ink", usual), ("band", before))


def _bar_words(it: Preview) -> tuple[str, str]:
    new = max(0.0, it.requests.value - it.already_throttled)
    return f"{count(new)} newly met", f"{count(it.already_throttled)} refused already" if it.already_throttled else ""


def _hit_words(requests: float, good: int) -> str:
    parts = [f"{count(requests)} requests"] if requests else []
    return ", ".join([*parts, *([f"{count(good)} good accounts share it"] if good > 1 else [])])


def _purchase(row: BoughtRow) -> str:
    card = f", card •{row.last4}" if row.last4 else ""
    return f"{money(row.amount_minor, row.currency or 'EUR')}{card}"
