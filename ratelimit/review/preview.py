"""Before a deed: had it been in force for the last 24 h, which requests it would have refused, and whose. Nothing is done.

What was refused is counted; what was allowed is known from a sample, so numbers come with the interval in which they are in 95 of 100. A
throttle is tried on the demand in steps of ten minutes: what its bucket could not have held. Of an allow it is what it would have let
through. Times are seconds since the epoch, money is in minor units.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.errors import UnitError
from ratelimit.core.estimate import Drawn, Estimate, estimate, share
from ratelimit.core.limit import BucketRule
from ratelimit.core.principal import Principal
from ratelimit.core.units import US_PER_S, Refill
from ratelimit.ledger import actions, evidence, impact
from ratelimit.ledger.actions import ActionRow
from ratelimit.ledger.evidence import Seen
from ratelimit.ledger.impact import Group
from ratelimit.ledger.subjects import Subject
from ratelimit.review.balance import Balance
from ratelimit.review.deed import DONE, OF_PURCHASE, SPAN_S, WORDS, Deed, Hit, Preview
from ratelimit.review.deed_check import DeedError, check_kind, check_role, needs_second
from ratelimit.review.doing import Doing, cleaned
from ratelimit.review.intent import blocked_since
from ratelimit.review.plan import THROTTLE, word_of
from ratelimit.review.softer import Impact, softer

SPAN_PREVIEWED_S: Final = 86_400.0
MANY: Final = 5  # accounts of good standing by which an entity is shared by more than a flag may cross
_STEP_S: Final = 600.0
_LIMITS: Final = frozenset({"rate_exceeded", "quota_exhausted", "concurrency_exceeded", "cost_exceeds_capacity", "store_unavailable"})
_TOLD: Final = {"block": "override_block", "rotate_key": "override_block", "throttle": "override_throttle", "allow": "override_allow"}
_REFUSING: Final = frozenset({"block", "rotate_key"})


class Previews:
    """Previews deeds. `sample` is the share of allowed requests that are recorded."""

    def __init__(self, doing: Doing, sample: float) -> None:
        self._doing, self._weight = doing, 1 / sample if sample > 0 else 0.0

    async def preview(self, principal: Principal, case: int | None, deed: Deed) -> Preview:
        """Of one deed, on a case or on whom it names; raises CaseError in its kinds."""
        check_role(principal)
        async with self._doing.ledger.read() as connection:
            subject = await self._doing.target_of(connection, case, cleaned(deed))
            if deed.then not in OF_PURCHASE:
                check_kind(deed, subject.kind)
            since = self._doing.wall() - SPAN_PREVIEWED_S
            groups = await impact.groups(connection, subject.kind, subject.id, since)
            usual = await evidence.usual(connection, Seen(subject.kind, subject.id), self._doing.wall())
            looked = await self._look(connection, subject, groups)
            refused = await self._refused(connection, deed, subject, groups, since)
            standing = await actions.standing(connection, subject.id, self._doing.wall())
        now = self._doing.wall()
        until = now + SPAN_S[deed.for_] if deed.then in WORDS or deed.then == "hold" else None
        found = _impact(deed, subject, groups, refused, frozenset(usual), looked.hits)
        balance = looked.balance
        return Preview(
            then=deed.then,
            span_s=SPAN_PREVIEWED_S,
            until=until,
            requests=refused,
            of_requests=found.all,
            already_throttled=found.already,
            from_usual=found.usual,
            other_accounts=looked.hits,
            shared=looked.shared,
            good=sum(hit.good > 0 for hit in looked.hits),
            tokens_left=balance.tokens if balance is not None else None,
            left_minor=balance.paid_minor if balance is not None else None,
            currency=balance.currency if balance is not None else None,
            softer=softer(found),
            needs_second=self._needs_second(principal, deed, subject, standing, until or now),
            replaces=tuple(f"{DONE[row.then]} by {row.by_login}" for row in standing if row.override) if deed.then in WORDS else (),
            told=_TOLD.get(deed.then, ""),
        )

    async def previews(self, principal: Principal, cases: Sequence[int], deed: Deed) -> Preview:
        """Of one deed on many cases: sums, and what they share named once."""
        found = [await self.preview(principal, case, deed) for case in cases]
        if not found:
            raise DeedError("$.cases", "is empty; expected the numbers of cases")
        return together(found, await self._anchors(cases))

    async def _anchors(self, cases: Sequence[int]) -> set[str]:
        async with self._doing.ledger.read() as connection:
            found = [await actions.anchor(connection, case) for case in cases]
        return {str(anchor) for anchor in found if anchor is not None}

    async def _look(self, connection: AsyncConnection, subject: Subject, groups: Sequence[Group]) -> "Looked":
        """Who else uses it, and what the account that it is of has left."""
        sharing = await impact.sharing(connection, subject.id) if subject.kind != "account" else []
        requests: dict[int, float] = {}
        for group in groups:
            if group.account is not None:
                requests[group.account] = requests.get(group.account, 0.0) + group.drawn.whole + group.drawn.weights
        owner = await self._doing.owner(connection, subject)
        hits = tuple(
            Hit(subject=str(one.id), kind="account", shown=one.shown, requests=requests.get(one.id, 0.0), good=one.good, fraud=one.fraud)
            for one in sharing
            if owner is None or one.id != owner.id or subject.kind != "api_key"
        )
        shared = (_hit(subject, sum(requests.values())),) if subject.good > MANY else ()
        balance = await self._doing.balance(connection, owner) if owner is not None else None
        return Looked(hits, shared, balance)

    def _needs_second(self, principal: Principal, deed: Deed, subject: Subject, standing: Sequence[ActionRow], until: float) -> bool:
        target, overrides = subject.target, self._doing.effects.overrides
        if target is None or subject.kind != "account" or deed.then not in WORDS:
            return False
        since = blocked_since(standing, overrides.about(target), overrides)
        blocks = overrides.locks_out(word_of(deed, target, principal, overrides))
        return needs_second(subject.kind, since, self._doing.wall(), until, blocks=blocks)

    async def _refused(self, connection: AsyncConnection, deed: Deed, subject: Subject, groups: Sequence[Group], since: float) -> Estimate:
        if deed.then in _REFUSING:
            return self._estimate(groups)
        if deed.then == "allow":
            return self._estimate(group for group in groups if group.decision != "allow" and group.reason not in _LIMITS)
        if deed.then != "throttle" or not groups:
            return Estimate(0.0, 0.0, 0.0)
        bucket = bucket_of(deed)
        step = bucket.refill.num / bucket.refill.per * US_PER_S * _STEP_S
        asked = await impact.demand(connection, subject.kind, subject.id, since, _STEP_S)
        whole, most = sum(asked), bucket.capacity
        left = sum(max(0.0, cost - step) for cost in asked)  # a bucket that is full at first and never again
        return share(self._estimate(groups), max(0.0, left - most) / whole if whole else 0.0)

    def _estimate(self, groups: Iterable[Group]) -> Estimate:
        return _sum(groups, self._weight)


class Looked(NamedTuple):
    """Who else would be hit, what is shared by many, and what is left of purchases."""

    hits: tuple[Hit, ...]
    shared: tuple[Hit, ...]
    balance: Balance | None


def bucket_of(deed: Deed) -> BucketRule:
    """The bucket of a throttle; raises DeedError."""
    asked = deed.bucket or THROTTLE
    try:
        return BucketRule(asked.capacity, Refill.parse(asked.refill))
    except UnitError as error:
        raise DeedError("$.bucket.refill", str(error)) from None


def together(found: Sequence[Preview], anchors: set[str]) -> Preview:
    """Sums of several; an account that several would hit, or that is one of theirs (`anchors`), is named once or not at all."""
    hits: dict[str, Hit] = {}
    shared: dict[str, Hit] = {}
    for one in found:
        for hit in one.other_accounts:
            if hit.subject not in anchors:
                known = hits.get(hit.subject)
                hits[hit.subject] = hit if known is None else replace(known, requests=known.requests + hit.requests)
        shared |= {hit.subject: hit for hit in one.shared}
    currency = next((one.currency for one in found if one.currency is not None), None)
    lefts = [one.tokens_left for one in found if one.tokens_left is not None]
    minors = [one.left_minor for one in found if one.left_minor is not None and one.currency == currency]
    return replace(
        found[0],
        requests=_added(one.requests for one in found),
        of_requests=_added(one.of_requests for one in found),
        already_throttled=sum(one.already_throttled for one in found),
        from_usual=_added(one.from_usual for one in found),
        other_accounts=tuple(hits.values()),
        shared=tuple(shared.values()),
        good=sum(hit.good > 0 for hit in hits.values()),
        tokens_left=sum(lefts) if lefts else None,
        left_minor=sum(minors) if minors else None,
        currency=currency,
        softer=None,
        needs_second=any(one.needs_second for one in found),
        replaces=tuple(text for one in found for text in one.replaces),
        bulk=len(found),
    )


def _impact(deed: Deed, subject: Subject, groups: Sequence[Group], refused: Estimate, usual: frozenset[int], hits: Sequence[Hit]) -> Impact:
    everything = _sum(groups)
    part = refused.value / everything.value if everything.value else 0.0
    from_usual = _sum(group for group in groups if group.address in usual)
    by_key: dict[int, float] = {}
    for group in groups:
        if group.api_key is not None:
            by_key[group.api_key] = by_key.get(group.api_key, 0.0) + group.drawn.whole + group.drawn.weights
    already = sum(group.drawn.whole + group.drawn.weights for group in groups if group.decision != "allow")
    return Impact(
        then=deed.then,
        kind=subject.kind,
        all=everything,
        refused=refused,
        already=round(min(already, refused.high)) if deed.then != "allow" else round(already),
        usual=share(from_usual, part) if deed.then != "allow" else from_usual,
        by_key=by_key,
        good=sum(hit.good > 0 for hit in hits),
    )


def _sum(groups: Iterable[Group], weight: float = 1.0) -> Estimate:
    whole = Drawn()
    for group in groups:
        whole = whole.and_(group.drawn)
    return estimate(whole, weight)


def _added(found: Iterable[Estimate]) -> Estimate:
    """Of several that know nothing of one another: their values add up, and so do the squares of what they may be off."""
    some = list(found)
    value = sum(one.value for one in some)
    low = sum((one.value - one.low) ** 2 for one in some) ** 0.5
    high = sum((one.high - one.value) ** 2 for one in some) ** 0.5
    return Estimate(value, max(0.0, value - low), value + high)


def _hit(subject: Subject, requests: float) -> Hit:
    return Hit(subject=str(subject.id), kind=subject.kind, shown=subject.shown, requests=requests, good=subject.good, fraud=subject.fraud)
