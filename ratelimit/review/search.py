"""Looks for what somebody types: a case, a decision, a purchase, or a subject by its value or a part of its name.

Values that the ledger knows by a pseudonym alone, such as an API key, are found whole: what was typed is made into the pseudonym
and goes no further. Parts of names are looked for among the latest subjects of each kind.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import number_of
from ratelimit.core.list_item import ItemError
from ratelimit.core.standing import Target
from ratelimit.ledger import case_query, found
from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.found import CaseHit, PurchaseHit
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects

MOST: Final = 20
MOST_TEXT: Final = 200
_LEAST_PART: Final = 3  # characters of a part of a name
_WHOLE: Final = ("account", "api_key", "ip", "network", "email", "email_domain", "card", "device")

Meant = Callable[[str], Target]  # whom `account:42` is about; raises ItemError


class Results(Struct, frozen=True, kw_only=True):
    """What was found. `record` is the id of a decision; `anchors` are whom the cases are about."""

    case: int | None = None
    record: str | None = None
    purchase: PurchaseHit | None = None
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

    async def find(self, text: str) -> Results:
        """All that it can mean."""
        text = case_query.plain(text.strip())[:MOST_TEXT]
        if not text:
            return Results()
        async with self._ledger.read() as connection:
            case = await case_query.resolve(connection, text)
            record = text if await found.is_record(connection, text) else None
            if (case is not None and number_of(text) is not None and not text.isdigit()) or record is not None:
                return Results(case=case, record=record)
            whole = await self._whole(connection, text)
            part = [] if whole or len(text) < _LEAST_PART else await found.subjects_like(connection, _digits(text), MOST)
            subjects = (*whole, *part)
            cases = await found.cases_about(connection, [one.id for one in subjects], MOST)
            return Results(
                case=case if not subjects else None,
                purchase=await found.purchase(connection, text),
                subjects=subjects,
                cases=tuple(cases),
                anchors=await case_query.subjects_of(connection, [one.anchor for one in cases]),
            )

    async def _whole(self, connection: AsyncConnection, text: str) -> Sequence[SubjectRef]:
        ids = []
        for kind in _WHOLE:
            target = self._target(kind, text)
            id = await self._subjects.find(connection, target.kind, target.value) if target is not None else None
            if id is not None and id not in ids:
                ids.append(id)
        known = await case_query.subjects_of(connection, ids)
        return [known[id] for id in ids]

    def _target(self, kind: str, text: str) -> Target | None:
        try:
            return self._meant(f"{kind}:{text}")
        except ItemError:
            return None


def _digits(text: str) -> str:
    """What a key's short name begins with in the ledger: of `key_5F3C91` that is 5f3c91."""
    return text[4:].lower() if text.lower().startswith("key_") and len(text) > 4 else text
