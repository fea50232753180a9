"""Cases of a filled ledger, what opened them, what was done, and the audit of it."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import msgspec
import numpy as np

from bench.fill.crowd import DAY_S, Crowd
from ratelimit.core.audit_chain import SALT_BYTES, START, Entry, content_digest, content_text, link
from ratelimit.core.case import CaseKind, CaseReason, reasons_key
from ratelimit.ledger.case_query import rank

PEOPLE: Final = ("anna.a", "otto.o", "karl.k", "mia.m", "lena.l")
PERSON_COLUMNS: Final = ("id", "login", "name", "role", "made_at", "made_by")
CASE_COLUMNS: Final = (
    "number anchor state opened_at opened_by opened_word priority rank expected_loss_minor at_risk_minor currency blast_radius risk beside "
    "plan money reasons reasons_key due_at assignee escalated campaign acted acted_by acted_at closed_at closed_by verdict why work_s "
    "announced version"
).split()
OPENING_COLUMNS: Final = ("reference", "case_number", "source", "kind", "text", "at", "purchase", "attempt")
CAMPAIGN_COLUMNS: Final = ("number", "entity", "state", "opened_at", "cases")
ACTION_COLUMNS: Final = (
    "id key case_number then target_kind target by by_login at until reason state before detail attempt needs_second".split()
)
AUDIT_COLUMNS: Final = ("seq", "at", "actor", "kind", "case_number", "content_digest", "link")
CONTENT_COLUMNS: Final = ("seq", "salt", "content", "subject")

_OPEN: Final = 0.08
_CAMPAIGNS: Final = 40
_REASONS: Final = (
    CaseReason(
        kind="model", source="requests_1h", value="418", words="requests in 1 h", normal="2 to 60", signed=3.4, signal="requests_1h"
    ),
    CaseReason(kind="model", source="addresses_24h", value="37", words="addresses used this key in 24 h", normal="1 to 4", signed=2.9),
    CaseReason(kind="rule", source="card-testing", value="3", words="cards tried, 2 declined"),
    CaseReason(kind="early_fraud_warning", source="efw_1", value="fraud", words="says the bank of the card's holder"),
)
_OPENED: Final[tuple[CaseKind, ...]] = ("model", "model", "rule", "early_fraud_warning")


class Casework:
    """Cases, drawn once. The first are the oldest; some of the latest are open."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self.crowd, self.count = crowd, number
        self.anchor = crowd.random.permutation(len(crowd.accounts))[np.arange(number) % len(crowd.accounts)]
        self.at = np.sort(crowd.now - crowd.random.random(number) * 300 * DAY_S)
        self.is_open = np.arange(number) >= number * (1 - _OPEN)
        self._contents: list[tuple[Any, ...]] = []

    def people(self) -> Iterator[tuple[Any, ...]]:
        """Rows of analysts."""
        for id, login in enumerate(PEOPLE, 1):
            yield id, login, login.title(), "analyst" if id > 1 else "admin", self.crowd.now - 400 * DAY_S, "bench"

    def cases(self) -> Iterator[tuple[Any, ...]]:
        """Rows of cases."""
        crowd = self.crowd
        for index in range(self.count):
            at, is_open, one = float(self.at[index]), bool(self.is_open[index]), int(self.anchor[index])
            reasons = self._reasons(index)
            priority, loss, at_risk = 1 + index % 4, 500 + index * 37 % 90_000, 1_000 + index * 91 % 200_000
            closed = None if is_open else min(at + 7_200, crowd.now)
            yield (
                index + 1, int(crowd.accounts[one]), "open" if is_open else "closed", at, _OPENED[index % 4], reasons[0].source, priority,
                rank(priority, at_risk), loss, at_risk, "EUR", index % 7, 0.9 + index % 100 / 1_000, int(crowd.emails[one]), "free", "",
                json.dumps(msgspec.to_builtins(reasons)), reasons_key(reasons), at + DAY_S, 1 + index % 5 if index % 3 == 0 else None,
                index % 50 == 0, 1 + index % _CAMPAIGNS if index % 20 == 0 else None, None if is_open else "block",
                None if is_open else PEOPLE[index % 5], closed, closed, None if is_open else 1 + index % 5,
                None if is_open else ("fraud", "good", "abuse")[index % 3], None if is_open else "as the evidence says",
                90.0 + index % 300, True, 3,
            )  # fmt: skip

    def openings(self) -> Iterator[tuple[Any, ...]]:
        """Rows of what opened them."""
        for index in range(self.count):
            for more in range(1 + index % 2):
                kind = _OPENED[index % 4]
                yield f"f{index}-{more}", index + 1, f"{kind}:{index}:{more}", kind, "several cards", float(self.at[index]), None, 0

    def campaigns(self) -> Iterator[tuple[Any, ...]]:
        """Rows of cases that share a card."""
        for number in range(_CAMPAIGNS):
            yield number + 1, int(self.crowd.cards[number]), "open", self.crowd.now - 200 * DAY_S, self.count // 20 // _CAMPAIGNS

    def actions(self) -> Iterator[tuple[Any, ...]]:
        """Rows of what was done."""
        for index in np.flatnonzero(~self.is_open).tolist():
            at, target = float(self.at[index]) + 7_000, int(self.crowd.accounts[self.anchor[index]])
            state = "undone" if index % 40 == 0 else "expired"
            yield (
                index + 1, f"bench:{index}", index + 1, "block", "account", target, 1 + index % 5, PEOPLE[index % 5], at, at + DAY_S,
                "as the evidence says", state, "{}", "{}", 0, False,
            )  # fmt: skip

    def audit(self) -> Iterator[tuple[Any, ...]]:
        """Rows of the chain, four of each case; their contents are told afterwards."""
        before, numbers = START, count(1)
        for index in range(self.count):
            at, subject = float(self.at[index]), int(self.crowd.accounts[self.anchor[index]])
            for after, (actor, kind, said) in enumerate(self._events(index)):
                salt, text, seq = self.crowd.random.bytes(SALT_BYTES), content_text(said), next(numbers)
                digest = content_digest(salt, text)
                entry = Entry(seq=seq, at=at + after * 60, actor=actor, kind=kind, case=index + 1, content_digest=digest)
                before = link(before, entry)
                self._contents.append((seq, salt, text, subject))
                yield seq, entry.at, actor, kind, index + 1, digest, before
        self._head = (1, len(self._contents), before)

    def contents(self) -> Iterator[tuple[Any, ...]]:
        """Rows of what the entries say."""
        return iter(self._contents)

    def head(self) -> Iterator[tuple[Any, ...]]:
        """The row of the chain's end."""
        yield self._head

    def _events(self, index: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
        who = PEOPLE[index % 5]
        yield "model", "case.opened", {"reference": f"f{index}-0", "opened_by": _OPENED[index % 4], "word": "risk 0.9990"}
        if not self.is_open[index]:
            yield who, "case.taken", {}
            yield who, "case.noted", {"text": "Same card as in C-17, another mailbox."}
            yield who, "case.closed", {"verdict": ("fraud", "good", "abuse")[index % 3], "why": "as the evidence says"}

    def _reasons(self, index: int) -> list[CaseReason]:
        return [_REASONS[(index + more) % len(_REASONS)] for more in range(3)]
