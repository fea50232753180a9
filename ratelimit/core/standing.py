"""Words that stand: overrides by people, verdicts of rules that last, holds, and whom no model may look at. Every sidecar knows all of them
and obeys within a second.

A word is about one target, a subject or an entity, and ends by itself at `until`. What beats what is core/decision's.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from ratelimit.core.limit import BucketRule, LimitName
from ratelimit.core.purchase import Tokens

TargetKind = Literal["api_key", "ip", "account", "network", "card", "device", "email", "email_domain"]
Then = Literal["block", "throttle", "allow", "bucket", "exempt_limits", "hold", "unscored"]
Scope = Literal["purchase", "request", "both"]
StandingSource = Literal["override", "rule", "hold", "privacy"]
HoldState = Literal["held", "released", "revoked"]


class Target(Struct, frozen=True, gc=False):
    """Whom a word is about. `value` is the key's digest, the account, the address or network in text, or a pseudonym of 22 characters."""

    kind: TargetKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Hold(Struct, frozen=True):
    """Tokens of a purchase that are not spendable: `held` of `tokens`, until `lapses_at`, seconds since the epoch.

    `by` is who released or revoked it. `warned`: an early fraud warning has held what was unspent.
    """

    purchase: str
    account: str
    tokens: Tokens
    held: Tokens
    lapses_at: float
    made_at: float
    state: HoldState = "held"
    reason: str = ""
    by: str = ""
    warned: bool = False


class HeldAccount(Struct, frozen=True):
    """An account with holds. It may spend `free` tokens since `opened_at`, and what of its holds is released or has lapsed."""

    account: str
    opened_at: float
    free: int
    holds: tuple[Hold, ...]


class Standing(Struct, frozen=True, kw_only=True, gc=False):
    """One word. `version` counts its changes from 1; `author` is a person or the rule's name; `until` None is without end.

    `bucket` is the extra bucket of a throttle; with `limit` it is what that limit has for the target instead of its own.
    """

    id: str
    target: Target
    then: Then
    source: StandingSource
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    author: Annotated[str, Meta(min_length=1, max_length=100)]
    made_at: float
    until: float | None = None
    scope: Scope = "both"
    bucket: BucketRule | None = None
    limit: LimitName | None = None
    held: HeldAccount | None = None
    version: int = 1


MOST_STANDING: Final = 100_000  # words that all sidecars keep in memory
