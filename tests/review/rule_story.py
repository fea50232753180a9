"""A rule with a history: four versions, of which the third holds tokens and the fourth is in shadow, and a month of purchases."""

import random

from sqlalchemy import insert

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.person import PERSON
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review.backtest import backtest
from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.backtest_worker import Order
from ratelimit.review.backtests import Backtests, Running
from ratelimit.review.rules import Promotion
from tests.review.rule_ledger import DAY_S, fill, purchase
from tests.review.rule_site import ANA, MIRA, WHY, Site

NAME = "card-testing"
WHENS = (
    "purchase.cards_1h >= 2",
    "purchase.cards_1h >= 3",
    "purchase.cards_1h >= 3 && purchase.declines_1h >= 2",
    "purchase.cards_1h >= 3 && purchase.declines_1h >= 2 && !(has(purchase.account_created_age_s) "
    "&& purchase.account_created_age_s > 31536000 && purchase.account_frauds == 0)",
)
HOSTILE = "acc\u202e<script>alert(1)</script>"


def text(when: str, then: str) -> str:
    return f"on: purchase\nwhen: >-\n  {when}\nthen: {then}\nreason: several cards tried, several declined"


async def at_once(order: Order, running: Running) -> BacktestFound:
    """A backtest in this process, for a story that has many."""

    async def progress(done: float) -> None:
        running.done = done

    ledger = Ledger(order.url)
    try:
        return await backtest(ledger, order.job, progress)
    finally:
        await ledger.close()


async def tell(site: Site, count: int = 2_000) -> Backtests:
    """Have it happen; the clock stands six days after the fourth version went into shadow."""
    async with site.ledger.write() as connection:
        people = [(1, "p1", "Mira Keller", "admin"), (2, "p2", "Ana Silva", "admin"), (3, "p3", "Tomas Okafor", "analyst")]
        rows = [{"id": id, "login": login, "name": name, "role": role, "made_at": 0.0, "made_by": "p1"} for id, login, name, role in people]
        await connection.execute(insert(PERSON), rows)
        subjects = [
            {"id": id, "kind": "account", "digest": id.to_bytes(16), "key_id": 1, "shown": f"acc_{id:05X}", "first_at": 0.0, "last_at": 0.0}
            for id in range(1, 400)
        ]
        subjects[6]["shown"] = HOSTILE
        await connection.execute(insert(SUBJECT), subjects)
    backtests = Backtests(site.ledger, lambda: site.now, at_once)
    await fill(site.ledger, purchases(site.now + 45 * DAY_S, count))
    for place, (when, then) in enumerate(zip(WHENS[:3], ("review", "throttle", "throttle"), strict=True)):
        await live(site, backtests, when, then, place + 1)
    site.now += 6 * DAY_S
    made = await site.drafts.draft(MIRA, NAME, text(WHENS[3], "block"))
    await backtests.start(MIRA, NAME, made.version, 30)
    await backtests.wait(NAME)
    await site.rules.promote(MIRA, NAME, made.version, Promotion(step="backtest", to="shadow"))
    site.now += 6 * DAY_S
    await backtests.start(MIRA, NAME, made.version, 30)
    await backtests.wait(NAME)
    return backtests


async def live(site: Site, backtests: Backtests, when: str, then: str, version: int) -> None:
    """One more version goes all the way."""
    await site.drafts.draft(MIRA, NAME, text(when, then))
    await backtests.start(MIRA, NAME, version, 30)
    await backtests.wait(NAME)
    for step, to, wait in (("backtest", "shadow", 8.0), ("shadow", "canary", 3.0), ("canary", "live", 0.0)):
        asked = Promotion(step=step, to=to, share=0.1 if to == "canary" else None, why=WHY)  # type: ignore[arg-type]
        await site.rules.promote(ANA if to == "live" else MIRA, NAME, version, asked)
        site.now += wait * DAY_S


def purchases(until: float, count: int) -> list[dict[str, object]]:
    """So many in forty days before that moment, some of them card testing."""
    chance = random.Random(7)
    return [one(chance, number, until - 40 * DAY_S * (1 - number / count)) for number in range(count)]


def one(chance: random.Random, number: int, at: float) -> dict[str, object]:
    bad = chance.random() < 0.06
    tried = float(chance.choice([3, 4, 5, 7])) if bad else float(chance.choice([0, 1, 1, 1, 2, 3] if chance.random() < 0.2 else [0, 1]))
    declined = float(chance.choice([2, 3, 4])) if bad else float(chance.choice([0, 0, 0, 1, 2]))
    age = chance.random() * (40 if bad else 900) * DAY_S
    known = {"cards_1h": tried, "declines_1h": declined, "account_created_age_s": age, "account_frauds": 0.0, "ip_accounts_30d": 1.0 + bad}
    fate = chance.random()
    met = tried >= 3 and declined >= 2
    more: dict[str, object] = {"account": chance.randrange(1, 400), "amount_minor": chance.choice([2_000, 6_000, 12_000, 34_000])}
    if bad and fate < 0.6:
        more |= {"disputed": fate < 0.3, "warned": fate >= 0.3, "label": "fraud" if fate < 0.5 else ""}
    elif bad and fate < 0.75:
        more |= {"refunded": True, "label": "fraud" if fate < 0.7 else "good"}
    elif not bad and met:
        more |= {"label": "good" if fate < 0.5 else ""}
    if met:
        other = number % 9 == 0
        more |= {"decision": "block", "action": "refuse", "reason": "rule_matched", "rule": "other", "outcome": ""} if other else {}
        if not other and chance.random() < 0.5:
            more |= {"decision": "throttle", "action": "hold", "reason": "rule_throttled", "rule": NAME, "hold_ratio": 0.8, "held": 80}
        more["shadow"] = [{"limit": f"{NAME}@4", "reason": "rule_matched"}]
    return purchase(number, at, known, **more)
