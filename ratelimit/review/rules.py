"""What people do about rules: write versions, take them up the ladder step by step, pause them, roll back.

Each change is one transaction with its entry in the audit. Then the sidecars are told; should the store be away, whoever keeps the overlay
tells them later. An analyst writes, tests and puts into shadow; an admin decides what is in force. A block comes live by two people.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.overlay import candidate_name
from ratelimit.core.principal import OPERATOR_ID, Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import RuleVersion, Step, backtests, change_version, versions
from ratelimit.review import audit
from ratelimit.review.ladder import Condition, conditions, locks_out, next_step, shares_of, unmet
from ratelimit.review.rule_error import NotAllowedError, NotNowError, RuleError
from ratelimit.review.rule_overlay import RuleOverlay
from ratelimit.review.rule_state import RuleState, measured, person, stands, state_of
from ratelimit.review.second import why_not_second

LEAST_WHY: Final = 10  # characters
MOST_WHY: Final = 500


class Promotion(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`step` is the one that whoever asks has seen it at, `to` the next one; `share` of subjects goes with a canary.

    `why` is needed where conditions are passed over.
    """

    step: Step
    to: Step
    share: float | None = None
    why: str = ""


class Promoted(Struct, frozen=True):
    """What came of it. `waits`: another person is to confirm it. `told`: the sidecars are told; else they will be."""

    version: RuleVersion
    waits: bool
    told: bool


Lift = Callable[[frozenset[str]], Awaitable[None]]


class Rules:
    """`wall` is seconds since the epoch. `lift` takes away what rules let stand that are taken out of force."""

    def __init__(self, ledger: Ledger, overlay: RuleOverlay, wall: Callable[[], float], lift: Lift | None = None) -> None:
        self._ledger, self._overlay, self._wall, self._lift = ledger, overlay, wall, lift

    async def all(self) -> list[RuleState]:
        """Every rule, by name."""
        async with self._ledger.read() as connection:
            rows, tests = await versions(connection), await backtests(connection)
        names = dict.fromkeys(row.name for row in rows)
        return [state_of(name, rows, tests) for name in names]

    async def get(self, name: str) -> RuleState:
        """One; raises NoRuleError."""
        async with self._ledger.read() as connection:
            return await stands(connection, name)

    async def promote(self, who: Principal, name: str, number: int, asked: Promotion) -> Promoted:
        """Take a version to the next step, or ask for it."""
        now = self._wall()
        async with self._ledger.write() as connection:
            state = await stands(connection, name, lock=True)
            version = state.version(number)
            _check_step(version, asked)
            share = _share(asked, version)
            found = conditions(version, measured(version, state.tested.get(number)), now)
            waits = _must_wait(who, version, asked.to)
            if not waits and _takes_two(version, asked.to):
                await _check_second(connection, who, version, now)
            over = _passed_over(who, asked, found, waits=waits)
            if waits:
                await change_version(connection, version.id, wants=asked.to, wanted_by=person(who), canary=share)
                kind = "rule.wanted"
            else:
                await self._move(connection, state, version, asked.to, now, share=share, why=asked.why)
                kind = "rule.promoted"
            content = {
                "rule": name,
                "version": number,
                "from": version.step,
                "to": asked.to,
                "share": share,
                "why": asked.why,
                "over": over,
            }
            await audit.append(connection, who.login, kind, content, at=now)
        return await self._done(name, number, waits=waits)

    async def share(self, who: Principal, name: str, number: int, share: float) -> Promoted:
        """Have a canary in force for another share of subjects."""
        now = self._wall()
        _need_admin(who, "changes a canary's share")
        async with self._ledger.write() as connection:
            version = (await stands(connection, name, lock=True)).version(number)
            if version.step != "canary":
                raise NotNowError(f"Not changed: version {number} of {name} is at the step {version.step}, not in canary.")
            if share not in shares_of(version):
                raise RuleError(f"Not changed: {share:g} is no share that is offered; expected one of {_offered(version)}.")
            await change_version(connection, version.id, canary=share)
            await audit.append(connection, who.login, "rule.share", {"rule": name, "version": number, "share": share}, at=now)
        return await self._done(name, number)

    async def pause(self, who: Principal, name: str, number: int, why: str) -> Promoted:
        """Take a version out of force: what is tried goes back to where it was tested, what is live is paused."""
        now = self._wall()
        _need_why(why, "paused")
        async with self._ledger.write() as connection:
            state = await stands(connection, name, lock=True)
            version = state.version(number)
            if version is state.candidate:
                to: Step = "backtest"
            elif version is state.live:
                _need_admin(who, "pauses what is live")
                to = "paused"
            else:
                raise NotNowError(f"Not paused: version {number} of {name} is not in force.")
            await _put(connection, version, to, now, why=why)
            content = {"rule": name, "version": number, "from": version.step, "why": why}
            await audit.append(connection, who.login, "rule.paused", content, at=now)
        return await self._done(name, number, lifted=candidate_name(name, number) if to == "backtest" else name)

    async def restore(self, who: Principal, name: str, number: int, why: str) -> Promoted:
        """Put a version in force again that once was: one that is paused, or an earlier one in the place of what is live."""
        now = self._wall()
        _need_admin(who, "puts an earlier version in force")
        _need_why(why, "rolled back")
        async with self._ledger.write() as connection:
            state = await stands(connection, name, lock=True)
            version = state.version(number)
            if version.step not in {"replaced", "paused"} or not ("live" in version.steps or version.from_file):
                raise NotNowError(f"Not rolled back: version {number} of {name} was never live.")
            await self._move(connection, state, version, "live", now, why=why)
            content = {"rule": name, "version": number, "from": version.step, "why": why}
            await audit.append(connection, who.login, "rule.rolled_back", content, at=now)
        return await self._done(name, number, lifted=name)

    async def back(self, name: str, number: int, why: str) -> None:
        """A canary goes back to shadow by itself."""
        now = self._wall()
        async with self._ledger.write() as connection:
            version = (await stands(connection, name, lock=True)).version(number)
            if version.step != "canary":
                return
            await _put(connection, version, "shadow", now, why=why)
            await audit.append(connection, "canary", "rule.rolled_back", {"rule": name, "version": number, "why": why}, at=now)
        await self._told(candidate_name(name, number))

    async def _move(  # noqa: PLR0913  what a step is
        self,
        connection: AsyncConnection,
        state: RuleState,
        version: RuleVersion,
        to: Step,
        now: float,
        *,
        why: str,
        share: float | None = None,
    ) -> None:
        others = {"live": (state.live, state.paused), "shadow": (state.candidate,), "canary": (state.candidate,)}.get(to, ())
        for other in others:
            if other is not None and other.id != version.id:
                await _put(connection, other, "replaced" if to == "live" else "backtest", now, why=None)
        await _put(connection, version, to, now, why=why, share=share)

    async def _done(self, name: str, number: int, *, waits: bool = False, lifted: str | None = None) -> Promoted:
        told = True if waits else await self._told(lifted)
        return Promoted((await self.get(name)).version(number), waits, told)

    async def _told(self, lifted: str | None) -> bool:
        told = await self._overlay.publish()
        if lifted is not None and self._lift is not None:
            await self._lift(frozenset({lifted}))
        return told


