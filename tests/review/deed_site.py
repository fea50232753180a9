"""A desk's part that does deeds, on a real ledger and a real store, with a wall clock that the test moves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import select, update

from ratelimit.core.identity import Caller
from ratelimit.core.message import Entity
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.principal import Principal
from ratelimit.core.standing import Standing, Target
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.webhook import Message
from ratelimit.ledger import actions
from ratelimit.ledger.actions import ActionRow
from ratelimit.ledger.labels import LabelFilter, LabelRow, some
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CASE
from ratelimit.loop import keep_running
from ratelimit.review.actions import Actions
from ratelimit.review.audit import AuditEntry, AuditFilter, entries
from ratelimit.review.deed import Deed, Done
from ratelimit.review.doing import Doing
from ratelimit.review.effect import Effects
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.holds import Holds
from ratelimit.service.overrides import Overrides
from ratelimit.service.standings import Standings
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.stores.client import RedisStore
from ratelimit.stores.standing_feed import StandingFeed
from tests.review.case_site import NOW, SUBJECTS, account, flagged, person, rule, subject
from tests.service.holding import Wall

KEY = bytes(32)
POLICY = Policy(
    parse_policy({"version": 1, "limits": [{"name": "key", "per": ["api_key"], "bucket": {"capacity": 9, "refill": "1/s"}}]}, "p")
)
_keys = count()


def deed(then: str = "block", **more: Any) -> Deed:
    """One with a key of its own and a reason."""
    given: dict[str, Any] = {"key": f"key-{next(_keys):06}", "pick": None, "reason": "seen it", **more}
    return Deed(then=then, for_=given.pop("span", "24h"), **given)  # type: ignore[arg-type]


class DeedSite(NamedTuple):
    """What a desk has. `mia` and `tom` are analysts, `ada` is an admin, `vic` may only look."""

    ledger: Ledger
    store: RedisStore
    wall: Wall
    standings: Standings
    overrides: Overrides
    holds: Holds
    queue: WebhookQueue
    inbox: StripeInbox
    actions: Actions
    mia: Principal
    tom: Principal
    ada: Principal
    vic: Principal

    async def case(self, *more: Entity, anchor: Entity | None = None) -> int:
        """The number of a new case about an account, or whom `anchor` says."""
        anchor = anchor or account("a1")
        await flagged(self.ledger, rule(anchor=anchor), now=self.wall())
        for entity in more:
            await subject(self.ledger, entity)
        async with self.ledger.read() as connection:
            query = select(CASE.c.number).order_by(CASE.c.number.desc()).limit(1)
            return int((await connection.execute(query)).scalar_one())

    async def act(self, principal: Principal, case: int | None, then: str = "block", **more: Any) -> Done:
        return await self.actions.act(principal, case, deed(then, **more))

    def words(self, target: Target | None = None) -> list[Standing]:
        """What people said about a target, by default the account a1."""
        return self.overrides.about(target or Target("account", "a1"))

    def thens(self, target: Target | None = None) -> list[str]:
        return [word.then for word in self.words(target)]

    def blocked(self, caller: Caller) -> bool:
        """Whether a sidecar of this process would block."""
        found = self.standings.of(caller)
        return found is not None and found.override_block is not None

    async def row(self, id: int) -> ActionRow:
        async with self.ledger.read() as connection:
            found = await actions.find(connection, id)
        assert found is not None
        return found

    async def labels(self, **wanted: Any) -> list[LabelRow]:
        async with self.ledger.read() as connection:
            return await some(connection, LabelFilter(**wanted), 100)

    async def audit(self, **wanted: Any) -> list[AuditEntry]:
        async with self.ledger.read() as connection:
            return await entries(connection, AuditFilter(**wanted), 100)

    async def of_case(self, number: int) -> Any:
        async with self.ledger.read() as connection:
            return (await connection.execute(select(CASE).where(CASE.c.number == number))).one()

    async def change_case(self, number: int, **changes: Any) -> None:
        async with self.ledger.write() as connection:
            await connection.execute(update(CASE).where(CASE.c.number == number).values(changes))

    async def told(self) -> list[Message]:
        """What the site is to be told, first to last."""
        found = await self.queue.take(1_000)
        return sorted(found, key=lambda message: message.at)


@asynccontextmanager
async def deed_site(ledger: Ledger, store: RedisStore, url: str, *, tells: bool = True) -> AsyncIterator[DeedSite]:
    """One on that ledger and that store, which hears of changes that others make."""
    async with AsyncExitStack() as stack:
        wall = Wall()
        wall.now = NOW
        standings = Standings(store, wall)
        keep_running(partial(StandingFeed(url).run, standings), stack)
        await standings.first()
        queue = WebhookQueue(store, wall)
        overrides = Overrides(standings, KEY, lambda: POLICY, wall, queue if tells else None)
        holds = Holds(standings, HoldCounter(store, StoreKeys(KEY), wall), wall)
        inbox = StripeInbox(store, wall)
        effects = Effects(overrides, holds, inbox, queue if tells else None, wall)
        doing = Doing(ledger, SUBJECTS, effects, wall, ("site.example",) if tells else ())
        people = [await person(ledger, *one) for one in (("mia",), ("tom",), ("ada", "admin"), ("vic", "viewer"))]
        yield DeedSite(ledger, store, wall, standings, overrides, holds, queue, inbox, Actions(doing), *people)
