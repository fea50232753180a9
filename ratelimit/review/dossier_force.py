"""What stands about a subject now: the word of a person first, then of a rule or a list, then what its latest refusal was by."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ratelimit.core.standing import Standing
from ratelimit.ledger.evidence import Refused
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier import DAY_S, Decided, InForce

_RECENT_S: Final = 900.0  # in which the latest refusal tells what stands
_STRONGEST: Final[tuple[Decided, ...]] = ("block", "allow", "throttle", "hold")  # as core/decision has it among words of people
_STANDING: Final = frozenset({"in_force", "proposed", "intended", "undoing"})
_BY: Final = {
    "risk_throttled": "risk",
    "risk_blocked": "risk",
    "rule_throttled": "rule",
    "rule_matched": "rule",
    "deny_listed": "list",
    "override_block": "",
    "override_throttle": "",
}
Stands = Callable[[str], bool]

NOTHING: Final = InForce(decision="allow", words="")


def in_force(
    views: Iterable[ActionView], words: Sequence[Standing], refusals: Iterable[Refused], risk: float | None, now: float, stands: Stands
) -> InForce:
    """What stands. `words` are those of the store about it; `risk` is what is known of it.

    `stands` says of an override by its id whether it does: a refusal by one that was taken back tells of the past.
    """
    standing = [view for view in views if view.state in _STANDING and (view.until is None or view.until > now)]
    overrides = {view.override for view in standing}
    for decision in _STRONGEST:
        for view in standing:
            if view.then == decision:
                said = next((word for word in words if word.id == view.override), None)
                return InForce(decision=decision, words=_words(decision, said), since=view.at, by=view.by, until=view.until, action=view)
        for word in words:
            if word.then == decision and word.id not in overrides:
                by = word.author if word.source == "override" else f"rule {word.author}"
                return InForce(decision=decision, words=_bucket(word), since=word.made_at, by=by, until=word.until)
    return _met([one for one in refusals if _may_stand(one, stands)], risk, now)


def _may_stand(refused: Refused, stands: Stands) -> bool:
    kind, _, id = (refused.limit_name or "").partition(":")
    return kind != "override" or stands(id)


def _met(refusals: Iterable[Refused], risk: float | None, now: float) -> InForce:
    latest = max((one for one in refusals if one.reason in _BY), key=lambda one: one.last_at, default=None)
    if latest is None or now - latest.last_at > _RECENT_S:
        return NOTHING
    by = _BY[latest.reason]
    by = f"{by} {risk:.4f}" if by == "risk" and risk is not None else f"{by} {_name(latest)}".strip()
    since = latest.first_at if now - latest.first_at < DAY_S else None
    return InForce(decision="block" if latest.decision == "block" else "throttle", words="its requests meet it now", since=since, by=by)


def _name(refused: Refused) -> str:
    """Of a list or a rule its own name, which stands behind the kind."""
    kind, colon, name = (refused.limit_name or "").partition(":")
    return (name if kind != "override" else f"override {name}") if colon else kind


def _words(decision: Decided, word: Standing | None) -> str:
    if word is not None and word.bucket is not None:
        tokens, _, unit = str(word.bucket.refill).partition("/")
        return f"{tokens} {'token' if tokens == '1' else 'tokens'} a {_UNITS.get(unit, unit)}"
    return _PLAIN[decision]


def _bucket(word: Standing) -> str:
    if word.bucket is not None and word.then == "throttle":
        return _words("throttle", word)
    return _PLAIN.get(word.then, "") if word.scope == "both" else f"{word.scope}s alone"


_UNITS: Final = {"s": "second", "min": "minute", "h": "hour", "d": "day"}
_PLAIN: Final = {
    "block": "every request and purchase",
    "allow": "no list, rule or risk counts",
    "throttle": "an extra bucket",
    "hold": "part of its tokens",
}
