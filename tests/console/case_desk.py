"""A desk whose ledger holds a key that was resold, its account, what they asked for and bought; and the pages about them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import insert

from ratelimit.console.case import CasePages
from ratelimit.console.case_acts import CaseActs
from ratelimit.console.case_lock import CaseLocks
from ratelimit.console.render import Console
from ratelimit.core.message import Entity
from ratelimit.core.policy import Policy
from ratelimit.core.signals import COLUMN, NAMES, VERSION
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.purchase import LIFE, LINK, PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.review.cases import Cases
from ratelimit.review.dossiers import Dossiers
from ratelimit.review.preview import Previews
from ratelimit.review.seen import Seen
from ratelimit.review.weighing import Weigher
from ratelimit.stores.client import Options, RedisStore
from ratelimit.web.route import Route
from tests.review.case_site import NOW, flagged, model, subject
from tests.review.deed_site import POLICY, DeedSite, deed_site
from tests.stores.asker import PATIENCE_S, clock

DIGEST = "5f3c91aa00bb11cc22dd33ee44ff5566"
KEY = Entity("api_key", DIGEST)
OWNER = Entity("account", "Halden <b>Studio</b>\u202e")
HOSTILE = "/v1/generate/<script>alert(1)</script>/\u202egpj.exe/\x00"
AGENT = "Mozilla/5.0 '\"><img src=x onerror=alert(1)>"


class CaseDesk(NamedTuple):
    """The parts, and who is who. `case` is about the key."""

    site: DeedSite
    cases: Cases
    dossiers: Dossiers
    seen: Seen
    pages: tuple[Route, ...]
    key: int
    account: int
    case: int


def where(shown: str) -> str:
    return "NL, hosting" if shown.startswith("192.0.2.") else ""


async def fill(ledger: Ledger, many: int = 40) -> tuple[int, int]:
    """Requests, purchases, logins and links of the key and its account, and their ids."""
    key, account = await subject(ledger, KEY), await subject(ledger, OWNER)
    addresses = [await subject(ledger, Entity("ip", f"192.0.2.{number}")) for number in range(8)]
    card, network = await subject(ledger, Entity("card", "fp1", "•4821")), await subject(ledger, Entity("network", "192.0.2.0/24"))
    signals = np.full(len(NAMES), np.nan, "<f4")
    signals[[COLUMN["addresses"], COLUMN["age_s"], COLUMN["denied_share_1d"]]] = (418, 600 * 86_400, 0.002)
    plain: dict[str, Any] = {"account": account, "api_key": key, "method": "POST", "cost": 4, "signals": None, "risk_subject": None}
    rows = [
        {
            **plain, "id": f"rec{number:05}", "at": NOW - number * 61.0, "decision": "throttle" if number % 3 else "allow",
            "reason": "risk_throttled" if number % 3 else "ok", "limit_name": None, "address": addresses[number % 8],
            "path": HOSTILE.replace("\0", "\\x00") if number % 5 == 1 else "/v1/generate", "user_agent": AGENT if number % 4 == 1 else None,
            "weight": 1.0 if number % 3 else 20.0, "risk": 0.9994, "plan": "pro", "model": "abc", "signal_version": None,
        }
        for number in range(many)
    ]  # fmt: skip
    rows[1] |= {"signals": signals.tobytes(), "risk_subject": key, "signal_version": VERSION}
    bought = [
        {
            "id": f"pay_{number}", "attempt": 1, "record": f"prec{number}", "at": NOW - 3_600 * (number + 1), "kind": "purchase",
            "account": account, "address": addresses[0], "card": card, "amount_minor": 18_000, "currency": "EUR", "tokens": 60_000,
            "last4": "4821", "decision": "allow", "action": "accept", "reason": "ok", "hold_ratio": 0.0, "held": 0,
            "outcome": "succeeded" if number else "failed",
        }
        for number in range(3)
    ]  # fmt: skip
    lives = [
        {"source": f"l{n}", "at": NOW - 7_200 * (n + 1), "type": "login", "account": account, "address": addresses[0], "user_agent": AGENT}
        for n in range(3)
    ]
    ends = [(account, key, "owns"), (account, card, "paid"), (key, network, "requested"), *((key, one, "requested") for one in addresses)]
    links = [
        {"subject": one, "entity": other, "how": how, "first_at": NOW - 30 * 86_400, "last_at": NOW, "count": 5} for one, other, how in ends
    ]
    async with ledger.write() as connection:
        for table, content in ((RECORD, rows), (PURCHASE, bought), (LIFE, lives), (LINK, links)):
            await connection.execute(insert(table), content)
    return key, account


@asynccontextmanager
async def case_desk(ledger: Ledger, url: str, console: Console, policy: Policy = POLICY) -> AsyncIterator[CaseDesk]:
    """The desk, on that ledger and that store."""
    async with AsyncExitStack() as stack:
        store = RedisStore(Options(url, clock, PATIENCE_S, "check"))
        await store.open()
        stack.push_async_callback(store.close)
        site = await stack.enter_async_context(deed_site(ledger, store, url))
        key, account = await fill(ledger)
        await flagged(ledger, model(anchor=KEY))
        async with ledger.read() as connection:
            (number,) = (await connection.exec_driver_sql("SELECT number FROM case_")).scalars().all()
        dossiers = Dossiers(ledger, Weigher(lambda: policy), site.overrides, site.wall)
        cases, seen = Cases(ledger, site.wall), Seen(ledger, site.wall)
        pages = CasePages(console, cases, dossiers, seen, where).routes()
        acts = CaseActs(console, cases, dossiers, site.actions, Previews(site.actions.doing, 0.05)).routes()
        acts += CaseLocks(console, cases).routes()
        yield CaseDesk(site, cases, dossiers, seen, (*pages, *acts), key, account, number)
