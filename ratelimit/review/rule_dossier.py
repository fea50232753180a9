"""What is known of rules, gathered for whoever looks at them: one by one, and all in a list. Times are seconds since the epoch."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.overlay import candidate_name
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rule_hits import Appeals, Counted, Hit, appeals, counts, hits, of_records, request_counts, shadow_counts
from ratelimit.ledger.rules import BacktestRow, RuleVersion, backtests, days, versions
from ratelimit.ledger.tables.person import PERSON
from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.rule_state import RuleState, found_of, stands, state_of

SHADOW_DAYS: Final = 7
_DAY_S: Final = 86_400.0


class RuleRow(Struct, frozen=True, kw_only=True):
    """A rule in the list: what it met in seven days, and what is known of the version that people look at first."""

    state: RuleState
    met: int
    tried: int  # by its candidate
    found: BacktestFound | None


class RuleDossier(Struct, frozen=True, kw_only=True):
    """One rule. `version` is the one that is looked at, `against` the one that it is compared with, `live` or the one before it.

    `hits` are purchases that it met in the last days, in force or in shadow; `matched` the latest of its backtest. Of a rule on requests
    `days` has how many it met in force and in shadow, by the day in UTC. `names` are people's, by
    login, and `people` by id. `place` counts from 1 in the order of names, among `all` rules.
    """

    state: RuleState
    version: RuleVersion
    against: RuleVersion | None
    found: BacktestFound | None
    tested: BacktestRow | None
    hits: tuple[Hit, ...]
    days: dict[str, tuple[int, int]]
    hits_since: float
    matched: tuple[Hit, ...]
    appeals: Appeals
    names: dict[str, str]
    people: dict[int, str]
    place: int
    all: int
    before: str | None
    after: str | None


class RuleFacts:
    """`wall` is seconds since the epoch."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._ledger, self._wall = ledger, wall

    async def list(self) -> tuple[list[RuleRow], dict[str, str]]:
        """Every rule, by name, and people's names by login."""
        since = self._wall() - SHADOW_DAYS * _DAY_S
        async with self._ledger.read() as connection:
            rows, tests = await versions(connection), await backtests(connection)
            of_purchases, of_requests = await counts(connection, since), await request_counts(connection, since)
            in_shadow = await shadow_counts(connection, since)
            names, _ = await _people(connection)
        states = [state_of(name, rows, tests) for name in dict.fromkeys(row.name for row in rows)]
        return [_row(state, of_purchases, of_requests, in_shadow) for state in states], names

    async def names(self) -> dict[str, str]:
        """People's names by login."""
        async with self._ledger.read() as connection:
            return (await _people(connection))[0]

    async def one(self, name: str, number: int | None = None) -> RuleDossier:
        """One rule, and one of its versions; raises NoRuleError."""
        now = self._wall()
        async with self._ledger.read() as connection:
            state = await stands(connection, name)
            version = state.main if number is None else state.version(number)
            tested = state.tested.get(version.version)
            found = found_of(version, tested)
            since = max(now - SHADOW_DAYS * _DAY_S, _in_force_since(version, now))
            met = await _met(connection, state, version, since, now)
            by_day = await _days(connection, version, since) if version.rule.get("on") == "request" else {}
            matched = await of_records(connection, found.latest) if found is not None and found.on == "purchase" else []
            of_appeals = (await appeals(connection)).get(name, Appeals(0, 0))
            order = list(dict.fromkeys(row.name for row in await versions(connection)))
            names, people = await _people(connection)
        place = order.index(name)
        return RuleDossier(
            state=state,
            version=version,
            against=against(state, version),
            found=found,
            tested=tested if found is not None else None,
            hits=tuple(met),
            days=by_day,
            hits_since=since,
            matched=tuple(matched),
            appeals=of_appeals,
            names=names,
            people=people,
            place=place + 1,
            all=len(order),
            before=order[place - 1] if place else None,
            after=order[place + 1] if place + 1 < len(order) else None,
        )

    async def pair(self, name: str, first: int, second: int) -> tuple[RuleState, RuleVersion, RuleVersion]:
        """Two versions of a rule to be compared; raises NoRuleError."""
        async with self._ledger.read() as connection:
            state = await stands(connection, name)
        return state, state.version(first), state.version(second)


def against(state: RuleState, version: RuleVersion) -> RuleVersion | None:
    """What a version is compared with: what is live, if that is another, else the version before it."""
    if state.live is not None and state.live.id != version.id:
        return state.live
    return next((it for it in state.versions if it.version < version.version), None)


def _row(state: RuleState, of_purchases: dict[str, Counted], of_requests: dict[str, int], in_shadow: dict[str, int]) -> RuleRow:
    def met(named: str) -> int:
        counted = of_purchases.get(named)
        return (counted.count if counted is not None else 0) + of_requests.get(named, 0)

    candidate = state.candidate
    tried = in_shadow.get(state.name, 0)  # where the file has it in shadow, or for a share
    if candidate is not None:
        named = candidate_name(state.name, candidate.version)
        tried = met(named) + in_shadow.get(named, 0)
    main = state.live or state.main
    return RuleRow(state=state, met=met(state.name), tried=tried, found=found_of(main, state.tested.get(main.version)))


def _in_force_since(version: RuleVersion, now: float) -> float:
    begun = [at for step, at in version.steps.items() if step in {"shadow", "canary", "live"}]
    return min(begun, default=now)


async def _met(connection: AsyncConnection, state: RuleState, version: RuleVersion, since: float, now: float) -> list[Hit]:
    candidate = state.candidate
    if candidate is not None and candidate.id == version.id:
        return await hits(connection, candidate_name(state.name, version.version), since, now)
    if state.live is not None and state.live.id == version.id:
        return await hits(connection, state.name, since, now)
    return []


async def _days(connection: AsyncConnection, version: RuleVersion, since: float) -> dict[str, tuple[int, int]]:
    first = datetime.fromtimestamp(since, UTC).date().isoformat()
    found: dict[str, tuple[int, int]] = {}
    for (_, number, day, shadow), count in (await days(connection, [version.name], first)).items():
        if number == version.version:
            enforced, tried = found.get(day, (0, 0))
            found[day] = (enforced, tried + count) if shadow else (enforced + count, tried)
    return found


async def _people(connection: AsyncConnection) -> tuple[dict[str, str], dict[int, str]]:
    rows = (await connection.execute(select(PERSON.c.id, PERSON.c.login, PERSON.c.name))).all()
    return {row.login: row.name for row in rows}, {row.id: row.name for row in rows}
