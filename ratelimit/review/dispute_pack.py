"""The dispute pack of a purchase: what speaks for it having been the customer's own, to be handed to the payment service.

Fields are named as Visa's Compelling Evidence 3.0 has them, in the way Stripe's API spells it (docs.stripe.com/disputes/api/visa-ce3): a
dispute over fraud (reason 10.4) can be answered with two earlier purchases by the same card, 120 to 365 days before, undisputed, that
agree with the disputed one in two main elements, or in a main and a secondary one.

| main | secondary |
|---|---|
| customer_purchase_ip | customer_account_id |
| customer_device_fingerprint | customer_email_address |

Nothing is shipped, so there is no shipping address. What a subject's mapping no longer names (retention, erasure) is left out; two
purchases still agree where both refer to the same subject. Never a card's number: its last four digits alone. Money is in minor units.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.principal import Principal
from ratelimit.ledger import labels, proof, purchases, subjects
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.proof import Logins, Used
from ratelimit.ledger.subjects import Subject, clean
from ratelimit.review import audit
from ratelimit.review.case_error import NotFoundError
from ratelimit.review.deed_check import check_role

Element = Literal["customer_purchase_ip", "customer_device_fingerprint", "customer_account_id", "customer_email_address"]

MADE: Final = "pack.made"  # the kind of its entry in the audit: whoever makes one sees unmasked data
NEEDED: Final = 2  # earlier purchases
YOUNGEST_S: Final = 120 * 86_400.0
OLDEST_S: Final = 365 * 86_400.0
_COLUMNS: Final[Mapping[Element, str]] = {
    "customer_purchase_ip": "address",
    "customer_device_fingerprint": "device",
    "customer_account_id": "account",
    "customer_email_address": "email",
}
_MAIN: Final[frozenset[Element]] = frozenset({"customer_purchase_ip", "customer_device_fingerprint"})
_MOST_SHOWN: Final = 20


class Transaction(Struct, frozen=True, kw_only=True):
    """One purchase. `matches` are the elements in which an earlier one agrees with the disputed one; `same_card`, `days_before`: of it."""

    purchase: str
    attempt: int
    at: float
    amount_minor: int
    currency: str | None
    last4: str | None
    product_description: str
    merchandise_or_services: Literal["services"] = "services"
    customer_account_id: str | None
    customer_purchase_ip: str | None
    customer_device_fingerprint: str | None
    customer_email_address: str | None
    user_agent: str | None
    matches: tuple[Element, ...] = ()
    same_card: bool = True
    days_before: int = 0
    qualifies: bool = False


class Told(Struct, frozen=True):
    """What a payment service told of the purchase."""

    kind: str
    at: float
    amount_minor: int | None
    detail: str | None


class Pack(Struct, frozen=True, kw_only=True):
    """All of it. `prior_undisputed_transactions` are the two that qualify best; `missing` says why it does not suffice, if it does not.

    `earlier` are others, qualifying or not. Usage since the purchase is estimated from the sample of what was allowed.
    """

    made_at: float
    made_by: str
    case: int | None
    disputed_transaction: Transaction
    prior_undisputed_transactions: tuple[Transaction, ...]
    earlier: tuple[Transaction, ...]
    eligible: bool
    missing: tuple[str, ...]
    used: Used
    tokens: int
    logins: Logins
    account_made_at: float | None
    account_age_days: int | None
    undisputed_before: int
    spent_before_minor: int
    told: tuple[Told, ...]
    labels: tuple[str, ...]


class Packs:
    """Makes them."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._ledger, self._wall = ledger, wall

    async def make(self, principal: Principal, purchase: str, case: int | None = None) -> Pack:
        """The pack of a purchase that was paid; the audit says who made it. Raises NotFoundError and ForbiddenError."""
        check_role(principal)
        purchase, now = clean(purchase, 512), self._wall()
        async with self._ledger.write() as connection:
            attempts = await purchases.find(connection, purchase)
            if not attempts:
                raise NotFoundError("no purchase of that id is known; it may be too long ago")
            row = next((one for one in reversed(attempts) if one.outcome == "succeeded"), attempts[-1])
            pack = await _pack(connection, row, principal.login, case, now)
            await audit.append(connection, principal.login, MADE, {"purchase": purchase}, at=now, case=case, subject=row.account)
        return pack


