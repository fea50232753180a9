"""What the demonstration's rules look back on: they are as old as its site, have met what it saw, and some of them were tried on that."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from ratelimit.core.principal import Principal
from ratelimit.ledger import people
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import add_days, change_version, versions
from ratelimit.review.backtests import Backtests
from ratelimit.review.rule_error import RuleError

TRIED: Final = ("card-testing", "free-credit-farm", "spending-spree", "prepaid-newcomer", "card-testing-address")
_DAYS: Final = 30

Met = Mapping[tuple[str, int, str, bool], int]  # how often, by name, version, day and whether it was in shadow


async def age_rules(ledger: Ledger, since: float, met: Met) -> None:
    """The policy's file has had them since then, and they have `met` so much."""
    async with ledger.write() as connection:
        for row in await versions(connection):
            await change_version(connection, row.id, at=since, step_at=since, steps=dict.fromkeys(row.steps, since))
        await add_days(connection, met)


async def try_rules(url: str, login: str) -> None:
    """Have somebody test those of TRIED; what cannot be tested is not."""
    ledger = Ledger(url)
    try:
        async with ledger.read() as connection:
            found = await people.by_login(connection, login)
        if found is None:
            return
        who = Principal(id=found.id, login=found.login, name=found.name, role=found.role, via="session")
        backtests = Backtests(ledger, time.time)
        for name in TRIED:
            with suppress(RuleError):
                await backtests.start(who, name, 1, _DAYS)
                await backtests.wait(name)
    finally:
        await ledger.close()
