"""A rule of the policy: a condition over the signals of a purchase or of a request, and what follows where it holds."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from ratelimit.core.limit import LimitName, Mode
from ratelimit.core.risk_rule import RiskBucket
from ratelimit.core.standing import Scope, TargetKind
from ratelimit.core.units import Duration

RuleOn = Literal["purchase", "request"]
OF_REQUESTS: Final[tuple[TargetKind, ...]] = ("api_key", "account")  # whom a rule on requests is about that names no `of`
RuleThen = Literal["allow", "throttle", "block", "review"]


class Rule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`when` is CEL. The verdict stands for the one purchase or subject at hand, and `for` so long for each of `of`, in that `scope`.

    On requests `of` are the kinds of subjects that it is about: an address, which many share, only where it is named. An allow ends the
    reading of rules: those after it say nothing. With `for` and without `of` it is a guard: what `when` says of the site alone keeps it on
    for so long after it last held, and meanwhile the rest of `when` is enough.

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
