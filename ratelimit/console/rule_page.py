"""The page of one rule, and what people do about its versions there."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct

from ratelimit.console.form import FormError, read
from ratelimit.console.reach import Reaches
from ratelimit.console.render import Console, Toast
from ratelimit.console.rule_view import rule_view
from ratelimit.console.rules import RULES
from ratelimit.ledger.rules import Step
from ratelimit.review.backtests import Backtests
from ratelimit.review.rule_dossier import RuleFacts
from ratelimit.review.rule_draft import Drafts
from ratelimit.review.rules import Promoted, Promotion, Rules
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.rules import said

_SAID_THERE: Final = frozenset({403, 409, 422})  # on the page itself

Model = TypeVar("Model", bound=Struct)

RULE: Final = f"{RULES}/{{name}}"
_DONE: Final = {
    "saved": ("Saved as a draft.", "It is in force nowhere"),
    "shadow": ("In shadow.", "Decided and recorded, not enforced"),
    "canary": ("In canary.", "For its share of subjects"),
    "live": ("Live.", ""),
    "backtest": ("Taken back.", "It is in force nowhere"),
    "paused": ("Paused.", "It is out of force"),
    "replaced": ("Replaced.", ""),
    "draft": ("Changed.", ""),
    "asked": ("Asked for.", "Another admin confirms it"),
    "later": ("Done.", "The store is away: sidecars are told as soon as it is back"),
    "dropped": ("Dropped.", ""),
}
_HEARD_OF: Final = frozenset({"shadow", "canary", "live", "backtest", "paused", "replaced"})  # those that sidecars hear of


class PromoteForm(Struct, frozen=True):
    """As the panel of the next step has it."""

    step: Step
    to: Step
    share: float | None = None
    why: str = ""


class WhyForm(Struct, frozen=True):
    """Why it is done."""

    why: str = ""


class ShareForm(Struct, frozen=True):
    """For which share of subjects."""

    share: float


class DaysForm(Struct, frozen=True):
    """Over how many of the last days."""

    days: int = 30


class RulePage:
    """Answers with it."""

    def __init__(
        self, console: Console, rules: Rules, drafts: Drafts, backtests: Backtests, facts: RuleFacts, reaches: Reaches | None = None
    ) -> None:
        self._console, self._rules, self._drafts, self._backtests, self._facts = console, rules, drafts, backtests, facts
        self._reaches = reaches

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        acts: list[tuple[str, Callable[[web.Request], Awaitable[Reply]]]] = [
            ("promote", self.promote),
            ("share", self.share),
            ("pause", self.pause),
            ("restore", self.restore),
            ("drop", self.drop),
            ("backtest", self.test),
            ("backtest/leave", self.leave),
        ]
        return [
            Route("GET", RULE, self.page, role="viewer", page=True),
            Route("GET", f"{RULE}/{{version}}/backtest", self.progress, role="viewer", page=True),
            *(Route("POST", f"{RULE}/{{version}}/{path}", handle, role="analyst", page=True) for path, handle in acts),
        ]

    async def page(self, request: web.Request) -> Reply:
        """One version of it, by default the one that matters."""
        name, text = request.match_info["name"], request.query.get("version", "")
        done = _DONE.get(request.query.get("done", ""))
        toast = Toast(*done) if done is not None else None
        if toast is not None and self._reaches is not None and request.query["done"] in _HEARD_OF:
            toast = await self._reaches.told_of_rules(toast)
        return await self._shown(request, name, _number(text) if text else None, toast=toast)

    async def _shown(
        self, request: web.Request, name: str, number: int | None, *, toast: Toast | None = None, failing: str = "", status: int = 200
    ) -> Reply:
        dossier = await said(self._facts.one(name, number))
        running, console = self._backtests.of(name), self._console
        view = rule_view(dossier, running, request[PRINCIPAL], console.now(), console.clock, failing)
        return await console.page(request, "rule.html", view, section="Rules", title=name, toast=toast, status=status)

    async def progress(self, request: web.Request) -> Reply:
        """How far a backtest is; when it has ended the page is to be asked for again."""
        name, number = _named(request)
        running = self._backtests.of(name)
        if running is not None and running.version == number and running.under_way:
            return await self._console.part(request, "rule/running.html", running)
        return Reply(200, lines({"HX-Redirect": _address(name, number), "Content-Type": "text/html", "Cache-Control": "no-store"}))

    async def test(self, request: web.Request) -> Reply:
        """Begin a backtest."""
        name, number = _named(request)
        asked = await _form(request, DaysForm)
        try:
            await said(self._backtests.start(request[PRINCIPAL], name, number, asked.days))
        except ClientError as error:
            if error.problem.status not in _SAID_THERE:
                raise
            return await self._shown(request, name, number, failing=str(error), status=error.problem.status)
        return _to(_address(name, number) + "#backtest")

    async def leave(self, request: web.Request) -> Reply:
        """Leave it."""
        name, number = _named(request)
        self._backtests.leave(name)
        return _to(_address(name, number))

    async def promote(self, request: web.Request) -> Reply:
        """Take a version to its next step, or ask for it."""
        name, number = _named(request)
        asked = await _form(request, PromoteForm)
        promotion = Promotion(step=asked.step, to=asked.to, share=asked.share, why=asked.why)
        return await self._done(request, self._rules.promote(request[PRINCIPAL], name, number, promotion))

    async def share(self, request: web.Request) -> Reply:
        """Another share for a canary."""
        name, number = _named(request)
        asked = await _form(request, ShareForm)
        return await self._done(request, self._rules.share(request[PRINCIPAL], name, number, asked.share))

    async def pause(self, request: web.Request) -> Reply:
        """Take a version out of force."""
        name, number = _named(request)
        asked = await _form(request, WhyForm)
        return await self._done(request, self._rules.pause(request[PRINCIPAL], name, number, asked.why))

    async def restore(self, request: web.Request) -> Reply:
        """Put an earlier version in force again."""
        name, number = _named(request)
        asked = await _form(request, WhyForm)
        return await self._done(request, self._rules.restore(request[PRINCIPAL], name, number, asked.why))

    async def drop(self, request: web.Request) -> Reply:
        """Take a draft away."""
        name, number = _named(request)
        state = await said(self._rules.get(name))
        await said(self._drafts.drop(request[PRINCIPAL], name, number))
        return _to(RULES if len(state.versions) == 1 else f"{RULES}/{quote(name)}?done=dropped")

    async def _done(self, request: web.Request, work: Awaitable[Promoted]) -> Reply:
        """Go on to the page; where it was not done, show the page and say why."""
        try:
            done = await said(work)
        except ClientError as error:
            if error.problem.status in _SAID_THERE:
                name, number = _named(request)
                return await self._shown(request, name, number, failing=str(error), status=error.problem.status)
            raise
        word = "asked" if done.waits else "later" if not done.told else done.version.step
        return _to(_address(done.version.name, done.version.version) + f"&done={word}")


async def _form(request: web.Request, model: type[Model]) -> Model:
    try:
        return await read(request, model)
    except FormError as error:
        raise ClientError(422, str(error)) from None


def _address(name: str, number: int) -> str:
    return f"{RULES}/{quote(name)}?version={number}"


def _to(where: str) -> Reply:
    return Reply(303, lines({"Location": where, "Cache-Control": "no-store"}))


def _named(request: web.Request) -> tuple[str, int]:
    return request.match_info["name"], _number(request.match_info["version"])


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ClientError(404, "there is no such version; versions are numbered from 1")
    return int(text)
