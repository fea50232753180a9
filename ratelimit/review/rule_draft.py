"""Writing versions of rules: each is judged as one of the policy's file is, and what was in force once is never written over."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.policy_file import parse_rule
from ratelimit.core.principal import Principal
from ratelimit.core.rule import Rule
from ratelimit.core.rule_text import plain_rule
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import RuleVersion, add_version, change_version, drop_version, versions
from ratelimit.review import audit
from ratelimit.review.rule_error import NotAllowedError, NotNowError, NotSoundError, RuleError
from ratelimit.review.rule_state import person, stands
from ratelimit.service.rule_source import TextProblem, read_rule, rule_problems

LONGEST_NAME: Final = 48  # a candidate's has its version behind it, in a column of 64
_OF_LADDER: Final = ("mode", "canary")


class Drafts:
    """`wall` is seconds since the epoch."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._ledger, self._wall = ledger, wall

    async def draft(self, who: Principal, name: str, text: str) -> RuleVersion:
        """A new version with that text, or the text of the version that is being worked on."""
        return await self._draft(who, name, read_text(name, text))

    async def draft_rule(self, who: Principal, name: str, data: Mapping[str, Any]) -> RuleVersion:
        """The same of a rule that is plain data."""
        return await self._draft(who, name, checked_rule(name, data))

    async def _draft(self, who: Principal, name: str, rule: Rule) -> RuleVersion:
        now, plain = self._wall(), plain_rule(rule)
        async with self._ledger.write() as connection:
            before = await versions(connection, name, lock=True)
            if before and before[0].rule.get("on") != plain["on"]:
                raise RuleError(f"Not saved: {name} is on {before[0].rule.get('on')}s. Give a rule on {plain['on']}s another name.")
            if before and before[0].open and before[0].by_login == who.login:
                made = await _edited(connection, before[0], plain, now)
            else:
                made = await _added(connection, name, before, plain, who, now)
            content = {"rule": name, "version": made.version, "text": plain}
            await audit.append(connection, who.login, "rule.drafted", content, at=now)
        return made

    async def drop(self, who: Principal, name: str, number: int) -> None:
        """Take a version away that never was in force; its author's or an admin's to do."""
        now = self._wall()
        async with self._ledger.write() as connection:
            version = (await stands(connection, name, lock=True)).version(number)
            if not version.open:
                raise NotNowError(f"Not dropped: version {number} of {name} is at the step {version.step}; only drafts can be dropped.")
            if version.by_login != who.login and not who.may("admin"):
                raise NotAllowedError(f"Not dropped: {version.by_login} wrote it; they or an admin can drop it.")
            await drop_version(connection, version.id)
            await audit.append(connection, who.login, "rule.dropped", {"rule": name, "version": number}, at=now)


async def _edited(connection: AsyncConnection, before: RuleVersion, plain: dict[str, Any], now: float) -> RuleVersion:
    steps = {"draft": now}
    await change_version(connection, before.id, rule=plain, step="draft", step_at=now, steps=steps, wants=None, wanted_by=None)
    return replace(before, rule=plain, step="draft", step_at=now, steps=steps, wants=None, wanted_by=None)


async def _added(
    connection: AsyncConnection, name: str, before: list[RuleVersion], plain: dict[str, Any], who: Principal, now: float
) -> RuleVersion:
    made = RuleVersion(
        id=0,
        name=name,
        version=before[0].version + 1 if before else 1,
        rule=plain,
        step="draft",
        canary=None,
        by=person(who),
        by_login=who.login,
        at=now,
        step_at=now,
        steps={"draft": now},
        why=None,
        wants=None,
        wanted_by=None,
        from_file=False,
    )
    return replace(made, id=await add_version(connection, made))


def read_text(name: str, text: str) -> Rule:
    """The rule with that text; raises NotSoundError."""
    found = read_rule(name, text)
    if found.rule is None:
        raise NotSoundError(found.problems)
    if problems := [*_name_problems(name), *_ladder_problems(found.rule)]:
        raise NotSoundError(problems)
    return found.rule


def checked_rule(name: str, data: Mapping[str, Any]) -> Rule:
    """The same of plain data."""
    if wrong := rule_problems(name, data):
        raise NotSoundError([TextProblem(None, None, it) for it in wrong])
    rule = parse_rule({**data, "name": name}, "rule")
    if problems := [*_name_problems(name), *_ladder_problems(rule)]:
        raise NotSoundError(problems)
    return rule


def _name_problems(name: str) -> list[TextProblem]:
    if len(name) <= LONGEST_NAME:
        return []
    return [TextProblem(None, None, f"name: has {len(name)} characters; expected at most {LONGEST_NAME}")]


def _ladder_problems(rule: Rule) -> list[TextProblem]:
    said = [name for name in _OF_LADDER if name in plain_rule(rule)]
    return [TextProblem(None, None, f"{name}: is said by the rule's step; expected none in the text") for name in said]
