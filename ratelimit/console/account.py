"""One's own account: another password, other keys, and where one is logged in."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.form import FormError, fields, read
from ratelimit.console.own_key import ACTS, alone, judge
from ratelimit.console.preference import kept, own_keys, preference
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


class KeyField(Struct, frozen=True):
    """A key that can be another: its usual name, what it does, what is pressed for it, and what is wrong with that."""

    name: str
    words: str
    value: str
    wrong: str = ""


class AccountView(Struct, frozen=True):
    """The page; `wrong` is by field of the form."""

    who: Principal
    sessions: list[SessionView]
    wrong: Mapping[str, str]
    keys: tuple[KeyField, ...]


class AccountPages:
    """Shows it, and changes it."""

    def __init__(self, console: Console, accounts: Accounts, entry: Entry, door: Door) -> None:
        self._console, self._accounts, self._entry, self._door = console, accounts, entry, door

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", ACCOUNT, self.page, role="viewer", page=True),
            Route("POST", f"{ACCOUNT}/password", self.password, role="viewer", page=True),
            Route("POST", f"{ACCOUNT}/keys", self.keys, role="viewer", page=True),
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

    async def keys(self, request: web.Request) -> Reply:
        """Other keys, or the usual ones again."""
        given = await fields(request)
        own, wrong = judge(() if ("usual", "1") in given else given)
        if wrong:
            asked = dict(given)
            shown = tuple(KeyField(act.name, act.words, asked.get(act.name, "")[:8], wrong.get(act.name, "")) for act in ACTS)
            return await self._page(request, keys=shown, status=422)
        return kept(preference(request), own, f"{ACCOUNT}#keys-own")

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
        self,
        request: web.Request,
        *,
        wrong: Mapping[str, str] | None = None,
        keys: tuple[KeyField, ...] = (),
        toast: Toast | None = None,
        status: int = 200,
    ) -> Reply:
        who, own = person(request), own_keys(request)
        keys = keys or tuple(KeyField(act.name, act.words, own.get(act.name, alone(act.name))) for act in ACTS)
        view = AccountView(who, await self._accounts.sessions(who, who.id), wrong or {}, keys)
        return await self._console.page(request, "account.html", view, section="", title="Account", toast=toast, status=status)


def _back(more: str = "") -> Reply:
    return Reply(303, lines({"Location": ACCOUNT, "Cache-Control": "no-store"}) + more)
