"""Whoever restricts the use of their data is looked at by no model; limits and rules go on."""

import asyncio
from collections.abc import Sequence

import numpy as np

from ratelimit.core.identity import Caller
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.standing import Target
from ratelimit.service.spared import Spared, word_id
from ratelimit.service.standings import Standings
from ratelimit.stores.client import RedisStore
from ratelimit.stores.standing_feed import StandingFeed
from tests.service.purchase_site import RULE, Make, Scorer, Wall, risk, site
from tests.service.test_usage import START, FixedScorer, note, settle, turn, usage_on
from tests.stores.asker import until
from tests.stores.conftest import Node

__all__ = ["site"]  # a fixture

ANN, BOB = Caller(api_key="k1", account="ann"), Caller(api_key="k2", account="bob")


class Witness(FixedScorer):
    """Remembers how many rows it was shown."""

    seen = 0

    def score(self, kind: Kind, rows: Rows, plans: Sequence[str | None]) -> Rows:
        self.seen += len(rows)
        return super().score(kind, rows, plans)


async def test_the_model_is_not_shown_them(store: RedisStore) -> None:
    """Their risk is null and has no reasons, be they known by account or by key; another's is as before, and signals still count."""
    usage = usage_on(store)
    usage.scoring.scorer = witness = Witness(0.9)
    usage.scoring.spared = {("account", "ann"), ("api_key", "k1")}
    for caller in (ANN, BOB):
        note(usage, 20, caller)
    turn(usage, START + 1)
    await settle(usage)
    assert witness.seen == 2
    assert usage.risk_of(ANN) is usage.risk_of(Caller(api_key="k1")) is None
    assert (found := usage.risk_of(BOB)) is not None
    assert found.risk == 0.9
    known = usage.known_of(ANN)
    assert known is not None
    assert known[1:3] == (None, None)
    assert np.frombuffer(known[3], "<f4").any()
    usage.scoring.spared = set()
    note(usage, 20, ANN)
    turn(usage, START + 2)
    await settle(usage)
    assert usage.risk_of(ANN) is not None


async def test_a_risk_from_before_is_not_used(store: RedisStore) -> None:
    """What was scored before the word came is not said any more, not even for one more request."""
    usage = usage_on(store)
    usage.scoring.scorer = FixedScorer(0.9)
    note(usage, 20, ANN)
    turn(usage, START + 1)
    await settle(usage)
    assert usage.risk_of(ANN) is not None
    usage.scoring.spared = {("account", "ann")}
    assert usage.risk_of(ANN) is None
    assert usage.reasons(ANN) == ()


async def test_purchases(site: Make) -> None:
    """The model says nothing of their purchases; rules and words of people do."""
    here = site(rules=[{**RULE, "when": "purchase.amount > 100.0"}], risk=risk({"above": 0.9, "hold": 0.5}))
    here.purchases.judge.scorer = Scorer(0.99)
    scored = await here.buy()
    assert (scored.risk, scored.reason) == (0.99, "risk_throttled")
    await Spared(here.standings, here.wall).spare([Target("account", "a1")], "ann")
    spared = await here.buy(id="p2")
    assert (spared.risk, spared.p_fraud, spared.reason, spared.signals) == (None, None, "ok", ())
    assert (await here.buy(id="p3", amount=20_000)).reason == "rule_matched"


async def test_every_sidecar_hears_of_it(own_node: Node, store: RedisStore) -> None:
    """The word is told like all that stand, meets no request, stays through a new start, and ends when it is taken back."""
    here = Standings(store, Wall())
    spared = Spared(here, Wall())
    there, late = Standings(store, Wall()), Standings(store, Wall())
    following = [asyncio.create_task(StandingFeed(own_node.url).run(there))]
    await there.first()
    ann = Target("account", "ann")
    await spared.spare([ann], "eve")
    await spared.spare([ann], "eve")
    await until(lambda: ("account", "ann") in there.unscored)
    assert (there.requests, there.of(Caller(account="ann"))) == (0, None)
    assert (word := there.get(word_id(ann))) is not None
    assert (word.version, word.author) == (1, "eve")
    following.append(asyncio.create_task(StandingFeed(own_node.url).run(late)))
    await late.first()
    assert spared.all() == [ann]
    assert late.unscored == {("account", "ann")}
    await spared.end([ann])
    await until(lambda: not there.unscored and not late.unscored)
    for task in following:
        task.cancel()
