"""One's own account: another password, and where one is logged in."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.form import FormError, read
from ratelimit.console.render import Console, Toast
from ratelimit.core.principal import Principal
from ratelimit.review.account import AccountError, NewPassword, Password, SessionView
from ratelimit.review.accounts import Accounts
from ratelimit.review.entry import Entry
from ratelimit.service.passwords import BusyError
from ratelimit.web.account_part import STATUS, where
from ratelimit.web.door import Door
from ratelimit.web.people import person
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import Route

ACCOUNT: Final = "/account"
_BUSY: Final = "Too many at this moment. Try again in a few seconds."


class PasswordForm(Struct, frozen=True):
    """What is filled in for another password. `username` is there for browsers that keep passwords, and not looked at."""

    current: Password
    wanted: Password
    username: str = ""


class AccountView(Struct, frozen=True):
    """The page; `wrong` is by field of the form."""

    who: Principal
    sessions: list[SessionView]
    wrong: Mapping[str, str]


class AccountPages:
    """Shows it, and changes it."""

    def __init__(self, console: Console, accounts: Accounts, entry: Entry, door: Door) -> None:
        self._console, self._accounts, self._entry, self._door = console, accounts, entry, door

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", ACCOUNT, self.page, role="viewer", page=True),
            Route("POST", f"{ACCOUNT}/password", self.password, role="viewer", page=True),
            Route("POST", f"{ACCOUNT}/sessions", self.end_others, role="viewer", page=True),
            Route("POST", f"{ACCOUNT}/sessions/{{id}}", self.end, role="viewer", page=True),
        ]

    async def page(self, request: web.Request) -> Reply:
        """The page."""
        return await self._page(request)

    async def password(self, request: web.Request) -> Reply:
        """Another password; this browser goes on, all others have to log in."""
        try:
            form = await read(request, PasswordForm)
            asked = NewPassword(form.current, form.wanted)
            secret = await self._entry.change_password(person(request), asked, where(request, self._door.origin))
        except FormError as error:
            return await self._page(request, wrong=error.wrong, status=422)
        except AccountError as error:
            return await self._page(request, wrong={error.path: str(error)}, status=STATUS[error.kind])
        except BusyError:
            return await self._page(request, wrong={"": _BUSY}, status=503)
        return _back(lines({"Set-Cookie": self._door.keep(request, secret)}))

    async def end(self, request: web.Request) -> Reply:
        """End one session."""
        who = person(request)
        try:
            await self._accounts.end_session(who, who.id, request.match_info["id"])
        except AccountError as error:
            return await self._page(request, toast=Toast("Nothing was ended", str(error), "warning"))
        return _back()

    async def end_others(self, request: web.Request) -> Reply:
        """End all others."""
        who = person(request)
        await self._accounts.end_sessions(who, who.id)
        return _back()

    async def _page(
        self, request: web.Request, *, wrong: Mapping[str, str] | None = None, toast: Toast | None = None, status: int = 200
    ) -> Reply:
        who = person(request)
        view = AccountView(who, await self._accounts.sessions(who, who.id), wrong or {})
        return await self._console.page(request, "account.html", view, section="", title="Account", toast=toast, status=status)


def _back(more: str = "") -> Reply:
    return Reply(303, lines({"Location": ACCOUNT, "Cache-Control": "no-store"}) + more)
