"""The evidence of a case: the very requests, purchases and logins behind it, newest first, page by page."""

from collections.abc import Callable, Mapping
from typing import Final, Literal
from urllib.parse import urlencode

from msgspec import Struct

from ratelimit.console.subject_name import name_of
from ratelimit.console.wording import count, money
from ratelimit.core.principal import Role
from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.evidence import BoughtRow, LifeRow, RequestRow

Tab = Literal["requests", "purchases", "logins"]
PAGE: Final = 10  # rows at once

_LIVES: Final = {
    "login": "Logged in",
    "login_failed": "Login failed",
    "signup": "Signed up",
    "key_created": "Key made",
    "key_revoked": "Key revoked",
    "email_changed": "Email changed",
    "password_changed": "Password changed",
    "trial_granted": "Trial tokens granted",
    "closed": "Account closed",
}
_OUTCOMES: Final = {"": "open", "succeeded": "succeeded", "failed": "declined"}

Place = Callable[[str], str]  # what is known of where an address is: "NL, hosting"


class Filter(Struct, frozen=True, kw_only=True):
    """What of the evidence is asked for, all of it in the page's URL. `before` is where the page before ended.

    `tab` None: the one that tells most.
    """

    tab: Tab | None = None
    decision: Literal["allow", "throttle", "block"] | None = None
    address: int | None = None
    before: str | None = None


class RequestLine(Struct, frozen=True):
    """One request; path, user agent, referrer and names are hostile text. `answered` is a sentence on the answer."""

    id: str
    at: float
    decision: str
    method: str
    path: str
    status: int | None
    cost: int
    address: str
    address_id: int | None
    where: str
    usual: bool
    user_agent: str
    referrer: str
    answered: str
    reason: str
    weight: float


class PurchaseLine(Struct, frozen=True):
    """One purchase. `hold`: part of its tokens was held; `end` is what became of it."""

    id: str
    attempt: int
    record: str
    at: float
    decision: str
    kind: str
    amount: str
    tokens: int
    card: str
    address: str
    outcome: str
    bad: bool


class LifeLine(Struct, frozen=True):
    """Something in the account's life."""

    id: int
    at: float
    words: str
    address: str
    where: str
    user_agent: str


class Evidence(Struct, frozen=True, kw_only=True):
    """One tab. `tabs` are name, word and how many; `more` the address of what follows, "" on the last page."""

    base: str
    tab: Tab
    tabs: tuple[tuple[Tab, str, int], ...]
    requests: tuple[RequestLine, ...] = ()
    purchases: tuple[PurchaseLine, ...] = ()
    logins: tuple[LifeLine, ...] = ()
    more: str = ""
    summary: str = ""
    wanted: Filter = Filter()
    named: str = ""

    @property
    def shown(self) -> int:
        """How many rows there are."""
        return len(self.requests) + len(self.purchases) + len(self.logins)

    @property
    def csv(self) -> str:
        """The address of the same rows as a table."""
        return self._address(f"{self.base}/evidence.csv", {})

    def off(self, **changes: str) -> str:
        """The page's address with other filters."""
        return self._address(self.base, changes)

    def _address(self, path: str, changes: Mapping[str, str]) -> str:
        kept = {"show": self.tab, "decision": self.wanted.decision or "", "address": str(self.wanted.address or ""), **changes}
        return f"{path}?{urlencode({name: value for name, value in kept.items() if value})}"


class Teller(Struct, frozen=True):
    """Tells rows in words for somebody of a role."""

    names: Mapping[int, SubjectRef]
    role: Role
    usual: frozenset[int]
    where: Place

    def address(self, subject: int | None) -> str:
        """An address's name, "" if there was none."""
        if subject is None:
            return ""
        found = self.names.get(subject)
        return name_of("ip", found.shown if found is not None else None, self.role)

    def place(self, subject: int | None) -> str:
        """Where it is, in a few words."""
        found = self.names.get(subject) if subject is not None else None
        return self.where(found.shown) if found is not None and found.shown is not None else ""

    def request(self, row: RequestRow) -> RequestLine:
        """One request."""
        usual = row.address in self.usual
        where = ", ".join(part for part in (self.place(row.address), "usual" if usual else "") if part)
        return RequestLine(
            id=row.id,
            at=row.at,
            decision=row.decision,
            method=row.method,
            path=row.path,
            status=row.status if row.status is not None else _STATUS.get(row.decision),
            cost=row.cost,
            address=self.address(row.address),
            address_id=row.address,
            where=where,
            usual=usual,
            user_agent=row.user_agent or "",
            referrer=row.referrer or "",
            answered=_answered(row),
            reason=row.reason,
            weight=row.weight,
        )

    def purchase(self, row: BoughtRow) -> PurchaseLine:
        """One purchase."""
        card = f"•{row.last4}" if row.last4 else ""
        outcome, bad = _outcome(row)
        return PurchaseLine(
            id=row.id,
            attempt=row.attempt,
            record=row.record,
            at=row.at,
            decision="hold" if row.decision == "throttle" and row.held else row.decision,
            kind=row.kind,
            amount=money(row.amount_minor, row.currency or "EUR") if row.kind == "purchase" else row.kind,
            tokens=row.tokens,
            card=", ".join(part for part in (card, row.funding or "") if part),
            address=self.address(row.address),
            outcome=outcome,
            bad=bad,
        )

    def life(self, row: LifeRow) -> LifeLine:
        """One event."""
        return LifeLine(row.id, row.at, life_words(row.type), self.address(row.address), self.place(row.address), row.user_agent or "")


_STATUS: Final = {"throttle": 429, "block": 403}


def life_words(kind: str) -> str:
    """An event of an account's life in words."""
    return _LIVES.get(kind, kind.replace("_", " ").capitalize())


def _outcome(row: BoughtRow) -> tuple[str, bool]:
    if row.label in {"fraud", "first_party_dispute"}:
        return ("confirmed fraud" if row.label == "fraud" else "disputed by its buyer"), True
    for told, words in ((row.disputed, "disputed"), (row.warned, "issuer's warning"), (row.refunded, "refunded")):
        if told:
            return words, words != "refunded"
    if row.decision == "block":
        return "refused", False
    return _OUTCOMES.get(row.outcome, row.outcome), False


def _answered(row: RequestRow) -> str:
    parts = []
    if row.remaining is not None:
        parts.append(f"{row.remaining:,} left" + (f" of limit {row.limit_name}" if row.limit_name else ""))
    elif row.limit_name:
        parts.append(row.limit_name)
    if row.retry_after is not None:
        parts.append(f"retry after {row.retry_after:,.3g} s")
    if row.risk is not None:
        parts.append(f"risk {row.risk:.4f}")
    if row.weight > 1:
        parts.append(f"stands for {count(row.weight)} that passed")
    return ", ".join(parts)


def totals(decided: Mapping[str, float], shown: int) -> str:
    """`9 of 4,812 in the last 24 h: 3,604 allowed, 1,208 throttled`."""
    whole = sum(decided.values())
    if not whole:
        return "No requests in the last 24 h."
    words = {"allow": "allowed", "throttle": "throttled", "block": "blocked"}
    parts = [f"{count(decided[name])} {word}" for name, word in words.items() if decided.get(name)]
    return f"{shown:,} of {count(whole)} in the last 24 h: {', '.join(parts)}."
