"""What stands about a subject now: the word of a person first, then of a rule or a list, then what its latest request met."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ratelimit.core.standing import Standing
from ratelimit.ledger.evidence import Refused, RequestRow
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier import DAY_S, Decided, InForce

_RECENT_S: Final = 900.0  # in which the latest request tells what stands
_STRONGEST: Final[tuple[Decided, ...]] = ("block", "allow", "throttle", "hold")  # as core/decision has it among words of people
_STANDING: Final = frozenset({"in_force", "proposed", "intended", "undoing"})
_BY: Final = {
    "risk_throttled": "risk",
    "risk_blocked": "risk",
    "rule_throttled": "rule",
    "rule_matched": "rule",
    "deny_listed": "list",
    "override_block": "an override",
    "override_throttle": "an override",
}
NOTHING: Final = InForce(decision="allow", words="")


def in_force(
    views: Iterable[ActionView], words: Sequence[Standing], latest: RequestRow | None, refusals: Iterable[Refused], now: float
) -> InForce:
    """What stands. `words` are those of the store about it, `latest` is its newest request."""
    standing = [view for view in views if view.state in _STANDING and (view.until is None or view.until > now)]
    overrides = {view.override for view in standing}
    for decision in _STRONGEST:
        for view in standing:
            if view.then == decision:
                return InForce(
                    decision=decision, words=_words(decision, view.detail), since=view.at, by=view.by, until=view.until, action=view
                )
        for word in words:
            if word.then == decision and word.id not in overrides:
                by = word.author if word.source == "override" else f"rule {word.author}"
                return InForce(decision=decision, words=_bucket(word), since=word.made_at, by=by, until=word.until)
    return _met(latest, refusals, now)


def _met(latest: RequestRow | None, refusals: Iterable[Refused], now: float) -> InForce:
    if latest is None or latest.decision == "allow" or now - latest.at > _RECENT_S or latest.reason not in _BY:
        return NOTHING
    decision: Decided = "block" if latest.decision == "block" else "throttle"
    since = next((one.first_at for one in refusals if one.reason == latest.reason and now - one.first_at < DAY_S), latest.at)
    by = _BY[latest.reason]
    by = f"{by} {latest.risk:.4f}" if by == "risk" and latest.risk is not None else f"{by} {latest.limit_name or ''}".strip()
    return InForce(decision=decision, words="its requests are met by it", since=since, by=by)


def _words(decision: Decided, detail: Any) -> str:
    bucket = detail.get("bucket") if decision == "throttle" else None
    if isinstance(bucket, dict) and bucket.get("refill"):
        return str(bucket["refill"])
    return _PLAIN[decision]


def _bucket(word: Standing) -> str:
    return _PLAIN.get(word.then, "") if word.scope == "both" else f"{word.scope}s alone"


_PLAIN: Final = {
    "block": "every request and purchase",
    "allow": "no list, rule or risk counts",
    "throttle": "an extra bucket",
    "hold": "part of its tokens",
}
