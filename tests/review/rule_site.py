"""Everything that rules are made of, put together for a test: a ledger, a store, and people."""

from itertools import pairwise
from typing import Any

import msgspec

from ratelimit.core.overlay import Overlay, decode_overlay, read_of, reading
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import BacktestRow, RuleVersion, Step, add_backtest, change_version
from ratelimit.review.backtest_found import BacktestFound, Bucket
from ratelimit.review.rule_draft import Drafts
from ratelimit.review.rule_overlay import RuleOverlay
from ratelimit.review.rule_state import digest_of
from ratelimit.review.rules import Promotion, Rules
from ratelimit.service.ask import ask
from ratelimit.stores.client import RedisStore
from tests.review.case_site import hired
from tests.review.rule_ledger import DAY_S, NOW

LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/s"}}
TEXT = "on: purchase\nwhen: purchase.cards_1h >= 3\nthen: block\nreason: several cards tried"
WHY = "the issuer told us so"


def person(id: int, role: Any = "admin") -> Principal:
    return Principal(id=id, login=f"p{id}", name=f"Person {id}", role=role, via="session", session="s")


MIRA, ANA, TOM = person(1), person(2), person(3, "analyst")


class Site:
    """All parts together, and a clock that is set."""

    def __init__(self, ledger: Ledger, store: RedisStore) -> None:
        self.now = NOW
        self.policy = self.file()
        self.ledger, self.store = ledger, store
        self.overlay = RuleOverlay(ledger, store, lambda: self.policy, lambda: self.now)
        self.rules = Rules(ledger, self.overlay, lambda: self.now)
        self.drafts = Drafts(ledger, lambda: self.now)

    @classmethod
    async def open(cls, ledger: Ledger, store: RedisStore) -> "Site":
        """One whose people have had their accounts for long."""
        await hired(ledger, MIRA, ANA, TOM)
        return cls(ledger, store)

    def file(self, *rules: dict[str, Any]) -> Policy:
        return Policy(parse_policy({"version": 1, "limits": [LIMIT], "rules": list(rules)}, "test"))

    async def laid(self) -> Overlay:
        (answer,) = await ask(self.store, [reading("")])
        _, document = read_of(answer)
        return decode_overlay(document) if document else Overlay()

    async def places(self) -> list[tuple[str, int, str]]:
        return [(it.name, it.version, it.place) for it in (await self.laid()).rules]

    async def steps(self, name: str = "cards") -> list[tuple[int, str]]:
        return [(it.version, it.step) for it in (await self.rules.get(name)).versions]

    async def tested(self, version: RuleVersion, fraud: int = 200, good: int = 2) -> None:
        """A backtest was run."""
        found = BacktestFound(on="purchase", days=30, buckets=[Bucket("disputed", matches=fraud + good, fraud=fraud, good=good)])
        found.good_accounts = good
        row = BacktestRow(
            id=0,
            name=version.name,
            version=version.version,
            digest=digest_of(version),
            by_login="p1",
            at=self.now,
            since=0.0,
            until=self.now,
            looked_at=1,
            found=msgspec.to_builtins(found),
        )
        async with self.ledger.write() as connection:
            await add_backtest(connection, row)
            await change_version(connection, version.id, step="backtest", steps={**version.steps, "backtest": self.now})

    async def at(self, step: Step, who: Principal = MIRA, then: str = "block", text: str = TEXT) -> RuleVersion:
        """A version that came to that step, soundly."""
        version = await self.drafts.draft(who, "cards", text.replace("block", then))
        await self.tested(version)
        order: list[Step] = ["backtest", "shadow", "canary", "live"]
        for before, to in pairwise(order[: order.index(step) + 1]):
            by = ANA if to == "live" and who is MIRA else MIRA
            await self.rules.promote(by, "cards", version.version, Promotion(step=before, to=to, share=0.1 if to == "canary" else None))
            self.now += 8 * DAY_S
        return (await self.rules.get("cards")).version(version.version)
