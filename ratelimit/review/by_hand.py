"""A person opens a case about a subject, where nothing has flagged it. It goes to the open case of that subject, if there is one."""

from collections.abc import Callable
from secrets import token_hex
from typing import Final

from ratelimit.core.message import Entity, Flagged
from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import named
from ratelimit.review.case_error import CaseError, NotFoundError
from ratelimit.review.opening import Opener

ANCHORS: Final = frozenset({"account", "api_key", "ip"})  # what a case can be about
MOST_WHY: Final = 400


async def open_case(ledger: Ledger, principal: Principal, subject: int, why: str, wall: Callable[[], float]) -> int:
    """The number of the case; raises CaseError in its kinds."""
    why = why.strip()
    if not why:
        raise CaseError("no case was opened: expected some words on why somebody should look")
    async with ledger.write() as connection:
        known = (await named(connection, [subject])).get(subject)
        if known is None or known.value is None:
            raise NotFoundError("no case was opened: nothing is known of that subject, or it was erased")
        if known.kind not in ANCHORS:
            raise CaseError(
                f"no case was opened: a case is about an account, a key or an address, and this is a {known.kind.replace('_', ' ')}"
            )
        now, opener = wall(), Opener(connection, wall())
        who = Entity(known.kind, known.value, known.shown)
        id = token_hex(8)
        number = await opener.open(Flagged(id, who, "person", f"person:{id}", (why[:MOST_WHY],), now, word=principal.login), subject)
        await opener.finish()
    if not number:
        raise CaseError("no case was opened: this is known to be normal; end that first, or act on the subject itself")
    return number
