"""An override as a person asks for it, and the word that comes of it: what must be together, whom it may be about, when it ends.

Raw values (an API key, a card's fingerprint, an email, a device) are turned into what stands for them here, and go no further. Whoever is
met by a very wide network is many, so that has to be said in words. Times are seconds since the epoch.
"""

from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta, Struct, field

from ratelimit.core.beside import counts_by
from ratelimit.core.errors import UnitError
from ratelimit.core.expectation import meant, shown
from ratelimit.core.identity import ApiKeys
from ratelimit.core.limit import BucketRule
from ratelimit.core.list_item import DIGEST, ItemError, parse_item
from ratelimit.core.listing import ends_at
from ratelimit.core.policy import Policy
from ratelimit.core.policy_check import exact_capacity
from ratelimit.core.purchase_entity import EntityKind, EntityNames
from ratelimit.core.standing import Scope, Standing, Target, TargetKind
from ratelimit.core.standing_index import OF_REQUESTS
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.units import Duration, Refill

OverrideThen = Literal["block", "throttle", "allow", "bucket", "exempt_limits"]
WIDE_BITS: Final = {4: 16, 16: 32}  # a prefix shorter than that is met by many

_PSEUDONYMS: Final[frozenset[TargetKind]] = frozenset({"card", "device", "email", "email_domain"})


class OverrideError(ValueError):
    """What of an override cannot be; `path` is where it stands in the body."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path


class BucketAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket in the words of a policy."""

    capacity: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    refill: str


class OverrideAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body. It ends after `for`, or at `until`, a date or a time as of RFC 3339; with neither it stands until it is taken away.

    `bucket` is the extra bucket of a throttle; with `limit` it is what that limit has for the target instead. `wide: true` goes with
    networks that many are in. With `dry_run` it is judged and not said.
    """

    target: Annotated[str, Meta(min_length=3, max_length=600)]
    then: OverrideThen
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    author: Annotated[str, Meta(min_length=1, max_length=100)]
    for_: str | None = field(default=None, name="for")
    until: str | None = None
    scope: Scope = "both"
    bucket: BucketAsked | None = None
    limit: str | None = None
    wide: bool = False
    dry_run: bool = False


class Pseudonyms(NamedTuple):
    """What stands for raw values: by the store's key, and for a policy that says how long an IPv6 caller's prefix is."""

    api_keys: ApiKeys
    names: EntityNames
    ipv6_prefix: int

    @classmethod
    def of(cls, store_key: bytes, ipv6_prefix: int) -> "Pseudonyms":
        """With the store's key."""
        return cls(ApiKeys(store_key), EntityNames(StoreKeys(store_key), ipv6_prefix), ipv6_prefix)

    def target(self, text: str) -> Target:
        """Whom a text such as `account:42` is about; raises ItemError."""
        kind, colon, value = text.partition(":")
        if colon and kind == "api_key" and value and not DIGEST.fullmatch(value):
            return Target("api_key", self.api_keys.digest(value))
        item = parse_item(text, self.ipv6_prefix)
        if item.kind not in _PSEUDONYMS:
            return Target(item.kind, item.value)
        entity: EntityKind = item.kind  # type: ignore[assignment]  # those of pseudonyms are
        target = self.names.target(entity, item.value)
        if target is None:
            raise ItemError(f"{shown(text)} is not an {item.kind}")
        return target


def word_of(asked: OverrideAsked, policy: Policy, pseudonyms: Pseudonyms, now_s: float) -> Standing:
    """The word that is asked for, without an id; raises OverrideError."""
    try:
        target = pseudonyms.target(asked.target)
    except ItemError as error:
        raise OverrideError("$.target", str(error)) from None
    return word_about(asked, target, policy, now_s)


