"""Rules on the operator lane: their versions, backtests, and the ladder."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.ledger.ledger import LedgerAwayError
from ratelimit.ledger.rules import RuleVersion, Step
from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.backtests import Backtests
from ratelimit.review.ladder import Condition, conditions
from ratelimit.review.rule_draft import Drafts, read_text
from ratelimit.review.rule_error import NoRuleError, NotAllowedError, NotNowError, NotSoundError, RuleError
from ratelimit.review.rule_state import RuleState, found_of, measured
from ratelimit.review.rules import Promoted, Promotion, Rules
from ratelimit.service.rule_source import TextProblem
from ratelimit.web.body import MAX_BODY, read_body, undecodable
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

RULES: Final = "/v1/rules"
CHECK: Final = f"{RULES}/check"
RULE: Final = f"{RULES}/{{name}}"
VERSION: Final = f"{RULE}/versions/{{version}}"
BACKTEST: Final = f"{VERSION}/backtest"
PROMOTE: Final = f"{VERSION}/promote"
SHARE: Final = f"{VERSION}/share"
PAUSE: Final = f"{VERSION}/pause"
RESTORE: Final = f"{VERSION}/restore"
READ: Final = "rules:read"
WRITE: Final = "rules:write"

_LONGEST_NUMBER: Final = 9

Body = TypeVar("Body", bound=Struct)
Result = TypeVar("Result")


class RuleText(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as people write it: its name, and the text in YAML without it."""

    name: str
    text: str


class RuleDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as the policy's file has it, as data."""

    rule: dict[str, Any]


class RuleProblem(Struct, frozen=True):
    """What is wrong with a text, and where; lines and columns from 1."""

    line: int | None
    column: int | None
    text: str


class RuleChecked(Struct, frozen=True):
    """Every problem of a text; none: it can be saved."""

    problems: list[RuleProblem]


class BacktestAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Over how many of the last days."""

    days: int = 30


class BacktestView(Struct, frozen=True, kw_only=True):
    """How the latest backtest stands. `done` is the share that is done; `found` is of the version's text as it is now."""

    state: str
    done: float
    error: str
    found: BacktestFound | None
    at: float | None