def _check_step(version: RuleVersion, asked: Promotion) -> None:
    if version.step != asked.step:
        raise NotNowError(f"Not promoted: version {version.version} is at the step {version.step} by now, not {asked.step}. Look again.")
    if asked.to != next_step(version.step) or version.from_file:
        raise NotNowError(f"Not promoted: from {version.step} the ladder does not lead to {asked.to}.")


def _share(asked: Promotion, version: RuleVersion) -> float | None:
    if asked.to != "canary":
        return None
    if asked.share not in shares_of(version):
        raise RuleError(f"Not promoted: a canary needs a share of subjects, one of {_offered(version)}.")
    return asked.share


def _offered(version: RuleVersion) -> str:
    return ", ".join(f"{it:g}" for it in shares_of(version))


def _must_wait(who: Principal, version: RuleVersion, to: Step) -> bool:
    """Whether another person is needed: an admin; and for a block that comes live one who did not write it."""
    if to not in {"canary", "live"}:
        return False
    if not who.may("admin"):
        return True
    if not _takes_two(version, to):
        return False
    if who.via != "session":
        raise NotAllowedError("Not promoted: that a rule blocks is confirmed by a person, not by a token.")
    if version.by not in {0, who.id}:
        return False
    if version.wants == to and version.wanted_by == who.id:
        raise NotAllowedError("Not promoted: you asked for it. Another admin confirms it, who did not write it.")
    return version.by == who.id or version.wants != to or not version.wanted_by


def _takes_two(version: RuleVersion, to: Step) -> bool:
    return to == "live" and locks_out(version)


async def _check_second(connection: AsyncConnection, who: Principal, version: RuleVersion, now: float) -> None:
    """Whether who confirms is somebody else than who wrote it; of what a token wrote, than who asked for it."""
    why_not = await why_not_second(connection, who, version.by or version.wanted_by or OPERATOR_ID, now)
    if why_not:
        raise NotAllowedError(f"Not promoted: {why_not}.")


def _passed_over(who: Principal, asked: Promotion, found: tuple[Condition, ...], *, waits: bool) -> list[str]:
    """The conditions that are passed over, with the reason that this needs."""
    open_ones = unmet(found)
    if hard := [it for it in open_ones if it.hard]:
        raise RuleError(f"Not promoted: {hard[0].text[:1].lower()}{hard[0].text[1:]} is needed ({hard[0].value}).")
    if not open_ones:
        return []
    missing = "; ".join(f"{it.text}: {it.value}" for it in open_ones)
    if not who.may("admin") and not waits:
        raise NotAllowedError(f"Not promoted: {missing}. An admin can pass over it.")
    if len(asked.why.strip()) < LEAST_WHY:
        raise RuleError(f"Not promoted: {missing}. Say why it should be promoted all the same, in {LEAST_WHY} characters or more.")
    return [it.text for it in open_ones]


def _need_admin(who: Principal, does: str) -> None:
    if not who.may("admin"):
        raise NotAllowedError(f"Not done: only an admin {does}.")


def _need_why(why: str, done: str) -> None:
    if not LEAST_WHY <= len(why.strip()) <= MOST_WHY:
        raise RuleError(f"Not {done}: say why, in {LEAST_WHY} to {MOST_WHY} characters.")


async def _put(
    connection: AsyncConnection, version: RuleVersion, to: Step, now: float, *, why: str | None, share: float | None = None
) -> None:
    steps = {**version.steps, to: now}
    await change_version(
        connection, version.id, step=to, step_at=now, steps=steps, canary=share, why=why or None, wants=None, wanted_by=None
    )
