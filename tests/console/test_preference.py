"""How one person wants the console to look."""

import pytest

from ratelimit.console import plain
from ratelimit.console.render import Console
from ratelimit.console.styleguide import STYLEGUIDE, Styleguide
from tests.console.conftest import Serve


async def test_a_choice_is_kept(serve: Serve, console: Console) -> None:
    """What was chosen is on the next page, and the browser goes back to where it was."""
    browser = await serve([*plain.routes(), *Styleguide(console).routes()])
    referrer = f"{browser.base}/queue?tab=mine"
    status, _, headers = await browser.post("/preferences", {"theme": "dark", "keys": "off"}, Referer=referrer)
    assert (status, headers["Location"]) == (303, "/queue?tab=mine")
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    _, page, _ = await browser.get(STYLEGUIDE, Cookie=cookie.partition(";")[0])
    assert '<html lang="en" class="theme-dark">' in page
    assert '<body data-keys="off"' in page


@pytest.mark.parametrize(
    "cookie", ["", "ratelimit_look=", "ratelimit_look=pink.on", 'ratelimit_look="><script>.on', "ratelimit_look=dark.perhaps.x"]
)
async def test_what_is_not_understood_is_the_default(serve: Serve, console: Console, cookie: str) -> None:
    """A cookie that says something else says nothing."""
    browser = await serve(Styleguide(console).routes())
    _, page, _ = await browser.get(STYLEGUIDE, Cookie=cookie)
    assert '<html lang="en">' in page


@pytest.mark.parametrize("referrer", ["", "https://elsewhere.example/queue", "/queue", "{base}//elsewhere.example/"])
async def test_nobody_is_sent_elsewhere(serve: Serve, referrer: str) -> None:
    """The way back is a path of ours, whatever the browser says."""
    browser = await serve(plain.routes())
    referrer = referrer.format(base=browser.base)
    _, _, headers = await browser.post("/preferences", {"theme": "dark"}, Referer=referrer)
    assert headers["Location"] == "/"
