"""All parts of a sidecar that have to do with purchases, on a real store, whose seconds pass when the test says so."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from ratelimit.core.message import Flagged
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.purchase import PurchaseDecision
from ratelimit.core.purchase_check import checked
from ratelimit.core.purchase_entity import EntityNames
from ratelimit.core.purchase_entry import PurchaseEntry, read
from ratelimit.core.purchase_signals import COLUMN
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.standing import Standing, Target, TargetKind
from ratelimit.core.store_key import BOOK, StoreKeys
from ratelimit.core.velocity import HEAD
from ratelimit.service.address_book import AddressBook
from ratelimit.service.flags import Flags
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.holds import Holds
from ratelimit.service.purchases import Purchases
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.standings import Standings
from ratelimit.stores.client import RedisStore
from tests.core.purchases import NOW, purchase
from tests.stores.conftest import Node

KEYS = StoreKeys(bytes(32))
IP = bytes([203, 0, 113, 7])
LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/s"}}
RULE = {"name": "many", "on": "purchase", "when": "purchase.attempts_1h >= 2.0", "then": "block", "reason": "many attempts"}


class Wall:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Scorer:
    """A model that says the same of every purchase."""

    version, calibrated = "0123456789ab", True

    def __init__(self, risk: float) -> None:
        self.risk = risk

    def score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(rows), self.risk)

    def p_fraud(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(rows), np.nan)

    def reasons(self, row: NDArray[np.float64]) -> tuple[SignalReason, ...]:
        return (SignalReason("amount", float(row[COLUMN["amount"]]), 1.0, np.inf, 0.01),)


class Site(NamedTuple):
    """All parts of one sidecar that have to do with purchases."""

    purchases: Purchases
    standings: Standings
    holds: Holds
    flags: list[Flagged]
    wall: Wall
    client: Any

    async def buy(self, **fields: Any) -> PurchaseDecision:
        return await self.purchases.decide(checked(purchase(**fields), self.wall()))

    async def say(self, kind: TargetKind, then: Any, **fields: Any) -> str:
        """A person's word about one target of the sound purchase."""
        target = EntityNames(KEYS).of(purchase(), IP).targets[kind]
        return await self.put(target, then, **fields)

    async def put(self, target: Target, then: Any, **fields: Any) -> str:
        sound = {"id": f"o-{then}", "source": "override", "reason": "seen", "author": "ann", "made_at": self.wall()}
        word = Standing(target=target, then=then, **{**sound, **fields})
        await self.standings.change(word.id, lambda _: word)
        return word.id

    def entry(self, id: str = "p1") -> PurchaseEntry:
        return read(id, self.client.get(KEYS.namer_of(BOOK)(id)) or b"")

    def logged(self) -> dict[str, int]:
        """How many attempts each velocity log of the sound purchase has."""
        names = EntityNames(KEYS).of(purchase(), IP).names
        return {kind: HEAD.unpack_from(state)[6] if (state := self.client.get(name)) else 0 for kind, name in names.items()}


def policy(**fields: Any) -> Policy:
    return Policy(parse_policy({"version": 1, "limits": [LIMIT], **fields}, "test"))


def risk(*throttles: dict[str, Any], mode: str = "enforce") -> dict[str, Any]:
    return {"purchases": {"model": "m", "throttle": list(throttles), "mode": mode}}


@pytest.fixture
def site(store: RedisStore, own_node: Node) -> Callable[..., Site]:
    """Called with fields of the policy, one sidecar on the store."""

    def make(**fields: Any) -> Site:
        wall, found = Wall(), policy(**fields)
        standings = Standings(store, wall)
        holds = Holds(standings, HoldCounter(store, KEYS, wall), wall)
        flags: list[Any] = []
        purchases = Purchases(store, KEYS, found, wall, AddressBook())
        purchases.holds, purchases.flags, purchases.words = holds, Flags(flags.append, KEYS), RuleWords(standings)
        purchases.judge.standings, purchases.judge.rulebook = standings, Rulebook(found, KEYS, AddressBook())
        return Site(purchases, standings, holds, flags, wall, own_node.client)

    return make


Make = Callable[..., Site]
