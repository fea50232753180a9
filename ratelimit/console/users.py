"""The users' page: who may come in, with which role, and which tokens automation has. For admins.

A link or a token that was made is shown once, in the answer to the form that made it, and is nowhere else.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.form import FormError, read
from ratelimit.console.render import Console, Toast
from ratelimit.core.principal import ROLES, SCOPES, Role, Scope
from ratelimit.review.account import (
    AccountError,
    Change,
    Invited,
    LinkMade,
    PersonView,
    SessionView,
    TokenAsked,
    TokenMade,
    TokenView,
)
from ratelimit.review.accounts import Accounts
from ratelimit.review.api_tokens import ApiTokens
from ratelimit.web.account_part import STATUS
from ratelimit.web.door import Door
from ratelimit.web.people import number, whole_link
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply
from ratelimit.web.route import PRINCIPAL, Route

USERS: Final = "/users"


@contextmanager
def missing() -> Iterator[None]:
    """Whoever is not there is a page that is not."""
    try:
        yield
    except AccountError as error:
        raise ClientError(STATUS[error.kind], str(error)) from None


class Wrong(Struct, frozen=True):
    """A form that did not do: which, what is wrong by field, and what was given."""

    form: str = ""
    fields: Mapping[str, str] = {}
    given: Mapping[str, str] = {}


class UsersView(Struct, frozen=True):
    """The page. `link` and `token` are what was made just now; `of` is whoever is looked at, and `sessions` are theirs."""

    people: list[PersonView]
    tokens: list[TokenView]
    roles: tuple[Role, ...]
    scopes: tuple[Scope, ...]
    me: int
    wrong: Wrong = Wrong()
    link: LinkMade | None = None
    token: TokenMade | None = None
    of: PersonView | None = None
    sessions: list[SessionView] = []


class UsersPages:
    """Shows them, and changes what an admin wants changed."""

    def __init__(self, console: Console, accounts: Accounts, tokens: ApiTokens, door: Door) -> None:
        self._console, self._accounts, self._tokens, self._door = console, accounts, tokens, door

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        calls: dict[tuple[str, str], Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
            ("GET", USERS): self.page,
            ("POST", USERS): self.invite,
            ("GET", f"{USERS}/tokens"): self.page,
            ("POST", f"{USERS}/tokens"): self.make_token,
            ("GET", f"{USERS}/{{id}}"): self.one,
            ("POST", f"{USERS}/{{id}}"): self.change,
            ("POST", f"{USERS}/{{id}}/sessions"): self.end_sessions,
            ("POST", f"{USERS}/{{id}}/link"): self.link,
            ("POST", f"{USERS}/tokens/{{id}}/revoke"): self.revoke,
        }
        return [Route(method, path, handle, role="admin", page=True) for (method, path), handle in calls.items()]

    async def page(self, request: web.Request) -> Reply:
        """Everybody, and all tokens."""
        return await self._page(request)

    async def invite(self, request: web.Request) -> Reply:
        """Let somebody in; the answer has the link."""
        try:
            made = await self._accounts.invite(request[PRINCIPAL], await read(request, Invited))
        except (FormError, AccountError) as error:
            return await self._refused(request, "invite", error)
        return await self._page(request, link=whole_link(made, request, self._door), toast=Toast(f"{made.person.name} is invited"))

    async def link(self, request: web.Request) -> Reply:
        """A link that sets another password; the answer has it."""
        try:
            made = await self._accounts.new_link(request[PRINCIPAL], number(request))
        except AccountError as error:
            return await self._refused(request, "people", error)
        return await self._page(request, of=number(request), link=whole_link(made, request, self._door))

    async def change(self, request: web.Request) -> Reply:
        """Another role, or in or out."""
        try:
            changed = await self._accounts.change(request[PRINCIPAL], number(request), await read(request, Change))
        except (FormError, AccountError) as error:
            return await self._refused(request, "people", error)
        said = "is disabled and logged out everywhere" if changed.state == "disabled" else f"is {changed.role}"
        return await self._page(request, of=changed.id, toast=Toast(f"{changed.name} {said}"))

    async def one(self, request: web.Request) -> Reply:
        """What can be changed of somebody, and where they are logged in."""
        with missing():
            await self._accounts.person(number(request))
        return await self._page(request, of=number(request))

    async def end_sessions(self, request: web.Request) -> Reply:
        """Log somebody out everywhere."""
        with missing():
            await self._accounts.person(number(request))
        ended = await self._accounts.end_sessions(request[PRINCIPAL], number(request))
        return await self._page(request, of=number(request), toast=Toast(f"{ended} {'session' if ended == 1 else 'sessions'} ended"))

    async def make_token(self, request: web.Request) -> Reply:
        """A new token; the answer has it."""
        try:
            made = await self._tokens.make(request[PRINCIPAL], await read(request, TokenAsked))
        except (FormError, AccountError) as error:
            return await self._refused(request, "token", error)
        return await self._page(request, token=made)

    async def revoke(self, request: web.Request) -> Reply:
        """Let a token not work any more."""
        try:
            revoked = await self._tokens.revoke(request[PRINCIPAL], number(request))
        except AccountError as error:
            return await self._refused(request, "tokens", error)
        return await self._page(request, toast=Toast(f"The token {revoked.name} does not work any more"))

    async def _refused(self, request: web.Request, form: str, error: FormError | AccountError) -> Reply:
        if isinstance(error, FormError):
            return await self._page(request, wrong=Wrong(form, error.wrong, error.given), status=422)
        return await self._page(request, wrong=Wrong(form, {error.path: str(error)}), status=STATUS[error.kind])

    async def _page(  # noqa: PLR0913  what an answer may have beside the page itself
        self,
        request: web.Request,
        *,
        wrong: Wrong | None = None,
        link: LinkMade | None = None,
        token: TokenMade | None = None,
        of: int | None = None,
        toast: Toast | None = None,
        status: int = 200,
    ) -> Reply:
        who = request[PRINCIPAL]
        people = await self._accounts.people()
        chosen = next((person for person in people if person.id == of), None)
        sessions = await self._accounts.sessions(who, chosen.id) if chosen is not None else []
        view = UsersView(people, await self._tokens.all(), ROLES, SCOPES, who.id, wrong or Wrong(), link, token, chosen, sessions)
        return await self._console.page(request, "users.html", view, section="Users", title="Users", toast=toast, status=status)
