"""A rule as it stands: its versions, what they were tested on, and which of them is in force."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.principal import Principal
from ratelimit.ledger.rules import BacktestRow, RuleVersion, backtests, versions
from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.ladder import Measured
from ratelimit.review.rule_error import NoRuleError

_DIGEST_BYTES: Final = 16


class RuleState(Struct, frozen=True, kw_only=True):
    """A rule as it stands: all its versions, latest first, and the latest backtest of each."""

    name: str
    versions: tuple[RuleVersion, ...]
    tested: dict[int, BacktestRow]

    def version(self, number: int) -> RuleVersion:
        """One of them; raises NoRuleError."""
        found = next((it for it in self.versions if it.version == number), None)
        if found is None:
            raise NoRuleError(f"{self.name} has no version {number}; its latest is {self.versions[0].version}.")
        return found

    @property
    def live(self) -> RuleVersion | None:
        """The version in force for all, or in the way in which the policy's file has it."""
        return next((it for it in self.versions if it.step == "live" or (it.from_file and it.step in {"shadow", "canary"})), None)

    @property
    def candidate(self) -> RuleVersion | None:
        """The version that is tried beside it, in shadow or for a share."""
        return next((it for it in self.versions if it.step in {"shadow", "canary"} and not it.from_file), None)

    @property
    def paused(self) -> RuleVersion | None:
        """The version that is out of force until somebody resumes it."""
        return next((it for it in self.versions if it.step == "paused"), None)

    @property
    def main(self) -> RuleVersion:
        """The one that people look at first: what is worked on, else what is tried, else what is in force, else the latest."""
        latest = self.versions[0]
        return latest if latest.open else self.candidate or self.live or self.paused or latest


def state_of(name: str, rows: list[RuleVersion], tests: Mapping[tuple[str, int], BacktestRow]) -> RuleState:
    """The rule with those versions, of which there is one at least."""
    of_it = sorted((row for row in rows if row.name == name), key=lambda row: -row.version)
    return RuleState(name=name, versions=tuple(of_it), tested={version: it for (rule, version), it in tests.items() if rule == name})


async def stands(connection: AsyncConnection, name: str, *, lock: bool = False) -> RuleState:
    """A rule as it stands; raises NoRuleError."""
    rows = await versions(connection, name, lock=lock)
    if not rows:
        raise NoRuleError(f"There is no rule {name[:64]!r}; it may never have been there, or its only draft was dropped.")
    return state_of(name, rows, await backtests(connection, name))


def person(who: Principal) -> int:
    """Their id; 0 of a token, which is nobody's second person."""
    return who.id if who.via == "session" else 0


def digest_of(version: RuleVersion) -> bytes:
    """Of what it says: a backtest of another text is none of it."""
    return blake2b(msgspec.json.encode(version.rule, order="sorted"), digest_size=_DIGEST_BYTES).digest()


def found_of(version: RuleVersion, tested: BacktestRow | None) -> BacktestFound | None:
    """What its latest backtest found; None where there is none of this very text."""
    if tested is None or tested.digest != digest_of(version):
        return None
    return msgspec.convert(tested.found, BacktestFound)


def measured(version: RuleVersion, tested: BacktestRow | None) -> Measured:
    """What the ladder asks about."""
    found = found_of(version, tested)
    if found is None:
        return Measured()
    return Measured(fraud=found.fraud, good=found.good, good_a_day=found.good_a_day, tested=True)
