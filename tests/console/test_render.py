"""Pages and parts of pages, as they are sent."""

from html.parser import HTMLParser

import pytest
from aiohttp import web
from jinja2 import UndefinedError

from ratelimit.console import plain
from ratelimit.console.error import error_page
from ratelimit.console.render import CSP, Console, Counts, Frame, Toast
from ratelimit.console.styleguide import STYLEGUIDE, Styleguide
from ratelimit.core.principal import Principal
from ratelimit.web.route import Route
from tests.console.conftest import MIRA, NOW, Serve

ADMIN = Principal(id=1, login="ada", name="<b>Ada", role="admin", via="session")


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


async def test_headers(serve: Serve, console: Console) -> None:
    """A page is under the strict policy, is kept nowhere, and tells other sites nothing."""
    browser = await serve(Styleguide(console).routes())
    status, _, headers = await browser.get(STYLEGUIDE)
    assert (status, headers["Content-Security-Policy"], headers["Cache-Control"]) == (200, CSP, "no-store")
    assert "unsafe" not in CSP
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")
    assert headers["Content-Type"] == "text/html; charset=utf-8"


async def test_frame(serve: Serve, console: Console) -> None:
    """Around a page stand its sections with their keys and counts, the server's time, and who is logged in."""
    browser = await serve(Styleguide(console).routes())
    _, page, _ = await browser.get(STYLEGUIDE)
    keys = {attributes.get("data-key") for tag, attributes in Tags(page).found if tag == "a"}
    assert {"g q", "g t", "g r", "g m", "g l", "g a", "g p"} <= keys
    assert "g u" not in keys  # an analyst has no business with users
    assert ">14:32:07</time>" in page
    assert '<span class="count" id="count-queue">37</span>' in page
    assert "Mira Keller" in page


async def test_names_are_escaped(serve: Serve, console: Console) -> None:
    """A name is text, whatever it is."""
    browser = await serve(Styleguide(console).routes(), ADMIN)
    _, page, _ = await browser.get(STYLEGUIDE)
    assert "<b>Ada" not in page
    assert "&lt;b&gt;Ada" in page


async def test_nothing_runs_that_is_not_ours(serve: Serve, console: Console) -> None:
    """A page has no style attribute, no handler, and no script but files of ours."""
    browser = await serve(Styleguide(console).routes())
    tags = Tags((await browser.get(STYLEGUIDE))[1]).found
    assert [tag for tag, attributes in tags if "style" in attributes or any(name.startswith("on") for name in attributes)] == []
    sources = [attributes.get("src") or "" for tag, attributes in tags if tag == "script"]
    assert sources
    assert all(source.startswith("/static/") for source in sources)
    assert [tag for tag, _ in tags if tag == "img"] == []  # what callers sent has one, and it is text


async def test_part_and_toast(serve: Serve, console: Console) -> None:
    """A part is no whole page; what is told of an act comes with it."""

    async def part(request: web.Request) -> web.StreamResponse:
        return await console.part(request, "part.html", None, toast=Toast("Undone.", "to 15:20", "undo", "/actions/4/undo"))

    browser = await serve([Route("GET", "/part", part)])
    _, text, headers = await browser.get("/part")
    assert "<html" not in text
    assert 'hx-swap-oob="true"' in text
    assert 'data-undo="/actions/4/undo"' in text
    assert headers["Content-Security-Policy"] == CSP


@pytest.mark.parametrize(
    ("status", "title"),
    [(403, "Not allowed"), (404, "Nothing is here"), (409, "Somebody was faster"), (500, "our bug"), (503, "Not available")],
)
async def test_error(serve: Serve, console: Console, status: int, title: str) -> None:
    """An error is a page to a person and a line to a script, and neither repeats what was sent as markup."""

    async def fail(request: web.Request) -> web.StreamResponse:
        return await error_page(console, request, status, "<i>nobody</i> has it", reference="7KQ2")

    browser = await serve([Route("GET", "/fail", fail)])
    found, page, _ = await browser.get("/fail")
    assert (found, title in page, "&lt;i&gt;nobody" in page, "7KQ2" in page, "<html" in page) == (status, True, True, True, True)
    found, line, _ = await browser.get("/fail", HX_Request="true")
    assert (found, title in line, 'role="alert"' in line, "<html" in line) == (status, True, True, False)


async def test_nobody_is_known(serve: Serve, console: Console) -> None:
    """A page for somebody who is not known has no sections, no search and no counts."""

    async def login(request: web.Request) -> web.StreamResponse:
        return await error_page(console, request, 403, "log in first")

    browser = await serve([Route("GET", "/login", login)], None)
    _, page, _ = await browser.get("/login")
    assert 'data-key="' not in page
    assert "count-queue" not in page


def test_every_template_is_one(console: Console) -> None:
    """Each template can be compiled, and so can what it takes from others."""
    names = console.templates()
    assert {"base.html", "queue.html", "macro/mark.html"} <= set(names)
    assert [name for name in names if console.compiled(name).name != name] == []


async def test_what_a_view_lacks_is_a_bug(console: Console) -> None:
    """A template that names what its view does not have fails, rather than leave a gap."""
    with pytest.raises(UndefinedError):
        await console.text("error_part.html", object(), Frame("", "", None, Counts(), NOW, "system", "on", None))


async def test_start(serve: Serve) -> None:
    """The bare address leads to the overview."""
    browser = await serve(plain.routes(), MIRA)
    status, _, headers = await browser.get("/")
    assert (status, headers["Location"]) == (303, "/overview")


@pytest.mark.parametrize(
    ("page", "href"),
    [
        ("http://console.test/cases/7?show=logins", '<a class="button" href="/cases/7?show=logins" data-key="r">'),
        ("http://console.test//elsewhere.example/", '<a class="button" href="/" data-key="r">'),
        ("javascript:alert(1)", '<a class="button" href="/" data-key="r">'),
    ],
)
async def test_look_again(serve: Serve, console: Console, page: str, href: str) -> None:
    """Where somebody was faster, the line leads to what is there now, and nowhere else whatever the browser says."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await error_page(console, request, 409, "Ana Silva allowed it 3 s before you")

    browser = await serve([Route("POST", "/act", handle, role="analyst", page=True)])
    _, line, _ = await browser.post("/act", {}, HX_Request="true", HX_Current_URL=page)
    assert href in line
