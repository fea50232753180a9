"""A case: something that was flagged and waits for a person. Pure; `cases.lua` keeps them. Times are seconds since the epoch.

It is anchored on an account where there is one, else on the key or the address. An anchor has one open case, which takes in what comes
later. A reason counts once: told again, also after its case was closed, it changes nothing.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ratelimit.core.call import Call
from ratelimit.core.standing import Target
from ratelimit.core.store_key import CASES

CaseKind = Literal["early_fraud_warning", "rule", "model"]
CaseState = Literal["open", "closed"]
CaseVerdict = Literal["fraud", "first_party_dispute", "good", "unclear"]

MOST_CLOSED: Final = 10_000
MOST_LISTED: Final = 500
MOST_REASONS: Final = 200  # of rules and the model in one case; every early warning is listed
_REASONS_KEPT_S: Final = 180 * 86_400  # as long as the book of purchases keeps what they are about


class CaseReason(Struct, frozen=True, kw_only=True):
    """Why it was flagged. `source` is what makes the reason one and the same, such as the id of a warning."""

    source: str
    kind: CaseKind
    text: str
    at: float
    purchase: str | None = None
    attempt: int = 0  # of that purchase; 0: none in particular


class Case(Struct, frozen=True, kw_only=True):
    """One case. `due_at` None: no time was set. `by`, `verdict` and `why` are the word of whoever closed it.

    `more` counts reasons that came when there were many, and are not listed.
    """

    id: str
    anchor: Target
    reasons: tuple[CaseReason, ...]
    opened_at: float
    state: CaseState
    more: int = 0
    due_at: float | None = None
    closed_at: float | None = None
    by: str | None = None
    verdict: CaseVerdict | None = None
    why: str | None = None


class Closing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person's word that closes a case."""

    by: Annotated[str, Meta(min_length=1, max_length=100)]
    verdict: CaseVerdict
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


def opening(anchor: Target, reason: CaseReason, due_at: float | None) -> Call:
    """The call that opens a case, or adds to the open one; the answer is its id, in bytes."""
    return _call("open", anchor.kind, anchor.value, reason, due_at if due_at is not None else False, _REASONS_KEPT_S, MOST_REASONS)


def closing(case: str, word: Closing, now_s: float) -> Call:
    """The call that closes a case; the answer is 1 and the case, or 0 and what is there."""
    return _call("close", case, now_s, word.by, word.verdict, word.reason, MOST_CLOSED)


def reading(case: str) -> Call:
    """The call that reads one; the answer is for `case_of`."""
    return _call("read", case)


def listing(state: CaseState) -> Call:
    """The call that lists them; the answers are for `case_of`."""
    return _call("list", state, MOST_LISTED)


def case_of(state: bytes) -> Case | None:
    """A case as the store has it."""
    if not state:
        return None
    found: Case = _decode(state)
    return found


def _call(*parts: object) -> Call:
    return Call("cases", CASES, msgspec.msgpack.encode(parts))


_decode: Any = msgspec.msgpack.Decoder(Case).decode
