"""Decisions of a filled ledger: refusals and a sample of what was allowed, purchases and what became of them, counts."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.fill.crowd import DAY_S, Crowd, Ints
from ratelimit.core.purchase_signals import NAMES as PURCHASE_SIGNALS
from ratelimit.core.signals import NAMES as SIGNALS

RECORD_COLUMNS: Final = (
    "id at decision reason limit_name subject account api_key address method path user_agent referrer plan cost weight remaining "
    "retry_after policy risk risk_subject model signal_version signals"
).split()
PURCHASE_COLUMNS: Final = (
    "id attempt record at kind account address card email email_domain amount_minor currency tokens last4 exp_month exp_year "
    "billing_country user_agent decision action reason rule hold_ratio held policy risk p_fraud model signal_version signals outcome "
    "outcome_at refunded disputed warned label label_at"
).split()
OUTCOME_COLUMNS: Final = ("source", "purchase", "attempt", "kind", "at", "known_at", "amount_minor", "detail")
LABEL_COLUMNS: Final = ("target_kind", "target", "purchase", "attempt", "verdict", "source", "known_at", "by")
LIFE_COLUMNS: Final = ("source", "at", "type", "account", "address", "user_agent")
TRAFFIC_COLUMNS: Final = ("at", "sidecar", "decision", "reason", "count", "latency_us")

RECORDS_DAYS: Final = 90
PURCHASES_DAYS: Final = 500
_KINDS: Final = (  # decision, reason, limit, share
    ("throttle", "rate_exceeded", "key", 0.62),
    ("throttle", "risk_throttled", "risk:key", 0.06),
    ("throttle", "quota_exhausted", "month", 0.02),
    ("block", "override_block", "ov-1", 0.03),
    ("block", "deny_listed", "datacenters", 0.03),
    ("allow", "ok", "key", 0.24),
)
_PATHS: Final = ("/v1/images", "/v1/images/search", "/v1/prompts", "/v1/generate", "/login", "/v1/users/me", "/v1/export/all")
_AGENTS: Final = (
    "curl/8.5.0",
    "python-requests/2.32",
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0",
    "okhttp/4.12",
    "<script>alert(1)</script>",
)
_POOL: Final = 2_000  # different rows of signals

Floats = NDArray[np.float64]


def _times(crowd: Crowd, count: int, days: float) -> Floats:
    """Moments of so many days, more by day than by night, in their order."""
    day = crowd.random.integers(0, int(days), count)
    hour = np.clip(crowd.random.normal(14.0, 4.5, count), 0.0, 23.99)
    found: Floats = np.sort(crowd.now - days * DAY_S + (day + hour / 24.0) * DAY_S)
    return np.minimum(found, crowd.now - 1.0)


def _signals(crowd: Crowd, width: int, dtype: str) -> list[bytes]:
    return [row.astype(dtype).tobytes() for row in crowd.random.lognormal(1.0, 1.5, (_POOL, width))]


def records(crowd: Crowd, count: int) -> Iterator[tuple[Any, ...]]:
    """Rows of decisions on requests."""
    kinds = crowd.random.choice(len(_KINDS), count, p=[kind[3] for kind in _KINDS])
    who: Ints = crowd.draw(count)
    address, times, chance = crowd.address_of(who), _times(crowd, count, RECORDS_DAYS), crowd.random.random(count)
    signals = _signals(crowd, len(SIGNALS), "<f4")
    accounts, keys, addresses = crowd.accounts.tolist(), crowd.keys.tolist(), crowd.addresses.tolist()
    for number, (kind, one, place, at, lot) in enumerate(
        zip(kinds.tolist(), who.tolist(), address.tolist(), times.tolist(), chance.tolist(), strict=True)
    ):
        decision, reason, limit, _ = _KINDS[kind]
        allowed, known = decision == "allow", lot < 0.3
        yield (
            f"b{number:x}", at, decision, reason, limit, keys[one], accounts[one], keys[one], addresses[place], "GET",
            _PATHS[number % 7], _AGENTS[one % 5], None, "free" if one % 3 else "pro", 1, 1_000.0 if allowed else 1.0, 0,
            None if allowed else 1.5, "policy", 0.5 + lot if known else None, keys[one] if known else None,
            "0123456789ab" if known else None, 1 if known else None, signals[number % _POOL] if known else None,
        )  # fmt: skip


class Buying:
    """Purchases, drawn once, so that outcomes and labels are of the same ones."""

    def __init__(self, crowd: Crowd, count: int) -> None:
        random = crowd.random
        self._crowd, self.who = crowd, crowd.draw(count)
        self.at, lot = _times(crowd, count, PURCHASES_DAYS), random.random(count)
        self.failed = lot < 0.12
        self.bad = crowd.fraud[self.who] & ~self.failed & (random.random(count) < 0.6)
        self.disputed = self.bad | (~self.failed & (random.random(count) < 0.004))
        self.refunded = ~self.failed & (random.random(count) < 0.01)
        self.amount = (random.lognormal(8.0, 0.8, count)).astype(np.int64) + 100

    def purchases(self) -> Iterator[tuple[Any, ...]]:
        """Rows of attempts as they were decided."""
        crowd, signals = self._crowd, _signals(self._crowd, len(PURCHASE_SIGNALS), "<f8")
        for number, one in enumerate(self.who.tolist()):
            at, amount, held = float(self.at[number]), int(self.amount[number]), number % 29 == 0
            failed, bad, disputed = bool(self.failed[number]), bool(self.bad[number]), bool(self.disputed[number])
            yield (
                f"pi_{number:07d}", 1, f"pb{number:x}", at, "purchase", int(crowd.accounts[one]), int(crowd.addresses[one]),
                int(crowd.cards[crowd.card_of[one]]), int(crowd.emails[one]), int(crowd.domains[one % len(crowd.domains)]), amount,
                "EUR", amount * 2, f"{one % 10_000:04d}", 1 + one % 12, 2030, "DE", _AGENTS[one % 5],
                "throttle" if held else "allow", "hold" if held else "accept", "risk_throttled" if held else "ok", None,
                0.5 if held else 0.0, amount if held else 0, "policy", 0.999 if held else 0.4, 0.2 if bad else 0.002, "0123456789ab", 1,
                signals[number % _POOL], "failed" if failed else "succeeded", at + 2.0, bool(self.refunded[number]), disputed, bad,
                "fraud" if bad else "first_party_dispute" if disputed else "", at + 20 * DAY_S if disputed else None,
            )  # fmt: skip

    def outcomes(self) -> Iterator[tuple[Any, ...]]:
        """Rows of what was told of them."""
        for number, at in enumerate(self.at.tolist()):
            purchase, amount = f"pi_{number:07d}", int(self.amount[number])
            failed = bool(self.failed[number])
            told = [("failed" if failed else "succeeded", 2.0, "card_declined" if failed else None)]
            told += [("refunded", 3 * DAY_S, None)] if self.refunded[number] else []
            told += (
                [("disputed", 20 * DAY_S, "fraudulent" if self.bad[number] else "product_not_received")] if self.disputed[number] else []
            )
            for kind, after, detail in told:
                yield f"evt_{number}_{kind}", purchase, 1, kind, at + after, at + after, amount, detail

    def labels(self) -> Iterator[tuple[Any, ...]]:
        """Rows of what they turned out to be."""
        for number in np.flatnonzero(self.disputed).tolist():
            verdict = "fraud" if self.bad[number] else "first_party_dispute"
            account = int(self._crowd.accounts[self.who[number]])
            yield "purchase", account, f"pi_{number:07d}", 1, verdict, "dispute", float(self.at[number]) + 20 * DAY_S, "stripe"


def lives(crowd: Crowd, count: int) -> Iterator[tuple[Any, ...]]:
    """Rows of logins and the like."""
    who, times = crowd.draw(count), _times(crowd, count, RECORDS_DAYS)
    for number, (one, at) in enumerate(zip(who.tolist(), times.tolist(), strict=True)):
        type_ = ("login", "login", "login_failed", "key_created")[number % 4]
        yield f"e{number:x}", at, type_, int(crowd.accounts[one]), int(crowd.addresses[one]), _AGENTS[one % 5]


def counts(crowd: Crowd, days: float) -> Iterator[tuple[Any, ...]]:
    """Rows of how many decisions there were in each ten seconds."""
    end = crowd.now // 10 * 10
    for step in range(int(days * 8_640)):
        at = end - 10.0 * (step + 1)
        share = 1.0 + np.sin(at / DAY_S * 2 * np.pi)
        for decision, reason, _, part in _KINDS:
            yield at, "bench", decision, reason, int(50 + 4_000 * share * (20 * part if decision == "allow" else part)), 90.0
