"""One deed on many cases: each is decided by itself, with its own outcome, and all can be undone together.

Cases are taken in their order, one after the other: what is done about one may matter to the next. The same key once more does what was
not done yet. Who asks for a campaign names it, and leaves out its exceptions.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from ratelimit.core.case import shown
from ratelimit.core.principal import Principal
from ratelimit.ledger import actions, campaigns
from ratelimit.ledger.subjects import clean
from ratelimit.review import case_error
from ratelimit.review.actions import Actions
from ratelimit.review.case_error import CaseError
from ratelimit.review.deed import Deed, Done, Preview
from ratelimit.review.deed_check import DeedError, check_role
from ratelimit.review.preview import Previews

MOST_CASES: Final = 500  # in one; a campaign may have more, and is done in several

CaseNumber = Annotated[int, Meta(ge=1, lt=2**53)]


class Bulk(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked for. The `target` of the deed must be left out: it is about the anchor of each case.

    `versions` are those of the cases as they were seen, in the same order, or none. `campaign` stands for its open cases but `without`.
    """

    deed: Deed
    cases: Annotated[tuple[CaseNumber, ...], Meta(max_length=MOST_CASES)] = ()
    versions: Annotated[tuple[int, ...], Meta(max_length=MOST_CASES)] = ()
    campaign: CaseNumber | None = None
    without: Annotated[tuple[CaseNumber, ...], Meta(max_length=MOST_CASES)] = ()


class BulkOutcome(Struct, frozen=True, kw_only=True):
    """Of one case: what was done, or `why` not."""

    case: int
    done: Done | None = None
    why: str = ""
    kind: str = ""


class BulkDone(Struct, frozen=True, kw_only=True):
    """Of all: `bulk` is what they are undone together by."""

    bulk: str
    outcomes: tuple[BulkOutcome, ...]
    done: int
    failed: int


class Bulks:
    """Does them."""

    def __init__(self, actions: Actions, previews: Previews) -> None:
        self._actions, self._previews = actions, previews

    async def act(self, principal: Principal, asked: Bulk) -> BulkDone:
        """Do it on each case that allows it; raises CaseError where nothing can be begun."""
        check_role(principal)
        cases = await self._cases(asked)
        versions = dict(zip(asked.cases, asked.versions, strict=False))
        name = clean(f"{principal.via}-{principal.id}-{asked.deed.key}", 64)
        outcomes = [await self._one(principal, case, _seen(asked.deed, versions.get(case)), name) for case in cases]
        return _summed(name, outcomes)

    async def undo(self, principal: Principal, bulk: str, reason: str = "") -> BulkDone:
        """Undo each that may be undone, the last one first."""
        check_role(principal)
        async with self._actions.doing.ledger.read() as connection:
            rows = await actions.of_bulk(connection, clean(bulk, 64))
        if not rows:
            raise case_error.NotFoundError("nothing was done together by that name")
        outcomes = []
        for row in reversed(rows):
            try:
                done = await self._actions.undo(principal, row.id, reason)
                outcomes.append(BulkOutcome(case=row.case_number or 0, done=done))
            except CaseError as error:
                outcomes.append(_failed(row.case_number or 0, error))
        return _summed(bulk, outcomes)

    async def preview(self, principal: Principal, asked: Bulk) -> Preview:
        """Sums over all, and each shared entity named once."""
        return await self._previews.previews(principal, await self._cases(asked), asked.deed)

    async def _one(self, principal: Principal, case: int, deed: Deed, bulk: str) -> BulkOutcome:
        try:
            return BulkOutcome(case=case, done=await self._actions.act(principal, case, deed, bulk=bulk))
        except CaseError as error:
            return _failed(case, error)

    async def _cases(self, asked: Bulk) -> Sequence[int]:
        if asked.deed.target is not None or asked.deed.purchase is not None:
            raise DeedError("$.deed.target", "is about one only; expected none, since it is about each case's own")
        cases = list(asked.cases)
        if asked.campaign is not None:
            async with self._actions.doing.ledger.read() as connection:
                cases += await campaigns.cases_of(connection, asked.campaign)
        cases = [case for case in dict.fromkeys(cases) if case not in asked.without]
        if not cases:
            raise DeedError("$.cases", "is empty, and no campaign with open cases is named; expected whom it is about")
        if len(cases) > MOST_CASES:
            raise DeedError("$.cases", f"are {len(cases)}; expected at most {MOST_CASES} at once")
        return cases


def _seen(deed: Deed, version: int | None) -> Deed:
    return replace(deed, version=version)


def _failed(case: int, error: CaseError) -> BulkOutcome:
    kind = type(error).__name__.removesuffix("Error").lower()
    return BulkOutcome(case=case, why=str(error) or shown(case), kind=kind)


def _summed(bulk: str, outcomes: Sequence[BulkOutcome]) -> BulkDone:
    done = sum(one.done is not None for one in outcomes)
    return BulkDone(bulk=bulk, outcomes=tuple(outcomes), done=done, failed=len(outcomes) - done)
