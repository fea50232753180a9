"""The pages by which people come in: log in, and the link that sets a password."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.error import error_page
from ratelimit.console.form import FormError, read
from ratelimit.console.render import Console
from ratelimit.core.principal import Principal, Role
from ratelimit.review.account import AccountError, Login, Name, Password
from ratelimit.review.entry import Entry
from ratelimit.service.passwords import BusyError
from ratelimit.web.account_part import STATUS, where
from ratelimit.web.door import Door
from ratelimit.web.local_path import local_path
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

LOGIN: Final = "/login"
WELCOME: Final = "/welcome"
_BUSY: Final = "Too many log in at this moment. Try again in a few seconds."


class LoginForm(Struct, frozen=True):
    """What is filled in to log in; `next` is where to go then."""

    login: Login
    password: Password
    next: str = ""


class WelcomeForm(Struct, frozen=True):
    """What is filled in behind a link; only the first admin says who they are. `username` is for the browser that keeps passwords."""

    token: str
    password: Password
    again: Password
    login: Login | None = None
    name: Name | None = None


class LoginView(Struct, frozen=True):
    """The login page: what was given, and why it did not do."""

    login: str
    next: str
    wrong: str
    until: float | None = None


class WelcomeView(Struct, frozen=True):
    """The page behind a link. `login` None: the first admin, who is yet to be named; `wrong` is by field."""

    token: str
    login: str | None
    name: str | None
    role: Role
    wrong: dict[str, str]
    given: dict[str, str]


class LoginPages:
    """Lets people in and out."""

    def __init__(self, console: Console, entry: Entry, door: Door) -> None:
        self._console, self._entry, self._door = console, entry, door

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", LOGIN, self.ask, free=True, page=True),
            Route("POST", LOGIN, self.take, free=True, page=True),
            Route("POST", "/logout", self.leave, role="viewer", page=True),
            Route("GET", WELCOME, self.greet, free=True, page=True),
            Route("POST", WELCOME, self.welcome, free=True, page=True),
        ]

    async def ask(self, request: web.Request) -> Reply:
        """The login page; whoever is logged in goes on at once."""
        next = local_path(request.query.get("next", ""))
        if await self._who(request) is not None:
            return _gone(next)
        return await self._login(request, LoginView("", next, ""), 200)

    async def take(self, request: web.Request) -> Reply:
        """Log in, and go to where one wanted to."""
        try:
            form = await read(request, LoginForm)
        except FormError as error:
            return await self._login(request, LoginView(error.given.get("login", "")[:64], "", "Fill in login and password."), 422)
        next = local_path(form.next)
        try:
            secret = await self._entry.log_in(form.login, form.password, where(request, self._door.origin))
        except AccountError as error:
            return await self._login(request, LoginView(form.login, next, str(error), error.until), STATUS[error.kind])
        except BusyError:
            return await self._login(request, LoginView(form.login, next, _BUSY), 503)
        return await self._in(request, secret, next)

    async def leave(self, request: web.Request) -> Reply:
        """Log out."""
        await self._entry.log_out(request[PRINCIPAL])
        return _gone(LOGIN, lines({"Set-Cookie": self._door.drop(request)}))

    async def greet(self, request: web.Request) -> Reply:
        """The page behind a link."""
        return await self._welcome(request, request.query.get("token", ""), {}, {}, 200)

    async def welcome(self, request: web.Request) -> Reply:
        """Set the password, and go in."""
        try:
            form = await read(request, WelcomeForm)
        except FormError as error:
            return await self._welcome(request, error.given.get("token", ""), dict(error.wrong), dict(error.given), 422)
        given = {"login": form.login or "", "name": form.name or ""}
        if form.password != form.again:
            return await self._welcome(request, form.token, {"again": "this is not the same"}, given, 422)
        try:
            secret = await self._entry.use_link(form.token, form.password, where(request, self._door.origin), form.login, form.name)
        except AccountError as error:
            return await self._welcome(request, form.token, {error.path: str(error)}, given, STATUS[error.kind])
        except BusyError:
            return await self._welcome(request, form.token, {"": _BUSY}, given, 503)
        return await self._in(request, secret, "/")

    async def _in(self, request: web.Request, secret: str, next: str) -> Reply:
        """A new session takes the place of whichever the browser had."""
        before = await self._who(request)
        if before is not None:
            await self._entry.log_out(before)
        return _gone(next, lines({"Set-Cookie": self._door.keep(request, secret)}))

    async def _login(self, request: web.Request, view: LoginView, status: int) -> Reply:
        headers = lines({"WWW-Authenticate": "Session"}) if status == 401 else ""
        return await self._console.page(request, "login.html", view, section="", title="Log in", status=status, headers=headers)

    async def _welcome(self, request: web.Request, token: str, wrong: dict[str, str], given: dict[str, str], status: int) -> Reply:
        try:
            link = await self._entry.link(token)
        except AccountError as error:
            return await error_page(self._console, request, 404, str(error))
        view = WelcomeView(token, link.login, link.name, link.role, wrong, given)
        return await self._console.page(request, "welcome.html", view, section="", title="Welcome", status=status)

    async def _who(self, request: web.Request) -> Principal | None:
        try:
            return await self._door.who(request)
        except ClientError:
            return None


def _gone(path: str, more: str = "") -> Reply:
    return Reply(303, lines({"Location": path, "Cache-Control": "no-store"}) + more)
