"""Renders pages and parts of pages: templates of this folder, filled in a worker thread, answered under a strict policy of content.

A template sees the view that its page made, who asks, and what the frame around every page shows. It computes nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from msgspec import Struct

from ratelimit.console import wording
from ratelimit.console.asset import address
from ratelimit.console.figure import bars, sparkline
from ratelimit.console.gauge import gauge, ruler
from ratelimit.console.hostile import hostile, plain
from ratelimit.console.own_key import IN_USE, OwnKeys, pressed, written
from ratelimit.console.preference import own_keys, preference
from ratelimit.console.section import SECTIONS
from ratelimit.core.principal import Principal
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HEAD: Final = lines(HEADERS)
_SETTLED_S: Final = 1.0  # after a start, in which decisions come first
_BETWEEN_S: Final = 0.02


class Counts(Struct, frozen=True):
    """What the top bar counts. `failing` is a sentence on what does not work for everybody, such as a database that is away."""

    queue: int = 0
    privacy: int = 0
    failing: str = ""


class Far(Struct, frozen=True):
    """On how many sidecars an act is in force. `more` is the address that says how it goes on, "" if that is all."""

    text: str
    more: str = ""


class Toast(Struct, frozen=True):
    """What was done, and what came of it. `undo` is the address that takes it back, "" if nothing does; `reach` is None where no sidecar
    hears of it.
    """

    text: str
    far: str = ""
    glyph: str = "check"
    undo: str = ""
    reach: Far | None = None


class Frame(Struct, frozen=True):
    """What stands around every page."""

    section: str
    title: str
    principal: Principal | None
    counts: Counts
    now: float
    theme: str
    keys: str
    toast: Toast | None
    own: OwnKeys = {}


CountsOf = Callable[[Principal], Awaitable[Counts]]


async def no_counts(_principal: Principal) -> Counts:
    """The counts of a console that nothing was wired to."""
    return Counts()


class Console:
    """Answers with pages. `counts` is asked once for each page, and answers from memory or quickly."""

    def __init__(
        self, zone: str = "UTC", counts: CountsOf = no_counts, clock: Callable[[], float] = time.time, *, site: str = "ratelimit"
    ) -> None:
        self.clock: Final = wording.Clock(ZoneInfo(zone))
        self.now: Final = clock
        self._counts = counts
        self._templates = _environment(self.clock, zone, site)

    async def page(  # noqa: PLR0913  what differs between pages, by name
        self,
        request: web.Request,
        template: str,
        view: object,
        *,
        section: str,
        title: str,
        status: int = 200,
        toast: Toast | None = None,
        headers: str = "",
    ) -> Reply:
        """A whole page. `view` is `view` in the template; `section` is which of the top bar's it belongs to, "" for none."""
        principal = request.get(PRINCIPAL)
        counts = await self._counts(principal) if principal is not None else Counts()
        chosen = preference(request)
        frame = Frame(section, title, principal, counts, self.now(), chosen.theme, chosen.keys, toast, own_keys(request))
        return await self._reply(template, view, frame, status, headers)

    async def part(
        self, request: web.Request, template: str, view: object, *, status: int = 200, toast: Toast | None = None, headers: str = ""
    ) -> Reply:
        """A part of a page, as a script asks for it; a `toast` is shown beside it."""
        frame = Frame("", "", request.get(PRINCIPAL), Counts(), self.now(), "system", "on", toast, own_keys(request))
        return await self._reply(template, view, frame, status, headers)

    async def warm(self) -> None:
        """Compile every template, one after another, so that nobody waits for it; never ends."""
        await asyncio.sleep(_SETTLED_S)
        for name in self.templates():
            await asyncio.to_thread(self.compiled, name)
            await asyncio.sleep(_BETWEEN_S)
        await asyncio.Event().wait()

    def templates(self) -> list[str]:
        """The names of all templates."""
        return self._templates.list_templates()

    def compiled(self, name: str) -> Template:
        """A template, compiled once."""
        return self._templates.get_template(name)

    async def text(self, template: str, view: object, frame: Frame) -> str:
        """A rendered template, for what is sent in another way, such as over a stream of events."""
        return await asyncio.to_thread(self._filled, template, view, frame)

    def _filled(self, template: str, view: object, frame: Frame) -> str:
        """In a worker thread, with a context of its own: to compile a template takes long enough to keep decisions waiting."""
        IN_USE.set(frame.own)
        return self.compiled(template).render(view=view, frame=frame, principal=frame.principal, now=frame.now)

    async def _reply(self, template: str, view: object, frame: Frame, status: int, headers: str) -> Reply:
        body = await self.text(template, view, frame)
        return Reply(status, _HEAD + headers, body.encode("utf-8", "replace"))


def _environment(clock: wording.Clock, zone: str, site: str) -> Environment:
    made = Environment(
        loader=PackageLoader("ratelimit.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,  # all of them stay compiled
    )
    made.globals.update(
        asset=address,
        bars=bars,
        clock=clock,
        gauge_of=gauge,
        ruler_of=ruler,
        sections=SECTIONS,
        site=site,
        sparkline_of=sparkline,
        zone=zone,
    )
    filters: dict[str, Callable[..., Any]] = {
        "number": wording.count,
        "due": wording.due,
        "duration": wording.duration,
        "hostile": hostile,
        "initials": wording.initials,
        "masked": wording.masked_email,
        "money": wording.money,
        "money_short": wording.money_short,
        "own_keys": written,
        "percent": wording.percent,
        "plain": plain,
        "pressed": pressed,
        "rarity": wording.rarity,
        "several": wording.several,
        "minute": clock.minute,
        "second": clock.second,
        "milli": clock.milli,
        "day": clock.day,
        "moment": clock.moment,
        "iso": clock.iso,
    }
    made.filters.update(filters)
    return made
