"""What a person is told who asked about their data: a draft in plain words for whoever answers. Pure; times are seconds since the epoch.

It says what was done or why not, what stays and for how long, and where one can complain (GDPR, articles 12(3), 12(4), 13, 14).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from ratelimit.core.privacy import JOURNAL_S, NO_MODEL, RequestKind, RequestState
from ratelimit.core.retention import DAY_S, Retention, days

BACKUPS_DAYS: Final = 35
_COMPLAIN: Final = "You can complain to the supervisory authority of the country where you live or work, or go to court."
_WAITING: Final[Mapping[RequestKind, str]] = {
    "export": "We make a copy of all that we keep of your account, and send it to you by {due} at the latest.",
    "correct": "We look at what you say is wrong, and tell you by {due} at the latest what we have done.",
    "restrict": "We see to it by {due} at the latest that no model looks at your account.",
    "object": "We see to it by {due} at the latest that no model looks at your account.",
    "erase": "A second person looks at your request; then we erase your data, by {due} at the latest.",
}


class Outcome(Struct, frozen=True, kw_only=True):
    """A request as far as it has come. `report` is what was done, or why not."""

    kind: RequestKind
    state: RequestState
    due_at: float
    done_at: float | None
    report: Mapping[str, Any]


def answer_of(it: Outcome, retention: Retention) -> str:
    """What to tell the person now."""
    if it.state == "refused":
        return f"We have not done what you asked for: {_text(it)} {_COMPLAIN}"
    if it.state == "withdrawn":
        return f"You took your request back on {_day(it.done_at)}; nothing more is done for it."
    if it.state != "done":
        return _WAITING[it.kind].format(due=_day(it.due_at))
    if it.kind == "erase":
        return _erased(it, retention)
    if it.kind == "export":
        return "Here is all that we keep of your account, what for, and for how long, with your rights. Ask us about anything in it."
    if it.kind in NO_MODEL:
        return (
            f"Since {_day(it.done_at)} no model looks at your account. Limits, written rules and decisions of people go on, and so does "
            "what we have to keep. It stays so until you take it back."
        )
    return f"On {_day(it.done_at)} we corrected this: {_text(it)}"


def _erased(it: Outcome, retention: Retention) -> str:
    bans = it.report.get("bans", 0)
    said = [
        f"Your data were erased on {_day(it.done_at)}.",
        f"Of purchases our books keep amount, time, outcome and the card's last four digits for {days(retention.purchases)}, "
        "without your name.",
        f"A code made from the account's name stays for {JOURNAL_S / DAY_S:g} days, so that no backup brings it back; backups are gone "
        f"after {BACKUPS_DAYS} days.",
    ]
    if bans:
        said.append(
            f"A person had confirmed the account as fraud. So that it is seen when the same card, device or mailbox comes again, a code of "
            f"each ({bans} in all) stays until {days(retention.bans)} after that, and nothing else. You can object to it."
        )
    return " ".join([*said, _COMPLAIN])


def _text(it: Outcome) -> str:
    text = str(it.report.get("text", "")).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _day(at: float | None) -> str:
    return datetime.fromtimestamp(at or 0.0, UTC).strftime("%d %B %Y").lstrip("0")
