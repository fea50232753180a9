"""One limit of the policy, as the file writes it and as the limiter reads it: frozen, typed, unknown fields forbidden.

A limit says how much (`bucket` or `quota`), for whom (`per`) and for which requests (`match`). It holds no state.
"""

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from ratelimit.core.units import Refill

SubjectKind = Literal["api_key", "ip", "account", "subnet"]
Mode = Literal["enforce", "shadow"]
OnStoreFailure = Literal["local", "allow", "deny"]
Every = Literal["day", "week", "month", "year"]

SUBJECT_KINDS: tuple[SubjectKind, ...] = get_args(SubjectKind)

LIMIT_NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"

LimitName = Annotated[str, Meta(pattern=LIMIT_NAME)]


class BucketRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A token bucket: at most `capacity` tokens, refilled steadily."""

    capacity: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    refill: Refill


class QuotaRule(Struct, frozen=True, forbid_unknown_fields=True):
    """An `amount` of tokens per calendar period of `timezone`; `starts_on` is the day of month, or of week (1 = Monday).

    In a month that is shorter, the last day stands for `starts_on`; days and years begin where the calendar says, so there it is 1.
    """

    amount: Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
    every: Every
    timezone: str = "UTC"
    starts_on: Annotated[int, Meta(ge=1, le=31)] = 1


class SubnetRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the prefix is that makes a neighbourhood, in bits."""

    v4: Annotated[int, Meta(ge=8, le=32)] = 24
    v6: Annotated[int, Meta(ge=16, le=64)] = 48


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a limit meets; a field left out matches all. `path` holds globs, see core/path."""

    method: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """A named rule. Exactly one of `bucket` and `quota` is set; `per` is one composite key."""

    name: LimitName
    per: Annotated[tuple[SubjectKind, ...], Meta(min_length=1, max_length=4)]
    match: Match = Match()
    bucket: BucketRule | None = None
    quota: QuotaRule | None = None
    subnet: SubnetRule = SubnetRule()
    mode: Mode = "enforce"
    on_store_failure: OnStoreFailure = "local"
    missing: Literal["skip", "deny"] = "skip"
