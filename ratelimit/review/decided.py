"""What a reference id says was decided, by whom, and about whom: a request, a purchase, or a word that people said.

Who was refused knows the id of that decision. A word is known by its own id as well, since it is what decisions name.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger import actions, purchases, records
from ratelimit.ledger.actions import ActionRow
from ratelimit.ledger.subjects import clean

MODEL: Final = "model"  # who decided, where no person, rule or list did
LIMIT: Final = "limit"
_BY_MODEL: Final = frozenset({"risk_blocked", "risk_throttled"})


class Decided(Struct, frozen=True, kw_only=True):
    """A decision that can be appealed against. `by` is a login, the name of a rule, list or limit, or MODEL; `person` whom it bars.

    `action` is the deed that it rests on, `override` the word that is not one of a deed, `purchase` the one that was decided.
    """

    kind: Literal["request", "purchase", "action"]
    subject: int
    decision: str
    reason: str
    by: str
    at: float
    action: int | None = None
    override: str | None = None
    purchase: str | None = None
    attempt: int = 0
    person: int | None = None


async def decided(connection: AsyncConnection, reference: str) -> Decided | None:
    """What was decided; None: nothing of that id is remembered."""
    reference = clean(reference, 64)
    record = await records.find(connection, reference)
    if record is not None:
        subject = record.account or record.api_key or record.subject or record.address
        if subject is None:
            return None
        made = Decided(kind="request", subject=subject, decision=record.decision, reason=record.reason, by=LIMIT, at=record.at)
        return await _named(connection, made, record.limit_name)
    bought = await purchases.by_record(connection, reference)
    if bought is not None:
        made = Decided(
            kind="purchase", subject=bought.account, decision=bought.decision, reason=bought.reason, by=LIMIT, at=bought.at,
            purchase=bought.id, attempt=bought.attempt,
        )  # fmt: skip
        return await _named(connection, made, bought.rule)
    action = await actions.by_override(connection, reference)
    if action is None and reference.isascii() and reference.isdigit() and len(reference) < 19:
        action = await actions.find(connection, int(reference))
    return _of_action(action) if action is not None else None


def _of_action(row: ActionRow) -> Decided:
    return Decided(
        kind="action", subject=row.target, decision=row.then, reason=row.reason, by=row.by_login, at=row.at, action=row.id,
        override=row.override, purchase=row.purchase, attempt=row.attempt, person=row.by,
    )  # fmt: skip


async def _named(connection: AsyncConnection, made: Decided, name: str | None) -> Decided:
    """With who it was: `override:<id>`, `rule:<name>` and `list:<name>` are how decisions name them."""
    if made.reason in _BY_MODEL:
        return replace(made, by=MODEL)
    source, _, rest = (name or "").partition(":")
    if source == "override":
        action = await actions.by_override(connection, rest)
        if action is None:
            return replace(made, by="override", override=rest)
        return replace(made, by=action.by_login, override=rest, action=action.id, person=action.by)
    if source in {"rule", "list"} and rest:
        return replace(made, by=rest.partition(":")[0])
    return replace(made, by=name) if name else made