class RuleWhy(Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is done."""

    why: str


class RuleShare(Struct, frozen=True, forbid_unknown_fields=True):
    """For which share of subjects, 0..1."""

    share: float


class VersionView(Struct, frozen=True, kw_only=True):
    """A version. `next` are the conditions of its next step; `wants` is the step that somebody has asked for."""

    version: int
    step: Step
    rule: dict[str, Any]
    share: float | None
    author: str
    made_at: float
    steps: dict[str, float]
    why: str | None
    wants: Step | None
    from_file: bool
    next: tuple[Condition, ...]


class RuleView(Struct, frozen=True, kw_only=True):
    """A rule: the numbers of its versions that are in force, tried or paused, and all versions, latest first."""

    name: str
    live: int | None
    candidate: int | None
    paused: int | None
    versions: list[VersionView]


class RulesView(Struct, frozen=True):
    """Every rule, by name."""

    rules: list[RuleView]


class PromotedView(Struct, frozen=True, kw_only=True):
    """What came of a change. `waits`: another person is to confirm it. `told`: the sidecars are told, else they will be."""

    version: VersionView
    waits: bool
    told: bool


class RuleCalls:
    """Shows rules, and takes what people want of them."""

    def __init__(self, rules: Rules, drafts: Drafts, backtests: Backtests, wall: Callable[[], float]) -> None:
        self._rules, self._drafts, self._backtests, self._wall = rules, drafts, backtests, wall

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", RULES, self.list, role="viewer", scope=READ),
            Route("POST", RULES, self.draft, role="analyst", scope=WRITE),
            Route("POST", CHECK, self.check, role="viewer", scope=READ),
            Route("GET", RULE, self.get, role="viewer", scope=READ),
            Route("DELETE", VERSION, self.drop, role="analyst", scope=WRITE),
            Route("GET", BACKTEST, self.tested, role="viewer", scope=READ),
            Route("POST", BACKTEST, self.test, role="analyst", scope=WRITE),
            Route("DELETE", BACKTEST, self.leave, role="analyst", scope=WRITE),
            Route("POST", PROMOTE, self.promote, role="analyst", scope=WRITE),
            Route("POST", SHARE, self.share, role="admin", scope=WRITE),
            Route("POST", PAUSE, self.pause, role="analyst", scope=WRITE),
            Route("POST", RESTORE, self.restore, role="admin", scope=WRITE),
        ]

    async def list(self, _request: web.Request) -> Reply:
        """All of them."""
        states = await said(self._rules.all())
        return json_reply(200, RulesView([self._view(state) for state in states]))

    async def get(self, request: web.Request) -> Reply:
        """One."""
        return json_reply(200, self._view(await said(self._rules.get(request.match_info["name"]))))

    async def check(self, request: web.Request) -> Reply:
        """What is wrong with a text."""
        asked = await asked_of(request, RuleText)
        return json_reply(200, RuleChecked([RuleProblem(*problem) for problem in problems_of(asked.name, asked.text)]))

    async def draft(self, request: web.Request) -> Reply:
        """Write a version."""
        asked, who = await asked_of(request, RuleDraft), request[PRINCIPAL]
        name = asked.rule.get("name")
        if not isinstance(name, str):
            raise ClientError(422, "$.rule.name: is missing, or no text; expected the rule's name", path="$.rule.name")
        made = await said(self._drafts.draft_rule(who, name, asked.rule))
        state = await said(self._rules.get(made.name))
        return json_reply(201, self._version(state, made))

    async def drop(self, request: web.Request) -> Reply:
        """Take a draft away."""
        name, version = _named(request)
        await said(self._drafts.drop(request[PRINCIPAL], name, version))
        return Reply(204)

    async def tested(self, request: web.Request) -> Reply:
        """How the latest backtest stands."""
        name, number = _named(request)
        state = await said(self._rules.get(name))
        version = _version_of(state, number)
        running, row = self._backtests.of(name), state.tested.get(number)
        if running is not None and running.version != number:
            running = None
        found = found_of(version, row) if running is None or running.state == "done" else None
        at = row.at if row is not None and found is not None else None
        if running is not None:
            view = BacktestView(state=running.state, done=running.done, error=running.error, found=found, at=at)
        else:
            view = BacktestView(state="done" if found else "none", done=1.0 if found else 0.0, error="", found=found, at=at)
        return json_reply(200, view)

    async def test(self, request: web.Request) -> Reply:
        """Begin one."""
        name, version = _named(request)
        asked = await asked_of(request, BacktestAsked)
        running = await said(self._backtests.start(request[PRINCIPAL], name, version, asked.days))
        return json_reply(202, BacktestView(state=running.state, done=running.done, error="", found=None, at=None))

    async def leave(self, request: web.Request) -> Reply:
        """Leave the one that is under way."""
        name, _ = _named(request)
        self._backtests.leave(name)
        return Reply(204)

    async def promote(self, request: web.Request) -> Reply:
        """Take a version to its next step, or ask for it."""
        name, version = _named(request)
        asked = await asked_of(request, Promotion)
        return await self._promoted(self._rules.promote(request[PRINCIPAL], name, version, asked))

    async def share(self, request: web.Request) -> Reply:
        """Have a canary in force for another share."""
        name, version = _named(request)
        asked = await asked_of(request, RuleShare)
        return await self._promoted(self._rules.share(request[PRINCIPAL], name, version, asked.share))

    async def pause(self, request: web.Request) -> Reply:
        """Take a version out of force."""
        name, version = _named(request)
        asked = await asked_of(request, RuleWhy)
        return await self._promoted(self._rules.pause(request[PRINCIPAL], name, version, asked.why))

    async def restore(self, request: web.Request) -> Reply:
        """Put an earlier version, or a paused one, in force again."""
        name, version = _named(request)
        asked = await asked_of(request, RuleWhy)
        return await self._promoted(self._rules.restore(request[PRINCIPAL], name, version, asked.why))

    async def _promoted(self, work: Awaitable[Promoted]) -> Reply:
        done = await said(work)
        state = await said(self._rules.get(done.version.name))
        return json_reply(200, PromotedView(version=self._version(state, done.version), waits=done.waits, told=done.told))

    def _view(self, state: RuleState) -> RuleView:
        live, candidate, paused = (it.version if it is not None else None for it in (state.live, state.candidate, state.paused))
        versions = [self._version(state, it) for it in state.versions]
        return RuleView(name=state.name, live=live, candidate=candidate, paused=paused, versions=versions)

    def _version(self, state: RuleState, it: RuleVersion) -> VersionView:
        steps = () if it.from_file else conditions(it, measured(it, state.tested.get(it.version)), self._wall())
        return VersionView(
            version=it.version,
            step=it.step,
            rule=it.rule,
            share=it.canary,
            author=it.by_login,
            made_at=it.at,
            steps=it.steps,
            why=it.why,
            wants=it.wants,
            from_file=it.from_file,
            next=steps,
        )


def problems_of(name: str, text: str) -> tuple[TextProblem, ...]:
    """Every problem of a rule's text."""
    try:
        read_text(name, text)
    except NotSoundError as error:
        return error.problems
    return ()


async def said(work: Awaitable[Result]) -> Result:
    """What came of it, or the problem why nothing did."""
    try:
        return await work
    except NoRuleError as error:
        raise ClientError(404, str(error)) from None
    except NotNowError as error:
        raise ClientError(409, str(error)) from None
    except NotAllowedError as error:
        raise ClientError(403, str(error)) from None
    except RuleError as error:
        raise ClientError(422, str(error)) from None
    except LedgerAwayError:
        raise ClientError(503, "the ledger's database is away, and nothing was changed; rules in force stay so, try again") from None


def _version_of(state: RuleState, number: int) -> RuleVersion:
    try:
        return state.version(number)
    except NoRuleError as error:
        raise ClientError(404, str(error)) from None


def _named(request: web.Request) -> tuple[str, int]:
    name, text = request.match_info["name"], request.match_info["version"]
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise ClientError(404, "there is no such version; versions are numbered from 1")
    return name, int(text)


async def asked_of(request: web.Request, shape: type[Body]) -> Body:
    """The body as that shape; raises ClientError."""
    body = await read_body(request, MAX_BODY)
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise undecodable(request, body, error, shape) from None
