"""The pages of rules that are not one rule's own: the list, and where a text is written, checked and compared."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.form import read
from ratelimit.console.render import Console
from ratelimit.console.rule_words import text_of
from ratelimit.console.rules_view import EXAMPLE, Checked, compare_view, edit_view, rules_view
from ratelimit.review.rule_dossier import RuleFacts
from ratelimit.review.rule_draft import Drafts
from ratelimit.review.rule_error import NotSoundError, RuleError
from ratelimit.review.rule_state import RuleState
from ratelimit.review.rules import Rules
from ratelimit.service.rule_source import TextProblem
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.rules import problems_of, said

RULES: Final = "/rules"
NEW: Final = f"{RULES}/new"
CHECK: Final = f"{RULES}/check"
_TAKEN: Final = frozenset({"new", "check"})  # what rules cannot be called here


class RuleForm(Struct, frozen=True):
    """A text, and its name where it is a new rule."""

    text: str = ""
    name: str = ""


class RulePages:
    """Answers with them."""

    def __init__(self, console: Console, rules: Rules, drafts: Drafts, facts: RuleFacts) -> None:
        self._console, self._rules, self._drafts, self._facts = console, rules, drafts, facts

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", RULES, self.list, role="viewer", page=True),
            Route("GET", NEW, self.new, role="analyst", page=True),
            Route("POST", NEW, self.add, role="analyst", page=True),
            Route("POST", CHECK, self.check, role="analyst", page=True),
            Route("GET", f"{RULES}/{{name}}/edit", self.edit, role="analyst", page=True),
            Route("POST", f"{RULES}/{{name}}/edit", self.save, role="analyst", page=True),
            Route("GET", f"{RULES}/{{name}}/compare", self.compare, role="viewer", page=True),
        ]

    async def list(self, request: web.Request) -> Reply:
        """All rules."""
        rows, names = await said(self._facts.list())
        view = rules_view(rows, names, request[PRINCIPAL])
        return await self._console.page(request, "rules.html", view, section="Rules", title="Rules")

    async def new(self, request: web.Request) -> Reply:
        """An empty text to begin with."""
        return await self._edited(request, "", RuleForm(text=EXAMPLE), None)

    async def add(self, request: web.Request) -> Reply:
        """A new rule."""
        asked = await read(request, RuleForm)
        if asked.name in _TAKEN:
            return await self._edited(
                request, "", asked, None, (TextProblem(None, None, f"name: {asked.name} is taken here; choose another"),)
            )
        return await self._saved(request, "", asked.name, asked, None)

    async def edit(self, request: web.Request) -> Reply:
        """The latest text, or that of the version that is asked for."""
        name = request.match_info["name"]
        state = await said(self._rules.get(name))
        number = request.query.get("version", "")
        version = next((it for it in state.versions if str(it.version) == number), state.main)
        return await self._edited(request, name, RuleForm(text=text_of(version.rule)), state)

    async def save(self, request: web.Request) -> Reply:
        """A new version, or the draft in its place."""
        name = request.match_info["name"]
        return await self._saved(request, name, name, await read(request, RuleForm), await said(self._rules.get(name)))

    async def check(self, request: web.Request) -> Reply:
        """What is wrong with a text, while it is written."""
        asked = await read(request, RuleForm)
        checked = Checked(problems=problems_of(asked.name or "rule", asked.text), empty=not asked.text)
        return await self._console.part(request, "rule/check.html", checked)

    async def compare(self, request: web.Request) -> Reply:
        """Two versions."""
        name = request.match_info["name"]
        state = await said(self._rules.get(name))
        numbers = [_number(request.query.get(key, ""), state, place) for place, key in ((1, "a"), (0, "b"))]
        _, first, second = await said(self._facts.pair(name, *numbers))
        view = compare_view(state, first, second)
        return await self._console.page(request, "rule_compare.html", view, section="Rules", title=f"{name}, compared")

    async def _saved(self, request: web.Request, name: str, given: str, asked: RuleForm, state: RuleState | None) -> Reply:
        try:
            made = await self._drafts.draft(request[PRINCIPAL], given, asked.text)
        except NotSoundError as error:
            return await self._edited(request, name, asked, state, error.problems)
        except RuleError as error:
            return await self._edited(request, name, asked, state, (TextProblem(None, None, str(error)),))
        where = f"{RULES}/{made.name}?version={made.version}&done=saved"
        return Reply(303, lines({"Location": where, "Cache-Control": "no-store"}))

    async def _edited(
        self, request: web.Request, name: str, asked: RuleForm, state: RuleState | None, problems: tuple[TextProblem, ...] | None = None
    ) -> Reply:
        found = problems if problems is not None else problems_of(name or "rule", asked.text)
        view = edit_view(name, asked.name, asked.text, found, state=state, who=request[PRINCIPAL])
        title = f"Edit {name}" if name else "New rule"
        status = 422 if problems else 200
        return await self._console.page(request, "rule_edit.html", view, section="Rules", title=title, status=status)


def _number(text: str, state: RuleState, place: int) -> int:
    """The number that is asked for, or that of the version at that place."""
    if not text:
        return state.versions[min(place, len(state.versions) - 1)].version
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ClientError(404, "there is no such version; versions are numbered from 1")
    return int(text)
