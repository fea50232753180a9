"""Appeals in the console: one is passed on by its reference, and is decided on the page of the case that it opened."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.console.form import FormError, read
from ratelimit.console.render import Console
from ratelimit.core.deed import LabelVerdict
from ratelimit.core.principal import Principal
from ratelimit.review.appeal import MOST_TEXT, OUTCOMES, AppealAsked, Appeals, AppealView, AppealWord, seen_by
from ratelimit.review.case_error import NotFoundError
from ratelimit.review.cases import Cases
from ratelimit.review.deed_check import DeedError
from ratelimit.review.lock import actor_id
from ratelimit.web.case_problem import as_problems
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

NEW: Final = "/appeals/new"
OF_CASE: Final = "/cases/{case}/appeal"
_VERDICTS: Final[tuple[tuple[LabelVerdict, str], ...]] = (
    ("good", "a good customer"),
    ("victim", "a victim"),
    ("abuse", "abuse"),
    ("fraud", "fraud"),
    ("first_party_dispute", "disputes what they bought"),
)


class AppealPanel(Struct, frozen=True, kw_only=True):
    """What is shown of an appeal. `barred`: it is about a decision of whoever looks. `verdicts` are pairs of outcome and choices."""

    it: AppealView
    base: str
    may: bool
    barred: bool
    verdicts: tuple[tuple[str, tuple[tuple[LabelVerdict, str], ...]], ...]


class NewAppeal(Struct, frozen=True, kw_only=True):
    """The form that passes one on."""

    wrong: dict[str, str]
    given: dict[str, str]
    most: int = MOST_TEXT


class Decision(Struct, frozen=True):
    """What a person decided."""

    why: Annotated[str, Meta(min_length=1, max_length=500)]
    verdict: LabelVerdict


class AppealPages:
    """Answers with them."""

    def __init__(self, console: Console, cases: Cases, appeals: Appeals) -> None:
        self._console, self._cases, self._appeals = console, cases, appeals

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", NEW, self.new, role="analyst", page=True),
            Route("POST", NEW, self.make, role="analyst", page=True),
            Route("GET", OF_CASE, self.panel, role="viewer", page=True),
            Route("POST", OF_CASE, self.decide, role="analyst", page=True),
        ]

    async def new(self, request: web.Request) -> Reply:
        """The form."""
        return await self._form(request, NewAppeal(wrong={}, given={"reference": request.query.get("reference", "")[:64]}))

    async def make(self, request: web.Request) -> Reply:
        """Open a case for it."""
        try:
            word = await read(request, AppealAsked)
        except FormError as error:
            return await self._form(request, NewAppeal(wrong=dict(error.wrong), given=dict(error.given)), 422)
        try:
            made = await self._appeals.make(request[PRINCIPAL], word)
        except NotFoundError as error:
            given = {"reference": word.reference, "text": word.text}
            return await self._form(request, NewAppeal(wrong={"reference": str(error)}, given=given), 404)
        return _to(f"/cases/{made.case}")

    async def panel(self, request: web.Request) -> Reply:
        """What of a case's page is about its appeal."""
        found = await self._of_case(request)
        return await self._console.part(request, "case/appeal.html", panel_of(found, request[PRINCIPAL]))

    async def decide(self, request: web.Request) -> Reply:
        """Say that it is upheld, or overturned: which, the label says."""
        try:
            word = await read(request, Decision)
        except FormError as error:
            raise ClientError(422, f"nothing was decided: {error}") from None
        found = await self._of_case(request)
        outcome = next((outcome for outcome, verdicts in OUTCOMES.items() if word.verdict in verdicts), None)
        if outcome is None:
            raise ClientError(422, f"nothing was decided: an appeal is not {word.verdict}; say what the caller is")
        with as_problems():
            try:
                await self._appeals.decide(request[PRINCIPAL], found.id, AppealWord(outcome, word.why, word.verdict))
            except DeedError as error:
                raise ClientError(422, str(error), path=error.path) from None
        return _to(f"/cases/{found.case}")

    async def _of_case(self, request: web.Request) -> AppealView:
        with as_problems():
            found = await self._appeals.of_case(await self._cases.number(request.match_info["case"]))
        if found is None:
            raise ClientError(404, "this case is no appeal")
        return found

    async def _form(self, request: web.Request, view: NewAppeal, status: int = 200) -> Reply:
        return await self._console.page(request, "appeal.html", view, section="Queue", title="Appeal", status=status)


def panel_of(it: AppealView, principal: Principal) -> AppealPanel:
    """An appeal for one who looks."""
    barred = it.decision is not None and it.decision.person is not None and it.decision.person == actor_id(principal)
    pairs = tuple((outcome, tuple(one for one in _VERDICTS if one[0] in verdicts)) for outcome, verdicts in OUTCOMES.items())
    may = it.state == "open" and principal.may("analyst") and not barred
    return AppealPanel(it=seen_by(principal, it), base=f"/cases/{it.case}", may=may, barred=barred, verdicts=pairs)


def _to(path: str) -> Reply:
    return Reply(303, lines({"Location": path, "Cache-Control": "no-store"}))
