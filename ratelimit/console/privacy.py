"""The privacy page: requests of people about their data, what is kept and why, and what retention took away."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from ratelimit.console.form import FormError, read
from ratelimit.console.privacy_view import SAID, privacy_page
from ratelimit.console.render import Console, Toast
from ratelimit.core.retention import Retention
from ratelimit.review.privacy import Privacy
from ratelimit.review.privacy_request import PrivacyAsked
from ratelimit.web.privacy import PrivacyText, document, number, spoken
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

PRIVACY: Final = "/privacy"
_CLOSED: Final = 50
_RUNS: Final = 5


class PrivacyPages:
    """Answers with the page, and takes its forms. `retention` gives what the policy in force says."""

    def __init__(self, console: Console, privacy: Privacy, retention: Callable[[], Retention] = Retention) -> None:
        self._console, self._privacy, self._retention = console, privacy, retention

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", PRIVACY, self.page, role="viewer", page=True),
            Route("POST", PRIVACY, self.ask, role="analyst", page=True),
            Route("GET", f"{PRIVACY}/{{id}}/export", self.export, role="analyst", page=True),
            Route("POST", f"{PRIVACY}/{{id}}/approve", self.approve, role="admin", page=True),
            Route("POST", f"{PRIVACY}/{{id}}/done", self.done, role="analyst", page=True),
            Route("POST", f"{PRIVACY}/{{id}}/refuse", self.refuse, role="analyst", page=True),
            Route("POST", f"{PRIVACY}/{{id}}/withdraw", self.withdraw, role="analyst", page=True),
        ]

    async def page(self, request: web.Request) -> Reply:
        """The whole page."""
        return await self._page(request)

    async def ask(self, request: web.Request) -> Reply:
        """Enter a request."""
        try:
            asked = await read(request, PrivacyAsked)
        except FormError as error:
            return await self._page(request, error)
        await spoken(self._privacy.ask(asked, request[PRINCIPAL]))
        return _back("asked")

    async def export(self, request: web.Request) -> Reply:
        """What is kept of the account, as a file."""
        id = number(request)
        return document(id, await spoken(self._privacy.export(id, request[PRINCIPAL])))

    async def approve(self, request: web.Request) -> Reply:
        """Agree to an erasure."""
        await spoken(self._privacy.approve(number(request), request[PRINCIPAL]))
        return _back("approve")

    async def done(self, request: web.Request) -> Reply:
        """A correction was made."""
        try:
            text = (await read(request, PrivacyText)).text
        except FormError as error:
            return await self._page(request, error)
        await spoken(self._privacy.close(number(request), request[PRINCIPAL], text))
        return _back("done")

    async def refuse(self, request: web.Request) -> Reply:
        """It will not be done."""
        try:
            text = (await read(request, PrivacyText)).text
        except FormError as error:
            return await self._page(request, error)
        await spoken(self._privacy.refuse(number(request), request[PRINCIPAL], text))
        return _back("refuse")

    async def withdraw(self, request: web.Request) -> Reply:
        """The person takes it back."""
        await spoken(self._privacy.withdraw(number(request), request[PRINCIPAL]))
        return _back("withdraw")

    async def _page(self, request: web.Request, error: FormError | None = None) -> Reply:
        wrong, given = (dict(error.wrong), dict(error.given)) if error is not None else ({}, {})
        view = privacy_page(
            await self._privacy.requests(),
            await self._privacy.requests(closed=True, most=_CLOSED),
            await self._privacy.runs(_RUNS),
            self._retention(),
            request[PRINCIPAL],
            self._console.now(),
            wrong,
            given,
        )
        said = SAID.get(request.query.get("said", ""))
        toast = Toast(said) if said is not None else None
        status = 200 if error is None else 422
        return await self._console.page(request, "privacy.html", view, section="Privacy", title="Privacy", status=status, toast=toast)


def _back(said: str) -> Reply:
    return Reply(303, lines({"Location": f"{PRIVACY}?said={said}", "Cache-Control": "no-store"}))
