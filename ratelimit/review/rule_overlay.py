"""Keeps what lies on the policy's rules the same in the store as in the ledger, and the rules of the policy's file among the versions.

The ledger is the truth. Before it is read the store's revision is, and what is written replaces that revision alone: so nobody who is late
puts an older state in the place of a newer one. A store that was emptied is written again within two seconds.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.errors import ConfigError
from ratelimit.core.overlay import Overlay, Pin, Placed, encode_overlay, overlaid, read_of, reading, revision_of, writing
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import Store
from ratelimit.core.rule import Rule
from ratelimit.core.rule_text import plain_rule
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.rules import (
    POLICY_FILE,
    WHAT_POLICY,
    InForce,
    RuleVersion,
    Step,
    add_version,
    change_version,
    pins,
    put_in_force,
    versions,
)
from ratelimit.service.ask import StoreAwayError, ask

LOOK_EVERY_S: Final = 2.0
_TRIES: Final = 8

_log = structlog.get_logger()


class RuleOverlay:
    """`policy` is the file's, as it is in force below the overlay. `problems` say why the overlay is not in the store."""

    def __init__(self, ledger: Ledger, store: Store, policy: Callable[[], Policy], wall: Callable[[], float]) -> None:
        self.problems: list[str] = []
        self.overlay = Overlay()  # as it was last written or found
        self._ledger, self._store, self._policy, self._wall = ledger, store, policy, wall
        self._effective: tuple[Policy | None, Policy | None] = (None, None)  # the file's, and what is in force with it
        self._noted = ""  # the digest of what was written down to be in force
        self._synced = ""  # the digest of the file whose rules are among the versions

    async def publish(self) -> bool:
        """Have the store hold what the ledger says; whether it does. Raises LedgerAwayError."""
        try:
            for _ in range(_TRIES):
                if await self._write():
                    return True
        except StoreAwayError:
            return False
        except ConfigError as error:
            if self.problems != error.problems:
                _log.error("the overlay of rules is not sound, and is not written", problems=error.problems)
            self.problems = error.problems
        return False

    async def look(self) -> None:
        """Put right whatever is not: the file's rules among the versions, and the store. Raises LedgerAwayError."""
        policy = self._policy()
        if policy.digest != self._synced:
            await self.sync(policy)
            self._synced = policy.digest
        if await self.publish():
            await self._note(policy)

    def in_force(self, policy: Policy) -> Policy:
        """That policy of the file with what lies on it, as far as is known."""
        below, effective = self._effective
        return effective if below is policy and effective is not None else policy

    async def _note(self, policy: Policy) -> None:
        """Write down which policy is in force, once: records name it by its digest."""
        effective = await asyncio.to_thread(overlaid, policy, self.overlay)
        self._effective = policy, effective
        if effective.digest == self._noted:
            return
        text = msgspec.json.format(msgspec.json.encode(effective.file), indent=1).decode()
        detail = {"file": policy.digest, "overlay": effective.overlay, "source": policy.source}
        async with self._ledger.write() as connection:
            await put_in_force(connection, WHAT_POLICY, InForce(digest=effective.digest, since=self._wall(), text=text, detail=detail))
        self._noted = effective.digest

    async def run(self) -> None:
        """Look for ever."""
        while True:
            with contextlib.suppress(LedgerAwayError):
                await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def sync(self, policy: Policy) -> None:
        """Write down the rules of the policy's file as versions that came from there."""
        now = self._wall()
        async with self._ledger.write() as connection:
            rows = await versions(connection, lock=True)
            rules = {rule.name: rule for rule in policy.file.rules}
            for name in sorted({*rules, *(row.name for row in rows if row.from_file and row.step != "replaced")}):
                await _sync_rule(connection, name, rules.get(name), [row for row in rows if row.name == name], now)

    async def _write(self) -> bool:
        (answer,) = await ask(self._store, [reading("")])
        policy = self._policy()
        before, _ = read_of(answer)
        async with self._ledger.read() as connection:
            rows, put = await versions(connection), await pins(connection)
        made = Overlay(
            tuple(_placed(rows, _plain_rules(policy))),
            tuple(Pin(section=it.section, model=it.model, challenger=it.challenger, over=it.over) for it in put),
        )
        document = encode_overlay(made)
        if before != revision_of(document):
            await asyncio.to_thread(overlaid, policy, made)
            ((done, _),) = await ask(self._store, [writing(before, document)])
            if not done:
                return False
        self.overlay, self.problems = made, []
        return True


def _plain_rules(policy: Policy) -> dict[str, dict[str, Any]]:
    return {rule.name: plain_rule(rule) for rule in policy.file.rules}


def _placed(rows: Iterable[RuleVersion], in_file: Mapping[str, dict[str, Any]]) -> Iterable[Placed]:
    for row in sorted(rows, key=lambda row: (row.name, row.version)):
        if row.step == "paused":
            yield Placed(name=row.name, version=row.version, place="paused")
        elif row.from_file and (row.step == "replaced" or in_file.get(row.name) == row.rule):
            continue
        elif row.step == "live" or row.from_file:  # one of an earlier file may be live again
            yield Placed(name=row.name, version=row.version, place="live", rule=row.rule)
        elif row.step in {"shadow", "canary"}:
            yield Placed(name=row.name, version=row.version, place="candidate", rule=row.rule | _mode(row))


def _mode(row: RuleVersion) -> dict[str, Any]:
    return {"mode": "shadow"} if row.step == "shadow" else {"canary": row.canary if row.canary is not None else 1.0}


async def _sync_rule(connection: AsyncConnection, name: str, rule: Rule | None, rows: list[RuleVersion], now: float) -> None:
    known = next((row for row in rows if row.from_file), None)  # latest first
    over = next((row for row in rows if row.step == "paused" or (row.step == "live" and row is not known)), None)
    if rule is None:
        if known is not None and known.step != "replaced":
            await _replace(connection, known, now)
        return
    plain = plain_rule(rule)
    if known is not None and known.rule == plain and (known.step != "replaced" or over is not None):
        return
    if known is not None and known.step not in {"replaced", "paused"}:
        await _replace(connection, known, now)
    step: Step = "replaced" if over is not None else _step_of(rule)
    number = max((row.version for row in rows), default=0) + 1
    made = RuleVersion(
        id=0,
        name=name,
        version=number,
        rule=plain,
        step=step,
        canary=rule.canary if step == "canary" else None,
        by=0,
        by_login=POLICY_FILE,
        at=now,
        step_at=now,
        steps={step: now},
        why=None,
        wants=None,
        wanted_by=None,
        from_file=True,
    )
    await add_version(connection, made)


def _step_of(rule: Rule) -> Step:
    if rule.mode == "shadow":
        return "shadow"
    return "canary" if rule.canary < 1 else "live"


async def _replace(connection: AsyncConnection, row: RuleVersion, now: float) -> None:
    await change_version(connection, row.id, step="replaced", step_at=now, steps={**row.steps, "replaced": now})
