"""What a version of a rule must show before it goes a step up the ladder, with what was measured of it.

A condition that is not met can be passed over by an admin who says why, unless it is *hard*. Spans are in days, shares 0..1.
"""

from typing import Final, Literal

from msgspec import Struct

from ratelimit.anomaly.evaluation_report import Share
from ratelimit.core.risk_rule import LEAST_RATIO
from ratelimit.ledger.rules import LADDER, RuleVersion, Step

LEAST_FRAUD: Final = 0.85  # among those reviewed
MOST_GOOD_A_DAY: Final = 1.0
LEAST_REVIEWED: Final = 100
SHADOW_DAYS: Final = 7.0
CANARY_DAYS: Final = 1.0
MOST_FRAUD_ALLOWED: Final = 0.01  # among those reviewed whom a rule lets through
TRUSTED_HIT: Final = 2  # trusted customers within an hour; with more a canary goes back by itself
SHARES: Final = (0.01, 0.1, 0.5, 1.0)  # of subjects that a canary is offered for

_DAY_S: Final = 86_400.0

State = Literal["met", "unmet", "later"]


class Condition(Struct, frozen=True, kw_only=True):
    """`text` asks for it, `value` is what was measured. `later`: time or another person will tell; `hard`: nobody passes it over."""

    text: str
    value: str
    state: State
    hard: bool = False
    note: str = ""


class Measured(Struct, frozen=True, kw_only=True):
    """What is known of a version: from its latest backtest, None where there is none of this very text."""

    fraud: int = 0
    good: int = 0
    good_a_day: float | None = None
    tested: bool = False

    @property
    def share(self) -> Share:
        """Fraud among those reviewed."""
        return Share.of(self.fraud, self.fraud + self.good)


def next_step(step: Step) -> Step | None:
    """The step above; None above the last, and for what is not on the ladder."""
    if step not in LADDER or step == LADDER[-1]:
        return None
    return LADDER[LADDER.index(step) + 1]


def locks_out(version: RuleVersion) -> bool:
    """Whether the rule blocks, or throttles requests to less than a quarter of each limit, which is a block by another name."""
    rule = version.rule
    return rule.get("then") == "block" or (rule.get("bucket") or {}).get("refill_ratio", LEAST_RATIO) < LEAST_RATIO


def shares_of(version: RuleVersion) -> tuple[float, ...]:
    """Those that a canary of it is offered for: a block for all is live, which needs two people."""
    return tuple(share for share in SHARES if share < 1 or not locks_out(version))


def conditions(version: RuleVersion, measured: Measured, now: float) -> tuple[Condition, ...]:
    """Those of the next step."""
    match version.step:
        case "draft":
            return (Condition(text="A backtest of this text", value="to be run", state="unmet", hard=True),)
        case "backtest":
            return (_tested(measured),)
        case "shadow":
            return (*_evidence(version, measured), _lasted(version, "shadow", SHADOW_DAYS, now), *_second(version, live=False))
        case "canary":
            return (*_evidence(version, measured), _lasted(version, "canary", CANARY_DAYS, now), *_second(version, live=True))
    return ()


def _tested(measured: Measured) -> Condition:
    value = "done" if measured.tested else "run it again"
    return Condition(text="A backtest of this text", value=value, state="met" if measured.tested else "unmet", hard=True)


def _evidence(version: RuleVersion, measured: Measured) -> tuple[Condition, ...]:
    share, reviewed = measured.share, measured.fraud + measured.good
    if version.rule.get("then") == "allow":
        low = _condition("Fraud among reviewed, at most 1 %", _percent(measured.fraud, reviewed), bool(reviewed) and _most(share))
    elif version.rule.get("then") == "review":
        return ()
    else:
        met = bool(reviewed) and measured.fraud / reviewed >= LEAST_FRAUD
        low = _condition(f"Fraud among reviewed, at least {LEAST_FRAUD:.0%}", _percent(measured.fraud, reviewed), met)
    interval = f"{share.low * 100:.1f} – {share.high * 100:.1f}" if reviewed else "nothing reviewed"
    good = "not known" if measured.good_a_day is None else f"{measured.good_a_day:.2g}"
    few = measured.good_a_day is not None and measured.good_a_day <= MOST_GOOD_A_DAY
    found = [low]
    if version.rule.get("then") != "allow":
        found.append(_condition(f"Interval above {LEAST_FRAUD:.0%}", interval, bool(reviewed) and share.low >= LEAST_FRAUD))
        found.append(_condition("Good customers hit, at most 1 a day", good, few))
    found.append(_condition(f"At least {LEAST_REVIEWED} reviewed", f"{reviewed:,}", reviewed >= LEAST_REVIEWED))
    return tuple(found)


def _most(share: Share) -> bool:
    return share.part / share.whole <= MOST_FRAUD_ALLOWED


def _percent(part: int, whole: int) -> str:
    return f"{part / whole * 100:.1f} %" if whole else "nothing reviewed"


def _condition(text: str, value: str, met: bool) -> Condition:
    return Condition(text=text.replace("%", " %").replace("  %", " %"), value=value, state="met" if met else "unmet")


def _lasted(version: RuleVersion, step: Step, wanted: float, now: float) -> Condition:
    days = max(0.0, (now - version.steps.get(step, now)) / _DAY_S)
    text = f"{'Seven days' if wanted == SHADOW_DAYS else 'A day'} in {step}"
    value = f"{min(int(days), int(wanted))} of {wanted:g}"
    return Condition(text=text, value=value, state="met" if days >= wanted else "later")


def _second(version: RuleVersion, *, live: bool) -> tuple[Condition, ...]:
    if not locks_out(version):
        return ()
    if not live:
        return (Condition(text="A second person, for live only", value="later", state="later", note="only"),)
    text = f"A second person, not {version.by_login}"
    return (Condition(text=text, value="asked for" if version.wants == "live" else "to confirm", state="later", hard=True, note="person"),)


def ready_at(version: RuleVersion) -> float | None:
    """When time alone will have met its condition; None where none hangs on time."""
    wanted = {"shadow": SHADOW_DAYS, "canary": CANARY_DAYS}.get(version.step)
    return None if wanted is None else version.steps.get(version.step, version.step_at) + wanted * _DAY_S


def unmet(found: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Those that stand in the way; what only a second person can say is not among them."""
    return tuple(it for it in found if it.state != "met" and it.note not in {"only", "person"})
