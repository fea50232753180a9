"""What sidecars and desks tell the ledger: messages of a stream, each a row or a few of them. Pure; packed as msgpack arrays.

A message comes at least once, so each has something by which it is known: an id, a source, or what it is about. Fields are added at the
end, with what they are where an older version left them out; whatever else changes is a new tag. Times are seconds since the epoch, money
is in minor units of its currency. Nothing in here was checked for being harmless to show: paths, agents and names are what clients sent.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from ratelimit.core.decision import ShadowFinding, UnusualSignal
from ratelimit.core.standing import Target, TargetKind

VERSION: Final = 1  # of the packing as a whole

FlagKind = Literal["early_fraud_warning", "rule", "model", "appeal", "audit", "quality", "person", "banned"]
LabelSource = Literal["analyst", "appeal", "dispute", "efw", "audit"]


class Entity(Struct, frozen=True, array_like=True, gc=False):
    """A subject or an entity, by the value that words about it name it by (core/standing.Target); `shown` is how people see it."""

    kind: TargetKind
    value: str
    shown: str | None = None

    @property
    def target(self) -> Target:
        """Whom a word would be about."""
        return Target(self.kind, self.value)


class Decided(Struct, frozen=True, array_like=True, tag_field="of", tag="decided"):
    """A decision on a request. It stands for `weight` of them. `signals` are float32 in the order of `signal_version`.

    `subject` and `risk_subject` are `kind:value`, as in a record. `referrer` is a host.
    """

    id: str
    at: float
    decision: str
    reason: str
    limit: str | None
    subject: str | None
    api_key: str | None
    account: str | None
    address: str | None
    method: str
    path: str
    user_agent: str | None
    referrer: str | None
    plan: str | None
    cost: int
    weight: float
    remaining: int | None
    retry_after: float | None
    policy: str
    risk: float | None = None
    risk_subject: str | None = None
    model: str | None = None
    signal_version: int | None = None
    signals: bytes | None = None
    propensity: float | None = None
    shadow: tuple[ShadowFinding, ...] = ()


class Bought(Struct, frozen=True, array_like=True, tag_field="of", tag="bought"):
    """A decision on an attempt of a purchase. `entities` are all that it shares with others, its account first.

    `signals` are float64 in the order of `signal_version`; `lapses_at` is when what is held will be released by itself. `balance` is what
    the account had left before, as it was told.
    """

    record: str
    at: float
    purchase: str
    attempt: int
    kind: str
    entities: tuple[Entity, ...]
    amount_minor: int
    currency: str | None
    tokens: int
    decision: str
    action: str
    reason: str
    rule: str | None
    hold_ratio: float
    held: int
    lapses_at: float | None
    policy: str
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    card_country: str | None = None
    brand: str | None = None
    funding: str | None = None
    billing_country: str | None = None
    user_agent: str | None = None
    risk: float | None = None
    p_fraud: float | None = None
    propensity: float | None = None
    model: str | None = None
    signal_version: int | None = None
    signals: bytes | None = None
    shadow: tuple[ShadowFinding, ...] = ()
    ip_country: str | None = None
    balance: int | None = None


class Happened(Struct, frozen=True, array_like=True, gc=False):
    """One thing that a payment service told of a purchase: succeeded, failed, refunded, disputed, warned, ... `source` is its event."""

    source: str
    kind: str
    at: float
    known_at: float
    amount_minor: int | None = None
    detail: str | None = None


class Concluded(Struct, frozen=True, array_like=True, tag_field="of", tag="concluded"):
    """All that is known of how an attempt ended. `label_at` None: no label was spoken of; `label` "" takes back what was.

    `label_by` says on what the label rests.
    """

    purchase: str
    attempt: int
    account: str
    happened: tuple[Happened, ...]
    label: str = ""
    label_at: float | None = None
    label_by: LabelSource = "dispute"


class Tally(Struct, frozen=True, array_like=True, gc=False):
    """So many decisions of one kind."""

    decision: str
    reason: str
    count: int


class Counted(Struct, frozen=True, array_like=True, tag_field="of", tag="counted"):
    """How many decisions of each kind one sidecar made in the 10 s from `at` on; `latency_us` is the p99 of what deciding took."""

    at: float
    sidecar: str
    counts: tuple[Tally, ...]
    latency_us: float | None = None


class Flagged(Struct, frozen=True, array_like=True, tag_field="of", tag="flagged"):
    """Something that wants a person to look at it. `id` is the reference that was told for it, `source` what makes it one and the same.

    `attempt` 0: of no one in particular. `decision` is the id of the decision that it is about. `word` says what opened it: a rule's name.
    `signals` are what is farthest out, of the anchor's requests or of the purchase, as `about` says. `chance` is drawn by lot.
    """

    id: str
    anchor: Entity
    kind: FlagKind
    source: str
    reasons: tuple[str, ...]
    at: float
    purchase: str | None = None
    attempt: int = 0
    due_at: float | None = None
    risk: float | None = None
    p_fraud: float | None = None
    decision: str | None = None
    word: str = ""
    signals: tuple[UnusualSignal, ...] = ()
    about: Literal["request", "purchase"] = "request"
    plan: str | None = None
    currency: str | None = None
    chance: float = 0.0


class Lived(Struct, frozen=True, array_like=True, tag_field="of", tag="lived"):
    """Something in an account's life: a login, a key that was made, ..."""

    id: str
    at: float
    type: str
    account: str | None = None
    api_key: str | None = None
    address: str | None = None
    user_agent: str | None = None


class Replied(Struct, frozen=True, array_like=True, tag_field="of", tag="replied"):
    """With which statuses requests were answered in the end, by the ids of their decisions; of each what is told first counts."""

    statuses: tuple[tuple[str, int], ...]


Message = Decided | Bought | Concluded | Counted | Flagged | Lived | Replied

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_all: Any = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_one: Any = msgspec.msgpack.Decoder(Message).decode


class Broken(Struct, frozen=True, array_like=True):
    """A message that cannot be read, or not be written into the ledger, and why."""

    packed: bytes
    why: str


def packed_one(message: Message) -> bytes:
    """A message as it stands in a batch; raises UnicodeEncodeError for text that is none."""
    return _encode(message)


def packed(messages: Sequence[bytes]) -> bytes:
    """A batch of messages that are packed."""
    return _encode([msgspec.Raw(message) for message in messages])


def unpacked(batch: bytes) -> tuple[list[Message], list[Broken]]:
    """The messages of a batch, and those that this version cannot read: they spoil no other."""
    try:
        raws: Iterable[msgspec.Raw] = _decode_all(batch)
    except msgspec.DecodeError as error:
        return [], [Broken(batch, str(error))]
    good: list[Message] = []
    broken: list[Broken] = []
    for raw in raws:
        try:
            good.append(_decode_one(raw))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            broken.append(Broken(bytes(raw), str(error)))
    return good, broken
