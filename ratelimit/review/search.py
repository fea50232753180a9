"""Looks for what somebody types: a case, a decision, a purchase, or a subject by its value or a part of its name.

Values that the ledger knows by a pseudonym alone, such as an API key, are found whole: what was typed is made into the pseudonym
and goes no further. Whoever sees names masked finds them whole alone: who may ask for any part of a name can spell it out.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.address import parse_address
from ratelimit.core.case import number_of
from ratelimit.core.list_item import ItemError
from ratelimit.core.principal import Role
from ratelimit.core.standing import Target
from ratelimit.ledger import case_query, found, part
from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.found import CaseHit, PurchaseHit
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects

MOST: Final = 20
MOST_TEXT: Final = 200
_LAST: Final = 4  # digits of a card
_WHOLE: Final = ("account", "api_key", "ip", "network", "email", "email_domain", "card", "device")

Meant = Callable[[str], Target]  # whom `account:42` is about; raises ItemError


class Results(Struct, frozen=True, kw_only=True):
    """What was found. `record` is the id of a decision; `anchors` are whom the cases are about."""

    case: int | None = None
    record: str | None = None
    purchases: tuple[PurchaseHit, ...] = ()
    subjects: tuple[SubjectRef, ...] = ()
    cases: tuple[CaseHit, ...] = ()
    anchors: dict[int, SubjectRef] = {}

    @property
    def only(self) -> str:
        """Where to go at once, if it can mean nothing else; "" otherwise."""
        if self.case is not None:
            return f"/cases/{self.case}"
        return f"/records/{self.record}" if self.record is not None else ""


class Search:
    """On a ledger; `subjects` finds by digests, `meant` makes pseudonyms."""

    def __init__(self, ledger: Ledger, subjects: Subjects, meant: Meant) -> None:
        self._ledger, self._subjects, self._meant = ledger, subjects, meant

    async def find(self, text: str, role: Role) -> Results:
        """All that it can mean, to somebody of that role."""
        text = case_query.plain(text.strip())[:MOST_TEXT]
        if not text:
            return Results()
        async with self._ledger.read() as connection:
            case = await case_query.resolve(connection, text)
            record = text if await found.is_record(connection, text) else None
            if (case is not None and number_of(text) is not None and not text.isdigit()) or record is not None:
                return Results(case=case, record=record)
            subjects = await self._subjects_of(connection, text, role)
            bought = await found.purchases(connection, text)
            if role != "viewer" and len(text) == _LAST and text.isdigit():
                bought += await found.paid_with(connection, text, MOST)
            if case is not None and not subjects and not bought:
                return Results(case=case)
            cases = await found.cases_about(connection, [one.id for one in subjects], MOST, case)
            anchors = await case_query.subjects_of(connection, [one.anchor for one in cases])
        return Results(purchases=tuple(bought), subjects=tuple(subjects), cases=tuple(cases), anchors=anchors)

    async def _subjects_of(self, connection: AsyncConnection, text: str, role: Role) -> Sequence[SubjectRef]:
        ids = [*await self._whole(connection, text), *await part.being(connection, text)]
        known = await case_query.subjects_of(connection, ids)
        whole = {id: known[id] for id in ids}
        parts = [] if role == "viewer" else await self._parts(connection, text)
        return list({**whole, **{one.id: one for one in parts}}.values())[:MOST]

    async def _parts(self, connection: AsyncConnection, text: str) -> list[SubjectRef]:
        if "/" in text and (network := self._target("network", text)) is not None and "/" in network.value:
            return await found.subjects_in(connection, network.value, MOST)
        if len(text) < part.LEAST or parse_address(text) is not None:
            return []
        return await found.subjects_having(connection, text.removesuffix("*") if text.endswith(".*") else text, MOST)

    async def _whole(self, connection: AsyncConnection, text: str) -> list[int]:
        targets = [target for kind in _WHOLE if (target := self._target(kind, text)) is not None]
        found = [await self._subjects.find(connection, target.kind, target.value) for target in targets]
        return [id for id in found if id is not None]

    def _target(self, kind: str, text: str) -> Target | None:
        try:
            return self._meant(f"{kind}:{text}")
        except ItemError:
            return None
