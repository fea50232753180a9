"""Backtests that people have asked for, each in a process of its own."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.backtests import Backtests
from ratelimit.review.rule_draft import Drafts
from ratelimit.review.rule_error import NoRuleError, NotNowError, RuleError
from ratelimit.review.rule_state import RuleState, found_of, stands
from tests.review.rule_ledger import CARDS, DAY_S, NOW, fill, purchase

MIRA = Principal(id=1, login="mira", name="Mira", role="analyst", via="session", session="s")


async def state(ledger: Ledger) -> RuleState:
    async with ledger.read() as connection:
        return await stands(connection, "cards")


@pytest.fixture
async def tests(ledger: Ledger) -> AsyncIterator[Backtests]:
    made = Backtests(ledger, lambda: NOW)
    await Drafts(ledger, lambda: NOW).draft_rule(MIRA, "cards", CARDS)
    yield made
    await made.close()


async def test_run(ledger: Ledger, tests: Backtests) -> None:
    """It runs in another process; what it found is kept, and the draft has come to its next step."""
    await fill(ledger, [purchase(1, NOW - DAY_S, {"cards_1h": 4.0}, label="fraud"), purchase(2, NOW - 40 * DAY_S, {"cards_1h": 4.0})])
    await tests.start(MIRA, "cards", 1, 30)
    running = await tests.wait("cards")
    assert (running.state, running.done, running.error) == ("done", 1.0, "")
    now = await state(ledger)
    version = now.version(1)
    assert version.step == "backtest"
    assert version.steps.keys() == {"draft", "backtest"}
    found = found_of(version, now.tested[1])
    assert found is not None
    assert (found.matches, found.fraud, found.looked_at) == (1, 1, 1)
    assert found_of(msgspec.structs.replace(version, rule={**CARDS, "then": "review"}), now.tested[1]) is None
    await tests.start(MIRA, "cards", 1, 90)
    await tests.wait("cards")
    found = found_of(version, (await state(ledger)).tested[1])
    assert found is not None
    assert found.matches == 2


async def test_one_at_a_time(ledger: Ledger, tests: Backtests) -> None:
    """While one is under way another of the same rule is not begun; it can be left, and nothing is kept."""
    await tests.start(MIRA, "cards", 1, 30)
    with pytest.raises(NotNowError, match="mira tests version 1"):
        await tests.start(MIRA, "cards", 1, 30)
    tests.leave("cards")
    running = await tests.wait("cards")
    assert running.state == "left"
    assert (await state(ledger)).version(1).step == "draft"
    tests.leave("cards")
    tests.leave("another")


async def test_not_offered(tests: Backtests) -> None:
    """What is not there, or for a span that is not offered, is not begun."""
    with pytest.raises(RuleError, match="45 days"):
        await tests.start(MIRA, "cards", 1, 45)
    with pytest.raises(NoRuleError):
        await tests.start(MIRA, "cards", 2, 30)
    with pytest.raises(NoRuleError):
        await tests.start(MIRA, "other", 1, 30)


async def test_dropped_meanwhile(ledger: Ledger, tests: Backtests) -> None:
    """One whose draft was dropped says so."""
    await tests.start(MIRA, "cards", 1, 30)
    await Drafts(ledger, lambda: NOW).drop(MIRA, "cards", 1)
    running = await tests.wait("cards")
    assert (running.state, running.error) == ("failed", "it was dropped meanwhile")
