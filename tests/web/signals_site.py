"""A gateway lane with signals, whose seconds pass when the test says so."""

import asyncio
import json
import time
from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from ratelimit.core.distinct import Distinct
from ratelimit.core.identity import ApiKeys
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import COLUMN, SIGNALS, Kind, Rows
from ratelimit.core.spread import BINS, Spread
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.address_book import AddressBook
from ratelimit.service.challenge import EVERY
from ratelimit.service.signal_loop import SignalLoop
from ratelimit.service.usage import Usage
from tests.web.conftest import SECRET

_digest = ApiKeys(SECRET).digest
_CUTS = np.tile(np.arange(1, BINS, dtype=np.float32) / np.float32(BINS), (len(SIGNALS) + 1, 1)).astype(np.float32)
_EVEN = Spread(_CUTS, np.tile([*[0.1] * BINS, 0.0], (len(SIGNALS) + 1, 1)).astype(np.float64))


class FixedScorer:
    """Says the same of everybody, and shows the row that it was asked about."""

    version, calibrated = "0123456789ab", True

    def __init__(self, risk: float = 0.5) -> None:
        self.risk = risk

    def score(self, kind: Kind, rows: Rows, plans: Sequence[str | None]) -> Rows:  # noqa: ARG002  (the protocol's)
        return np.full(len(rows), self.risk)

    def raw(self, kind: Kind, rows: Rows) -> Rows:  # noqa: ARG002
        return np.full(len(rows), self.risk)

    def p_fraud(self, kind: Kind, rows: Rows) -> Rows:  # noqa: ARG002
        return np.full(len(rows), np.nan)

    def spread(self, kind: Kind) -> Spread | None:
        """It was ranked on days of keys alone, with signals and risks evenly between 0 and 1."""
        return _EVEN if kind == "api_key" else None

    def reasons(self, kind: Kind, row: Rows) -> tuple[SignalReason, ...]:  # noqa: ARG002
        return (SignalReason("attempts_14d", float(row[COLUMN["attempts_14d"]]), 1.5, inf, 0.01),)


class Challenger(FixedScorer):
    """Says these risks and chances of fraud."""

    def __init__(self, risks: Sequence[float], chances: Sequence[float]) -> None:
        super().__init__()
        self.risks, self.chances = np.array(risks), np.array(chances)

    def score(self, kind: Kind, rows: Rows, plans: Sequence[str | None]) -> Rows:  # noqa: ARG002
        return self.risks + 0.01

    def p_fraud(self, kind: Kind, rows: Rows) -> Rows:  # noqa: ARG002
        return self.chances


class Site:
    """Wraps a Gateway that was started with a store; its `usage` is put behind the limiter."""

    def __init__(self, gateway: Any) -> None:
        self.gateway = gateway
        self.usage = gateway.limiter.usage = Usage(gateway.store, StoreKeys(SECRET), Distinct(SECRET), AddressBook())
        self.now = time.time()
        self.loop = SignalLoop(self.usage, lambda: self.now)

    async def ask(self, times: int, **fields: Any) -> Any:
        """So many checks, which all must have an answer; the last one's."""
        answer = None
        for _ in range(times):
            answer = await self.gateway.check(**{"api_key": "k", **fields})
        return answer

    async def tell(self, *lines: dict[str, Any] | bytes) -> Any:
        """Upload events; what a dictionary leaves out is that of a good answer to key k, now."""
        usual = {"time": time.time(), "method": "GET", "path": "/", "status": 200, "api_key": "k"}
        body = b"\n".join(line if isinstance(line, bytes) else json.dumps({**usual, **line}).encode() for line in lines)
        return await self.gateway.post("/v1/events", body)

    async def settle(self) -> None:
        """Seconds pass until all is told and scored."""
        for seconds in (1, 15):
            self.now += seconds
            await self.loop.slice()
            while self.usage.flush() or self.usage.outbox.under_way or len(self.usage.scoring):
                await self.loop.slice()
                await asyncio.sleep(0.001)

    def drift(self, count: int, higher: str) -> None:
        """So many keys were scored, of which a signal is higher than on the days of calibration."""
        scoring, rows = self.usage.scoring, np.random.default_rng(0).random((count, len(SIGNALS) + 1))
        rows[:, COLUMN[higher]] += 0.5
        assert scoring.scorer is not None
        scoring.drift.see(scoring.scorer, "api_key", rows[:, :-1], rows[:, -1], int(self.now))

    def challenge(self, kind: Kind, risks: Sequence[float], chances: Sequence[float]) -> None:
        """Rows that the champion would act upon were scored by a challenger as well, against a bound of 1."""
        challenge = self.usage.scoring.challenge
        challenge.model = Challenger(risks, chances)
        for _ in range(EVERY):
            challenge.see(kind, np.zeros((len(risks), len(SIGNALS))), [None] * len(risks), np.full(len(risks), 1.01))

    def signal(self, name: str, key: str = "k") -> float:
        """A signal of an API key, as it was scored last."""
        watch = self.usage.watch("api_key", _digest(key))
        assert watch is not None
        return float(np.frombuffer(watch.signals, "<f4")[COLUMN[name]])
