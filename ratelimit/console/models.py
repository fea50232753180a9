"""The page of models: what they are, whether days are as they were, and which of them gives risks."""

from collections.abc import Awaitable
from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.form import FormError, read
from ratelimit.console.models_view import models_view
from ratelimit.console.render import Console, Toast
from ratelimit.review.model_card import SECTIONS, Section
from ratelimit.review.models import Models
from ratelimit.review.rule_dossier import RuleFacts
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.rules import said

MODELS: Final = "/models"
_SAID_THERE: Final = frozenset({403, 409, 422})
_DONE: Final = {
    "promoted": ("Promoted.", "In force on all sidecars within two seconds"),
    "back": ("Taken back.", "The file's model is in force within two seconds"),
    "later": ("Done.", "The store is away: sidecars are told as soon as it is back"),
}


class ModelForm(Struct, frozen=True):
    """The folder that is promoted, as it was seen, and why."""

    model: str = ""
    why: str = ""


class ModelPages:
    """Answers with it."""

    def __init__(self, console: Console, models: Models, facts: RuleFacts) -> None:
        self._console, self._models, self._facts = console, models, facts

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", MODELS, self.page, role="viewer", page=True),
            Route("POST", f"{MODELS}/{{section}}/promote", self.promote, role="admin", page=True),
            Route("POST", f"{MODELS}/{{section}}/back", self.back, role="admin", page=True),
        ]

    async def page(self, request: web.Request) -> Reply:
        """All models."""
        done = _DONE.get(request.query.get("done", ""))
        return await self._shown(request, toast=Toast(*done) if done is not None else None)

    async def promote(self, request: web.Request) -> Reply:
        """Have the challenger give the risks."""
        section, asked = _section(request), await _form(request)
        return await self._done(request, self._models.promote(request[PRINCIPAL], section, asked.model, asked.why), "promoted")

    async def back(self, request: web.Request) -> Reply:
        """Have the file's models in force again."""
        section, asked = _section(request), await _form(request)
        return await self._done(request, self._models.unpin(request[PRINCIPAL], section, asked.why), "back")

    async def _shown(self, request: web.Request, *, toast: Toast | None = None, failing: str = "", status: int = 200) -> Reply:
        found, names = await said(self._models.look()), await said(self._facts.names())
        view = models_view(found, request[PRINCIPAL], names, failing)
        return await self._console.page(request, "models.html", view, section="Models", title="Models", toast=toast, status=status)

    async def _done(self, request: web.Request, work: Awaitable[bool], word: str) -> Reply:
        try:
            told = await said(work)
        except ClientError as error:
            if error.problem.status not in _SAID_THERE:
                raise
            return await self._shown(request, failing=str(error), status=error.problem.status)
        where = f"{MODELS}?done={word if told else 'later'}"
        return Reply(303, lines({"Location": where, "Cache-Control": "no-store"}))


def _section(request: web.Request) -> Section:
    text = request.match_info["section"]
    if text not in SECTIONS:
        raise ClientError(404, f"there are models of {' and '.join(SECTIONS)}, and of nothing else")
    return text


async def _form(request: web.Request) -> ModelForm:
    try:
        return await read(request, ModelForm)
    except FormError as error:
        raise ClientError(422, str(error)) from None
