"""The decision strip of a case: what stands, since when, by whom and until when, and whether whoever looks may take it back."""

from typing import Final

from msgspec import Struct

from ratelimit.review.deed import DONE, ActionView
from ratelimit.review.dossier import InForce

WORDS: Final = {"allow": "Allowed", "throttle": "Throttled", "hold": "Tokens held", "block": "Blocked"}
_NOTHING: Final = "Nothing stands"
_WAITS: Final = "waits for a second person"


class Strip(Struct, frozen=True):
    """`left` is the share of its time that is left, None where it has no end; `undo` the action that can be taken back."""

    decision: str
    title: str
    words: str
    since: float | None
    by: str
    until: float | None
    left: float | None
    undo: int | None
    why_not: str
    second: bool = False
    mine: bool = False
    endless: bool = False
    action: int | None = None


def strip(it: InForce, now: float, *, may_act: bool, me: str = "", name: str = "") -> Strip:
    """The strip of what is in force, for whoever has the login `me`; `name` is how people call who did it."""
    action = it.action
    title = WORDS[it.decision] if it.by or it.words else _NOTHING
    return Strip(
        decision=it.decision if it.by or it.words else "none",
        title=title,
        words=_words(it),
        since=it.since,
        by=name or it.by,
        until=it.until,
        left=_left(it, now),
        undo=action.id if action is not None and action.may_undo and may_act else None,
        why_not=action.why_not if action is not None else "",
        action=action.id if action is not None else None,
        endless=action is not None and it.until is None,
        mine=action is not None and action.by == me,
        second=action is not None and action.state == "proposed",
    )


def _words(it: InForce) -> str:
    if not (it.by or it.words):
        return "only the limits apply"
    return f"{it.words}, {_WAITS}" if it.action is not None and it.action.state == "proposed" and it.words else it.words


def _left(it: InForce, now: float) -> float | None:
    if it.until is None or it.since is None or it.until <= it.since:
        return None
    return round(min(1.0, max(0.0, (it.until - now) / (it.until - it.since))), 3)


def done_words(action: ActionView) -> str:
    """An action in the past tense: Blocked."""
    return DONE[action.then]


def decision_of(then: str) -> str:
    """The mark that an action has: one of the decisions, or "" for what decides nothing."""
    return {"block": "block", "throttle": "throttle", "allow": "allow", "hold": "hold", "release": "allow", "revoke": "block"}.get(then, "")
