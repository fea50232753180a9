"""A deed: what a person does about a subject, what is shown before it, and what came of it. Structs and tables; nothing is done here.

A deed that hurts somebody needs a reason. Times are seconds since the epoch, spans `_s`, money is in minor units of its currency.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from ratelimit.core.deed import ActionState, DeedThen, LabelVerdict
from ratelimit.core.estimate import Estimate
from ratelimit.core.override import BucketAsked, OverrideThen

Span = Literal["1h", "24h", "72h", "7d", "30d"]

HOUR_S: Final = 3_600.0
SPAN_S: Final[Mapping[Span, float]] = {
    "1h": HOUR_S, "24h": 24 * HOUR_S, "72h": 72 * HOUR_S, "7d": 7 * 24 * HOUR_S, "30d": 30 * 24 * HOUR_S
}  # fmt: skip
ALONE_S: Final = 72 * HOUR_S  # for which one person alone may block an account
UNDO_S: Final = 24 * HOUR_S  # for which people undo what they did
NORMAL_S: Final = 90 * 24 * HOUR_S  # for which what is known to be normal opens no case

# those that stand as an override, and as which
WORDS: Final[Mapping[DeedThen, OverrideThen]] = {"block": "block", "throttle": "throttle", "allow": "allow", "rotate_key": "block"}
OF_PURCHASE: Final[frozenset[DeedThen]] = frozenset({"release", "revoke", "refund", "report_fraud"})  # those that name a purchase
HURTING: Final[frozenset[DeedThen]] = frozenset({"block", "throttle", "hold", "revoke", "rotate_key", "refund", "report_fraud"})
FINAL: Final[frozenset[DeedThen]] = frozenset({"refund", "report_fraud"})  # the site does them, and nobody takes them back
DONE: Final[Mapping[DeedThen, str]] = {
    "block": "Blocked",
    "throttle": "Throttled",
    "allow": "Allowed",
    "hold": "Tokens held",
    "release": "Hold released",
    "revoke": "Held tokens revoked",
    "rotate_key": "New key asked for",
    "refund": "Refund asked for",
    "report_fraud": "Reported as fraud",
    "label": "Labelled",
    "known_normal": "Known to be normal",
}  # in the past tense, as a strip and a timeline begin

_AGAINST: Final = {
    "shared_key": "shared or resold key",
    "leaked_key": "leaked key",
    "takeover": "account taken over",
    "stolen_card": "stolen card",
    "card_testing": "card testing",
    "farmed_accounts": "many accounts of one person",
    "scraping": "scraping",
    "evasion": "goes round a limit or a block",
    "issuer_warning": "card issuer's warning",
}
_FOR: Final = {
    "known_customer": "known customer",
    "confirmed": "confirmed by the customer",
    "false_alarm": "false alarm",
    "test_traffic": "announced test",
    "moved": "moved to another network",
}
_MONEY: Final = {
    "stolen_card": "stolen card",
    "holder_complained": "card holder complained",
    "issuer_warning": "card issuer's warning",
    "friendly": "customer asked",
    "duplicate": "paid twice",
}
PICKS: Final[Mapping[DeedThen, Mapping[str, str]]] = {
    "block": _AGAINST,
    "throttle": _AGAINST,
    "hold": _AGAINST,
    "revoke": _AGAINST,
    "rotate_key": {name: _AGAINST[name] for name in ("leaked_key", "shared_key", "takeover")},
    "allow": _FOR,
    "release": _FOR,
    "known_normal": _FOR,
    "refund": _MONEY,
    "report_fraud": {name: _MONEY[name] for name in ("stolen_card", "holder_complained", "issuer_warning")},
    "label": {},
}  # reasons to pick by the keys 1 to 9, in this order

Key = Annotated[str, Meta(min_length=8, max_length=64)]


class Deed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked for. `key` is made by whoever asks: the same key is the same deed, however often it comes.

    `version` is that of the case as it was seen; None asks for no such check. `target` is the id of a subject in digits, or a text such
    as `account:42`; None is the anchor of the case. `for` counts for what ends; `share` is how much of a purchase is held; a `bucket`
    goes with a throttle. `pick` is one of PICKS, `reason` says more. `verdict` is a label, and `close` closes the case with it.
    """

    then: DeedThen
    key: Key
    version: int | None = None
    target: Annotated[str, Meta(min_length=1, max_length=600)] | None = None
    for_: Span = field(default="24h", name="for")
    bucket: BucketAsked | None = None
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    purchase: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    attempt: Annotated[int, Meta(ge=0)] = 0
    pick: Annotated[str, Meta(max_length=32)] | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""
    verdict: LabelVerdict | None = None
    close: bool = False

    @property
    def why(self) -> str:
        """The pick in words, and what was written beside it."""
        return ": ".join(part for part in (PICKS[self.then].get(self.pick or "", ""), self.reason.strip()) if part)


class Done(Struct, frozen=True, kw_only=True):
    """What came of a deed. `until` None: it does not end. `wanted_until` is when it ends once a second person has approved.

    `version` is that of the case now. `repeated`: it was done before, by the same key. `told` are the recipients of webhooks, by host.
    """

    id: int
    then: DeedThen
    state: ActionState
    target: str
    case: int | None
    until: float | None
    wanted_until: float | None = None
    needs_second: bool = False
    override: str | None = None
    label: int | None = None
    version: int | None = None
    closed: bool = False
    repeated: bool = False
    told: tuple[str, ...] = ()


class ActionView(Struct, frozen=True, kw_only=True):
    """One deed of the past. `target` is a subject, `shown` as people see it; `may_undo` is for whoever looks, `why_not` says why else."""

    id: int
    then: DeedThen
    state: ActionState
    case: int | None
    target: str
    target_kind: str
    shown: str | None
    by: str
    at: float
    until: float | None
    wanted_until: float | None
    reason: str
    detail: Mapping[str, Any]
    needs_second: bool
    second_by: str | None
    undone_at: float | None
    undone_why: str | None
    label: int | None
    override: str | None
    bulk: str | None
    undone_by: str | None = None
    may_undo: bool = False
    why_not: str = ""


class Hit(Struct, frozen=True, kw_only=True):
    """Somebody else who would be hit: an account, or an entity that `good` honest accounts share."""

    subject: str
    kind: str
    shown: str | None
    requests: float
    good: int
    fraud: int


class Softer(Struct, frozen=True, kw_only=True):
    """Something milder that would do: `keeps` requests of usual addresses would go on."""

    then: DeedThen
    target: str | None
    keeps: float
    text: str


class Preview(Struct, frozen=True, kw_only=True):
    """Had it been in force for the last `span_s`: which requests it would have refused, and whose.

    `requests` is all of them, `already_throttled` those of them that were refused anyway, `from_usual` those from addresses that the
    subject had used before. `tokens_left` of its purchases at the price paid; None: not known. `replaces` is what would
    not stand any more, in words, `told` is the reason that callers are told. `bulk` counts the cases that it sums up.
    """

    then: DeedThen
    span_s: float
    until: float | None
    requests: Estimate
    of_requests: Estimate
    already_throttled: int
    from_usual: Estimate
    other_accounts: tuple[Hit, ...]
    shared: tuple[Hit, ...]
    good: int
    tokens_left: int | None
    left_minor: int | None
    currency: str | None
    softer: Softer | None
    needs_second: bool
    replaces: tuple[str, ...]
    told: str
    bulk: int = 1