async def _pack(connection: AsyncConnection, row: Any, by: str, case: int | None, now: float) -> Pack:
    earlier = await proof.before(connection, row.account, row.card, row.at)
    ids = {getattr(one, column) for one in (row, *earlier) for column in _COLUMNS.values()} - {None}
    names = await subjects.named(connection, ids)
    prior = [_transaction(one, names, row) for one in earlier]
    chosen = best(prior)
    signed_up = await proof.signed_up_at(connection, row.account)
    standing = await labels.standing(connection, purchase=row.id, attempt=row.attempt)
    account = names.get(row.account)
    made_at = signed_up if signed_up is not None else account.first_at if account is not None else None
    return Pack(
        made_at=now,
        made_by=by,
        case=case,
        disputed_transaction=_transaction(row, names, None),
        prior_undisputed_transactions=chosen,
        earlier=tuple(one for one in prior if one not in chosen)[:_MOST_SHOWN],
        eligible=len(chosen) >= NEEDED,
        missing=missing(prior, chosen),
        used=await proof.used(connection, row.account, row.address, row.at),
        tokens=row.tokens,
        logins=await proof.logins(connection, row.account, row.address, row.at),
        account_made_at=made_at,
        account_age_days=int((row.at - made_at) // 86_400) if made_at is not None and made_at <= row.at else None,
        undisputed_before=len(prior),
        spent_before_minor=sum(one.amount_minor for one in prior if one.currency == row.currency),
        told=tuple(Told(one.kind, one.at, one.amount_minor, one.detail) for one in await proof.told(connection, row.id, row.attempt)),
        labels=tuple(f"{one.verdict} ({one.source})" for one in standing),
    )


def best(prior: Iterable[Transaction]) -> tuple[Transaction, ...]:
    """Two that qualify and agree with each other too in what they agree with the disputed one, in the most; else what there is."""
    some = sorted((one for one in prior if one.qualifies), key=lambda one: (-len(one.matches), -one.at))
    pairs = [(first, second) for number, first in enumerate(some) for second in some[number + 1 :]]
    good = [pair for pair in pairs if suffices({*pair[0].matches} & {*pair[1].matches})]
    return good[0] if good else tuple(some[:1])


def suffices(matches: Iterable[Element]) -> bool:
    """Whether elements are two main ones, or a main and a secondary one."""
    found = {*matches}
    return len(found) >= NEEDED and bool(found & _MAIN)


def missing(prior: Sequence[Transaction], chosen: Sequence[Transaction]) -> tuple[str, ...]:
    """Why they do not suffice, in words."""
    if len(chosen) >= NEEDED:
        return ()
    by_card = [one for one in prior if one.same_card]
    in_time = [one for one in by_card if YOUNGEST_S // 86_400 <= one.days_before <= OLDEST_S // 86_400]
    agree = [one for one in in_time if suffices(one.matches)]
    found = []
    if len(by_card) < NEEDED:
        found.append(f"{len(by_card)} earlier undisputed purchases by the same card; two are needed")
    elif len(in_time) < NEEDED:
        found.append(f"{len(in_time)} of them are from 120 to 365 days before; two are needed")
    elif len(agree) < NEEDED:
        found.append(f"{len(agree)} of them agree in address or device and in one thing more; two are needed")
    else:
        found.append("those that agree with this purchase agree in different things; two must agree in the same")
    return tuple(found)


def _transaction(row: Any, names: Mapping[int, Subject], disputed: Any) -> Transaction:
    matches: tuple[Element, ...] = ()
    same_card, days = True, 0
    if disputed is not None:
        matches = tuple(element for element, column in _COLUMNS.items() if _same(getattr(row, column), getattr(disputed, column)))
        same_card, days = _same(row.card, disputed.card), int((disputed.at - row.at) // 86_400)
    return Transaction(
        purchase=row.id,
        attempt=row.attempt,
        at=row.at,
        amount_minor=row.amount_minor,
        currency=row.currency,
        last4=row.last4,
        product_description=f"{row.tokens:,} prepaid tokens for this site's API, usable at once",
        user_agent=row.user_agent,
        matches=matches,
        same_card=same_card,
        days_before=days,
        qualifies=disputed is not None and same_card and YOUNGEST_S // 86_400 <= days <= OLDEST_S // 86_400 and suffices(matches),
        customer_account_id=_shown(names, row.account),
        customer_purchase_ip=_shown(names, row.address),
        customer_device_fingerprint=_shown(names, row.device),
        customer_email_address=_shown(names, row.email),
    )


def _same(one: int | None, other: int | None) -> bool:
    return one is not None and one == other


def _shown(names: Mapping[int, Subject], id: int | None) -> str | None:
    found = names.get(id) if id is not None else None
    if found is None:
        return None
    return found.value if found.kind == "device" else found.shown