def word_about(asked: OverrideAsked, target: Target, policy: Policy, now_s: float) -> Standing:
    """The word that is asked for about a target that is known already, whatever the text says; without an id. Raises OverrideError."""
    _check_width(asked, target)
    _check_scope(asked, target)
    if asked.then == "bucket":
        _check_limit(asked, target, policy)
    elif asked.limit is not None:
        raise OverrideError("$.limit", f"means nothing to then: {asked.then}; expected then: bucket, or no limit")
    return Standing(
        id="",
        target=target,
        then=asked.then,
        source="override",
        reason=asked.reason,
        author=asked.author,
        made_at=now_s,
        until=_end(asked, now_s),
        scope=asked.scope,
        bucket=_bucket(asked, target),
        limit=asked.limit,
    )


def _check_width(asked: OverrideAsked, target: Target) -> None:
    if target.kind != "network" or asked.wide:
        return
    address, _, bits = target.value.partition("/")
    least = WIDE_BITS[16 if ":" in address else 4]
    if int(bits) < least:
        text = f"{target.value} is met by many; expected a prefix of {least} bits or more, or `wide: true` beside it"
        raise OverrideError("$.target", text)


def _check_scope(asked: OverrideAsked, target: Target) -> None:
    if asked.then in {"bucket", "exempt_limits"} and asked.scope == "purchase":
        raise OverrideError("$.scope", f"purchases meet no limits, so {asked.then} means nothing to them; expected request, or both")
    if target.kind not in OF_REQUESTS:
        if asked.scope == "request":
            raise OverrideError("$.scope", f"no request is known by its {target.kind}; expected purchase, or both")
        if asked.then in {"bucket", "exempt_limits"}:
            raise OverrideError("$.then", f"no limit counts by {target.kind}; expected block, throttle or allow")


def _check_limit(asked: OverrideAsked, target: Target, policy: Policy) -> None:
    buckets = {limit.name: limit for limit in policy.limits if limit.bucket is not None}
    if asked.limit is None:
        raise OverrideError("$.limit", f"is missing; expected the limit whose bucket it is to be, one of {', '.join(buckets)}")
    limit = buckets.get(asked.limit)
    if limit is None:
        found = f"{shown(asked.limit)} is not a limit with a bucket{meant(asked.limit, buckets)}"
        raise OverrideError("$.limit", f"{found}; expected one of {', '.join(buckets)}")
    if not counts_by(limit.per, target.kind):
        raise OverrideError(
            "$.limit", f"{limit.name} counts by {', '.join(limit.per)}, not by {target.kind}; expected a target that it counts by"
        )


def _bucket(asked: OverrideAsked, target: Target) -> BucketRule | None:
    wanted = asked.then == "bucket" or (asked.then == "throttle" and asked.scope != "purchase" and target.kind in OF_REQUESTS)
    if asked.bucket is None:
        if wanted:
            raise OverrideError("$.bucket", "is missing; expected {capacity: ..., refill: ...}")
        return None
    if not wanted:
        raise OverrideError("$.bucket", f"means nothing to then: {asked.then} of {asked.scope if asked.then == 'throttle' else 'anybody'}")
    try:
        bucket = BucketRule(asked.bucket.capacity, Refill.parse(asked.bucket.refill))
    except UnitError as error:
        raise OverrideError("$.bucket.refill", str(error)) from None
    most = exact_capacity(bucket)
    if bucket.capacity > most:
        raise OverrideError("$.bucket", f"capacity {bucket.capacity} at a refill of {bucket.refill} is too much to be counted exactly")
    return bucket


def _end(asked: OverrideAsked, now_s: float) -> float | None:
    if asked.for_ is not None and asked.until is not None:
        raise OverrideError("$.until", "stands beside for; expected one of them")
    if asked.for_ is not None:
        try:
            span = Duration.parse(asked.for_).seconds
        except UnitError as error:
            raise OverrideError("$.for", str(error)) from None
        if not span:
            raise OverrideError("$.for", f"{shown(asked.for_)} ends at once; expected more")
        return now_s + span
    if asked.until is None:
        return None
    try:
        until = ends_at(asked.until)
    except ValueError:
        text = f"{shown(asked.until)} is not a date or a time with its offset; expected one such as 2027-01-31 or 2027-01-31T12:00:00Z"
        raise OverrideError("$.until", text) from None
    if until <= now_s:
        raise OverrideError("$.until", f"{shown(asked.until)} has passed; expected a time to come")
    return until
