"""A rule of the policy: a condition over the signals of a purchase or of a request, and what follows where it holds."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from ratelimit.core.limit import LimitName, Mode
from ratelimit.core.risk_rule import RiskBucket
from ratelimit.core.standing import Scope, TargetKind
from ratelimit.core.units import Duration

RuleOn = Literal["purchase", "request"]
RuleThen = Literal["allow", "throttle", "block", "review"]


class Rule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`when` is CEL. The verdict stands for the one purchase or subject at hand, and `for` so long for each of `of`, in that `scope`.

    A throttle of a purchase holds `hold` of its tokens until `lapse`, or challenges the buyer; one of a request is a smaller bucket beside
    each limit of the subject. `canary` is the share of subjects, by hash, for whom an enforced rule is in force; for others it is shadow.
    """

    name: LimitName
    on: RuleOn
    when: Annotated[str, Meta(min_length=1, max_length=2_000)]
    then: RuleThen
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    of: tuple[TargetKind, ...] = ()
    for_: Duration | None = field(default=None, name="for")
    scope: Scope | None = None  # that of `on`
    mode: Mode = "enforce"
    canary: Annotated[float, Meta(gt=0, le=1)] = 1.0
    action: Literal["hold", "challenge"] = "hold"
    hold: Annotated[float, Meta(gt=0, le=1)] = 0.5
    lapse: Duration = Duration.parse("24h")
    bucket: RiskBucket | None = None
