"""What the book knows of a purchase: its attempts, and what the payment service told of it since. Pure; the book is kept by `book.lua`.

Names of what a purchase shares with others (account, card, address, ...) are the store's pseudonyms. An address, an email and a card's
fingerprint are not in it.
"""

from struct import Struct as Layout
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.call import Call
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entity import Entities

KEPT_S: Final = 180 * 86_400  # disputes come up to 120 days later
MOST_ATTEMPTS: Final = 64

Outcome = Literal["", "succeeded", "failed"]
Label = Literal["", "fraud", "first_party_dispute", "good"]

_HEAD: Final = Layout("<II")
_VERSION: Final = Layout("<I")


class Attempt(Struct, frozen=True, array_like=True):
    """One attempt that was answered. `body` is the digest of what was asked, `answer` the JSON that was said.

    `entities` are the names of velocity logs by kind (account, card, ip, network, device, email, email_domain), `slices` those of tallies.
    """

    attempt: int
    at: float
    body: bytes
    answer: bytes
    kind: str
    account: str
    amount: int
    currency: str
    tokens: int
    entities: dict[str, str]
    slices: tuple[str, ...]


def attempt_of(purchase: Purchase, entities: Entities, at: float, answer: bytes, body: bytes = b"") -> Attempt:
    """The attempt that a purchase was, as the book keeps it; `at` is seconds since the epoch."""
    return Attempt(
        attempt=purchase.attempt,
        at=at,
        body=body,
        answer=answer,
        kind=purchase.kind,
        account=purchase.account,
        amount=purchase.amount,
        currency=purchase.currency or "",
        tokens=purchase.tokens,
        entities=entities.names,
        slices=tuple(entities.slices.values()),
    )


class Fact(Struct, frozen=True, array_like=True):
    """What one event of the payment service said of one of its objects; of several of one type about one object the latest counts."""

    created: int  # seconds since the epoch, by the service's clock
    event: str  # its id
    type: str  # such as charge.failed
    object: str  # id of the charge, intent, dispute, ...
    attempt: int  # 0: of no one in particular
    said: dict[str, str | int | bool | None]  # what is kept of it, see core/stripe_fact
    known_at: float  # when it came here first


class PurchaseEntry(Struct, frozen=True, array_like=True):
    """All that is known of one purchase. `facts` are by `type:object`. `version` is the store's, 0: it is new."""

    id: str
    attempts: tuple[Attempt, ...] = ()
    facts: dict[str, Fact] = {}
    version: int = 0

    def find(self, attempt: int) -> Attempt | None:
        """The attempt of that number."""
        return next((one for one in self.attempts if one.attempt == attempt), None)

    def with_attempt(self, attempt: Attempt) -> "PurchaseEntry":
        """The entry with one more; of very many the first are forgotten."""
        return replace(self, attempts=(*self.attempts[1 - MOST_ATTEMPTS :], attempt))


def reading(key: str) -> Call:
    """The call that reads an entry."""
    return Call("book", key, _HEAD.pack(0, 0))


def writing(key: str, entry: PurchaseEntry) -> Call:
    """The call that writes an entry if it is still of the version that was read."""
    return Call("book", key, _HEAD.pack(KEPT_S, entry.version) + msgspec.msgpack.encode(entry))


def read(purchase: str, state: bytes) -> PurchaseEntry:
    """The entry of a purchase as the store has it; an empty one where it has none."""
    if not state:
        return PurchaseEntry(purchase)
    (version,) = _VERSION.unpack_from(state)
    entry: PurchaseEntry = _decode(state[_VERSION.size :])
    return replace(entry, version=version)


_decode: Any = msgspec.msgpack.Decoder(PurchaseEntry).decode
