"""What is answered to a purchase, from all that was said of it. Times are seconds since the epoch.

Who decides is core/decision's precedence. What it means for a purchase:

    allow       accept    all tokens
    throttle    hold      accepted, and of the tokens the largest share that any throttle holds is not spendable, until that one lapses
                challenge the buyer is asked to prove to be the card's holder; what throttles hold is held all the same
    block       refuse    no tokens

What there is nothing to hold of (a card that is kept for later) is challenged instead. Tokens held are rounded down.

Worked example: a rule holds half of 1,001 tokens for a day, and the risk, above its second bound, 0.8 of them for an hour. The rule
decides, since it stands before risk: `rule_throttled`; 800 tokens are held for an hour.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.decision import Reason, ShadowFinding, Source, Verdict, decide
from ratelimit.core.purchase import Action, OnStoreFailure, Purchase, PurchaseDecision

EXEMPT: Final[frozenset[Reason]] = frozenset({"override_allow", "allow_listed"})  # from rules and risk
HOLD_RATIO: Final = 0.5  # of a throttle that names none, such as a person's
LAPSE_S: Final = 86_400.0

_ACTIONS: Final[dict[Verdict, Action]] = {"allow": "accept", "throttle": "hold", "block": "refuse"}
_STRICTNESS: Final[tuple[Action, ...]] = ("accept", "hold", "challenge", "refuse")
_AWAY: Final[dict[Action, Verdict]] = {"accept": "allow", "challenge": "throttle", "refuse": "block"}
_ROUNDING: Final = 1e-6  # of a token: 0.29 of 100 is 29


class Said(Struct, frozen=True):
    """What one part says of a purchase. `by` is the rule, the list or the override; a throttle holds `hold`, or with 0 only challenges."""

    source: Source
    verdict: Verdict
    by: str | None = None
    hold: float = 0.0
    lapse_s: float = 0.0
    challenge: bool = False
    enforced: bool = True


def judged(id: str, purchase: Purchase, said: Iterable[Said], now_s: float) -> PurchaseDecision:
    """The decision; what is not enforced stands in `shadow`, with what it would have answered if it alone were."""
    said = list(said)
    enforced = _not_exempt([one for one in said if one.enforced])
    row = decide((one.source, one.verdict) for one in enforced)
    decisive = next((one for one in enforced if (one.source, one.verdict) == (row.source, row.verdict)), None)
    shadow = tuple(ShadowFinding(one.by or one.source, decide([(one.source, one.verdict)]).reason) for one in said if not one.enforced)
    decision = PurchaseDecision(
        id=id,
        purchase=purchase.id,
        attempt=purchase.attempt,
        decision=row.verdict,
        action=_ACTIONS[row.verdict],
        reason=row.reason,
        rule=decisive.by if decisive is not None else None,
        shadow=shadow,
    )
    return _held(decision, purchase, enforced, now_s) if row.verdict == "throttle" else decision


def _not_exempt(enforced: list[Said]) -> list[Said]:
    """A rule that allows exempts from what comes after it: the model, and rules below it in the file, which the rulebook leaves out."""
    if not any(one.source == "rule" and one.verdict == "allow" for one in enforced):
        return enforced
    return [one for one in enforced if one.source != "risk"]


def _held(decision: PurchaseDecision, purchase: Purchase, enforced: list[Said], now_s: float) -> PurchaseDecision:
    throttles = [one for one in enforced if one.verdict == "throttle"]
    largest = max(throttles, key=lambda one: (one.hold, one.lapse_s))
    held = int(purchase.tokens * largest.hold + _ROUNDING)
    action: Action = "challenge" if not held or any(one.challenge for one in throttles) else "hold"
    if not held:
        return replace(decision, action=action)
    return replace(decision, action=action, hold_ratio=largest.hold, held=held, lapses_at=now_s + largest.lapse_s)


def waived(decision: PurchaseDecision, propensity: float) -> PurchaseDecision:
    """The decision without the model's hold, which was waived by lot with that chance."""
    shadow = (*decision.shadow, ShadowFinding(decision.rule or decision.reason, decision.reason, propensity))
    return replace(
        decision, decision="allow", action="accept", reason="ok", rule=None, hold_ratio=0.0, held=0, lapses_at=None, shadow=shadow
    )


def without_store(decision: PurchaseDecision, on_store_failure: OnStoreFailure) -> PurchaseDecision:
    """What is answered while nothing can be known or kept: what is said without the store, or what the policy says if that is stricter.

    Who is allowed by a person or a list is exempt. A hold is kept in the store, so the buyer is challenged instead.
    """
    if decision.reason in EXEMPT:
        return decision
    if decision.decision == "throttle":
        decision = replace(decision, action="challenge", hold_ratio=0.0, held=0, lapses_at=None)
    if _STRICTNESS.index(decision.action) > _STRICTNESS.index(on_store_failure):
        return decision
    verdict = _AWAY[on_store_failure]
    return replace(decision, decision=verdict, action=on_store_failure, reason="store_unavailable", rule=None)
