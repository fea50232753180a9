"""Rows of rules' versions and of what they were tested on, as they are read and changed. Times are seconds since the epoch."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.rule import BACKTEST, IN_FORCE, MODEL_PIN, RULE_DAY, RULE_VERSION

Step = Literal["draft", "backtest", "shadow", "canary", "live", "paused", "replaced"]

LADDER: Final[tuple[Step, ...]] = ("draft", "backtest", "shadow", "canary", "live")
POLICY_FILE: Final = "policy file"  # who wrote what stands there
WHAT_POLICY: Final = "policy"


class RuleVersion(Struct, frozen=True, kw_only=True):
    """One version of a rule. `steps` says when it came to each step; `wants` is the step that `wanted_by` has asked for."""

    id: int
    name: str
    version: int
    rule: dict[str, Any]
    step: Step
    canary: float | None
    by: int
    by_login: str
    at: float
    step_at: float
    steps: dict[str, float]
    why: str | None
    wants: Step | None
    wanted_by: int | None
    from_file: bool

    @property
    def open(self) -> bool:
        """Whether it is being worked on, and never was in force."""
        return self.step in {"draft", "backtest"}


class BacktestRow(Struct, frozen=True, kw_only=True):
    """What was found when a version was tested; `digest` is that of the rule as it was then."""

    id: int
    name: str
    version: int
    digest: bytes
    by_login: str
    at: float
    since: float
    until: float
    looked_at: int
    found: dict[str, Any]


class PinRow(Struct, frozen=True, kw_only=True):
    """A model that people have put in the place of another."""

    section: Literal["requests", "purchases"]
    model: str
    challenger: str | None
    over: str
    by_login: str
    at: float
    why: str


class InForce(Struct, frozen=True, kw_only=True):
    """What was in force from then on."""

    digest: str
    since: float
    text: str | None
    detail: Any


async def versions(connection: AsyncConnection, name: str | None = None, *, lock: bool = False) -> list[RuleVersion]:
    """All versions of one rule, or of all, by name and latest first; with `lock` nobody else changes them meanwhile."""
    rows = select(RULE_VERSION).order_by(RULE_VERSION.c.name, RULE_VERSION.c.version.desc())
    if name is not None:
        rows = rows.where(RULE_VERSION.c.name == name)
    return [_version(row) for row in await connection.execute(rows.with_for_update() if lock else rows)]


async def add_version(connection: AsyncConnection, made: RuleVersion) -> int:
    """Write a new one, whose id is left to the database, and say it."""
    row = {name: value for name, value in msgspec.structs.asdict(made).items() if name != "id"}
    done = await connection.execute(insert(RULE_VERSION).values(**row))
    key = done.inserted_primary_key
    assert key is not None, "one row was inserted"  # noqa: S101
    return int(key[0])


async def change_version(connection: AsyncConnection, id: int, **changes: Any) -> None:
    """Change columns of one."""
    await connection.execute(update(RULE_VERSION).where(RULE_VERSION.c.id == id).values(**changes))


async def drop_version(connection: AsyncConnection, id: int) -> None:
    """Take a draft away, and what it was tested on."""
    found = (await connection.execute(select(RULE_VERSION.c.name, RULE_VERSION.c.version).where(RULE_VERSION.c.id == id))).one()
    of_it = (BACKTEST.c.name == found.name) & (BACKTEST.c.version == found.version)
    await connection.execute(delete(BACKTEST).where(of_it))
    await connection.execute(delete(RULE_VERSION).where(RULE_VERSION.c.id == id))


async def add_backtest(connection: AsyncConnection, made: BacktestRow) -> None:
    """Write what was found."""
    row = {name: value for name, value in msgspec.structs.asdict(made).items() if name != "id"}
    await connection.execute(insert(BACKTEST).values(**row))


async def backtests(connection: AsyncConnection, name: str | None = None) -> dict[tuple[str, int], BacktestRow]:
    """The latest of each version."""
    latest = select(func.max(BACKTEST.c.id)).group_by(BACKTEST.c.name, BACKTEST.c.version)
    if name is not None:
        latest = latest.where(BACKTEST.c.name == name)
    rows = await connection.execute(select(BACKTEST).where(BACKTEST.c.id.in_(latest)))
    return {(row.name, row.version): BacktestRow(**row._mapping) for row in rows}


async def pins(connection: AsyncConnection) -> list[PinRow]:
    """The models that people have put."""
    return [PinRow(**row._mapping) for row in await connection.execute(select(MODEL_PIN).order_by(MODEL_PIN.c.section))]


async def put_pin(connection: AsyncConnection, section: str, pin: PinRow | None) -> None:
    """One in the place of what was there; None takes it away."""
    await connection.execute(delete(MODEL_PIN).where(MODEL_PIN.c.section == section))
    if pin is not None:
        await connection.execute(insert(MODEL_PIN).values(**msgspec.structs.asdict(pin)))


async def in_force(connection: AsyncConnection, what: str, most: int) -> list[InForce]:
    """What was in force, latest first."""
    rows = select(IN_FORCE).where(IN_FORCE.c.what == what).order_by(IN_FORCE.c.since.desc(), IN_FORCE.c.id.desc()).limit(most)
    return [InForce(digest=row.digest, since=row.since, text=row.text, detail=row.detail) for row in await connection.execute(rows)]


async def put_in_force(connection: AsyncConnection, what: str, made: InForce) -> bool:
    """Write that it is in force, unless the latest says so; whether it was written."""
    latest = await in_force(connection, what, 1)
    if latest and latest[0].digest == made.digest:
        return False
    await connection.execute(insert(IN_FORCE).values(what=what, **msgspec.structs.asdict(made)))
    return True


async def add_days(connection: AsyncConnection, counts: Mapping[tuple[str, int, str, bool], int]) -> None:
    """Add counts by name, version, day and whether it was in shadow."""
    for (name, version, day, shadow), count in counts.items():
        of_it = (RULE_DAY.c.name == name) & (RULE_DAY.c.version == version) & (RULE_DAY.c.day == day) & (RULE_DAY.c.shadow == shadow)
        done = await connection.execute(update(RULE_DAY).where(of_it).values(count=RULE_DAY.c.count + count))
        if not done.rowcount:
            row = {"name": name, "version": version, "day": day, "shadow": shadow, "count": count, "amount_minor": 0}
            await connection.execute(insert(RULE_DAY).values(**row))


async def days(connection: AsyncConnection, names: Iterable[str], since: str) -> dict[tuple[str, int, str, bool], int]:
    """Counts of those names from a day on."""
    of_them = RULE_DAY.c.name.in_(list(names)) & (RULE_DAY.c.day >= since)
    rows = await connection.execute(select(RULE_DAY).where(of_them))
    return {(row.name, row.version, row.day, bool(row.shadow)): int(row._mapping["count"]) for row in rows}


def _version(row: Any) -> RuleVersion:
    return RuleVersion(**{name: getattr(row, name) for name in RuleVersion.__struct_fields__})
