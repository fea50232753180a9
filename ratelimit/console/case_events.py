"""What happened around a case: marks for its timeline, and the same events as a list, the newest first."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from ratelimit.console.case_evidence import life_words
from ratelimit.console.case_strip import decision_of, done_words
from ratelimit.console.timeline import Mark
from ratelimit.console.wording import duration, money, several
from ratelimit.ledger.cases import PersonRef
from ratelimit.ledger.evidence import BoughtRow, LifeRow
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier import Dossier

_LIFE_ICONS: Final = {"key_created": "api_key", "key_revoked": "api_key", "login_failed": "cross", "email_changed": "email"}
_LASTING: Final = frozenset({"block", "throttle", "allow", "hold"})
_OPENERS: Final = {
    "early_fraud_warning": "a card issuer's warning",
    "rule": "rule",
    "model": "the model",
    "appeal": "an appeal",
    "audit": "the model",
    "quality": "the model",
    "person": "a person",
    "banned": "what was banned before",
}


class Event(Struct, frozen=True):
    """One line of the list: `strong` words lead, `by` stands at its end. `text` is hostile or of a person, "" where there is none."""

    at: float
    icon: str
    decision: str
    strong: str
    words: str
    by: str
    text: str = ""


def events(it: Dossier) -> tuple[Event, ...]:
    """All of them, the newest first."""
    return tuple(sorted(_events(it), key=lambda event: event.at, reverse=True))


def marks(it: Dossier) -> tuple[Mark, ...]:
    """The same on the lanes of the timeline."""
    return (*_purchase_marks(it), *_life_marks(it), *_action_marks(it), *_case_marks(it))


def _events(it: Dossier) -> Iterator[Event]:
    yield from (_action_event(action, it.people) for action in it.actions)
    yield from (_undone_event(action) for action in it.actions if action.undone_at is not None)
    yield from (_purchase_event(row) for row in it.purchases)
    yield from (Event(row.at, _life_icon(row), "", life_words(row.type), "", "account") for row in it.lives)
    if it.case is not None:
        row = it.case.row
        for position, one in enumerate(it.case.openings):
            words = "" if row.blind else f"by {_OPENERS.get(one.kind, one.kind)}"
            yield Event(one.at, "flag", "", "Case opened" if position == 0 else "Flagged again", words, "", "" if row.blind else one.text)
        if it.case.closed_at is not None:
            who = it.case.closed_by.name if it.case.closed_by is not None else ""
            yield Event(it.case.closed_at, "check", "", "Case closed", f"as {it.case.verdict}" if it.case.verdict else "", who)
    for note in it.notes:
        yield Event(note.at, "note", "", f"{_name(note.by, it.people)} left a note", _mentioned(note.mentions, it.people), "")


def _action_event(action: ActionView, people: Mapping[str, PersonRef]) -> Event:
    decision = decision_of(action.then)
    words = f"for {duration(action.until - action.at)}" if action.until is not None and decision else ""
    return Event(action.at, decision or "check", decision, done_words(action), words, _name(action.by, people), action.reason)


def _undone_event(action: ActionView) -> Event:
    return Event(action.undone_at or 0.0, "undo", "", f"{done_words(action)}: taken back", "", "", action.undone_why or "")


def _purchase_event(row: BoughtRow) -> Event:
    declined = row.outcome == "failed"
    amount = money(row.amount_minor, row.currency or "EUR")
    card = f", card •{row.last4}" if row.last4 else ""
    word = {"purchase": "Purchase", "setup": "Card kept", "grant": "Tokens granted"}.get(row.kind, row.kind)
    words = f"{amount}, {several(row.tokens, 'token')}{card}" if row.kind == "purchase" else several(row.tokens, "token") + card
    if row.decision == "block":
        return Event(row.at, "block", "block", f"{word} refused", words, "checkout")
    end = ", declined" if declined else ", disputed" if row.disputed else ", issuer's warning" if row.warned else ""
    return Event(row.at, "cross" if declined else "card", "", word, words + end, "checkout")


def _purchase_marks(it: Dossier) -> Iterator[Mark]:
    for row in it.purchases:
        bad = row.outcome == "failed" or row.decision == "block"
        icon = "block" if row.decision == "block" else "cross" if bad else "card"
        words = "" if bad else money(row.amount_minor, row.currency or "EUR") if row.kind == "purchase" else row.kind
        yield Mark("purchases", row.at, icon, words, decision="block" if row.decision == "block" else "")


def _life_marks(it: Dossier) -> Iterator[Mark]:
    for row in it.lives:
        plain = row.type == "login"
        yield Mark("logins", row.at, _life_icon(row), "" if plain else life_words(row.type).lower())


def _life_icon(row: LifeRow) -> str:
    return _LIFE_ICONS.get(row.type, "account")


def _action_marks(it: Dossier) -> Iterator[Mark]:
    for action in it.actions:
        decision = decision_of(action.then)
        if not decision:
            continue
        stood = action.undone_at if action.undone_at is not None else action.until
        yield Mark("decisions", action.at, decision, done_words(action).lower(), decision, stood, lasts=action.then in _LASTING)
    force = it.in_force
    if force.action is None and force.since is not None and force.by:
        yield Mark("decisions", force.since, force.decision, f"by {force.by}", force.decision, force.until, lasts=True)


def _case_marks(it: Dossier) -> Iterator[Mark]:
    if it.case is not None:
        for position, one in enumerate(it.case.openings):
            yield Mark("case", one.at, "flag", "opened" if position == 0 else "")
        if it.case.closed_at is not None:
            yield Mark("case", it.case.closed_at, "check", "closed")
    yield from (Mark("case", note.at, "note") for note in it.notes)


def _mentioned(logins: tuple[str, ...], people: Mapping[str, PersonRef]) -> str:
    return "for " + " and ".join(_name(login, people) for login in logins) if logins else ""


def _name(login: str, people: Mapping[str, PersonRef]) -> str:
    found = people.get(login)
    return found.name if found is not None else login
