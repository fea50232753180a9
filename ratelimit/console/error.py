"""Pages that say what did not happen, why, and what to do now; a part of a page says the same as one line."""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.console.render import Console
from ratelimit.core.principal import Role
from ratelimit.web.local_path import local_path
from ratelimit.web.reply import Reply, lines


class ErrorView(Struct, frozen=True):
    """What the page says. `reference` is the id that the log has, "" if it has none; `again` is the page to be looked at again, "" none."""

    title: str
    text: str
    step: str
    href: str
    reference: str = ""
    again: str = ""


_TITLES: Final = {
    400: "That could not be read",
    403: "Not allowed",
    404: "Nothing is here",
    405: "Not asked for in this way",
    409: "Somebody was faster",
    413: "That is too much at once",
    422: "That cannot be taken as it is",
    429: "Too many tries",
    500: "This failed, which is our bug",
    503: "Not available at the moment",
}


def error_view(status: int, text: str, reference: str = "") -> ErrorView:
    """The view of an error with that status; `text` says why, and what would do."""
    return ErrorView(_TITLES.get(status, HTTPStatus(status).phrase), _sentence(text), "Go to the queue", "/queue", reference)


def need(role: Role) -> str:
    """What is said to somebody whose role is too small."""
    return f"This needs the role {role}; an admin can give it."


async def error_page(
    console: Console, request: web.Request, status: int, text: str, *, reference: str = "", headers: dict[str, str] | None = None
) -> Reply:
    """The page; to a script that asks for a part of a page, the line."""
    view = error_view(status, text, reference)
    more = lines(headers or {})
    if request.headers.get("HX-Request") == "true":
        view = replace(view, again=_page_of(request) if status == HTTPStatus.CONFLICT else "")
        return await console.part(request, "error_part.html", view, status=status, headers=more)
    return await console.page(request, "error.html", view, section="", title=view.title, status=status, headers=more)


def _page_of(request: web.Request) -> str:
    """The page of ours that a script asked from, as the browser says."""
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    return local_path(f"{page.path}?{page.query}" if page.query else page.path)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?")) else text + "."
