"""How one person wants the console to look and to be used: theme, single-letter keys, and which. Kept in a cookie of their browser.

It decides nothing but looks, so nobody needs to trust it; what is not understood is the default.
"""

from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.console import own_key
from ratelimit.console.form import read
from ratelimit.console.own_key import OwnKeys, written
from ratelimit.web.reply import Reply, lines

PREFERENCES: Final = "/preferences"
_COOKIE: Final = "ratelimit_look"
_KEPT_S: Final = 365 * 86_400

Theme = Literal["system", "light", "dark"]


class Preference(Struct, frozen=True):
    """What a person chose."""

    theme: Theme = "system"
    keys: Literal["on", "off"] = "on"


def preference(request: web.Request) -> Preference:
    """The choice of whoever asks."""
    theme, keys, _ = _parts(request)
    try:
        return msgspec.convert({"theme": theme, "keys": keys}, Preference)
    except msgspec.ValidationError:
        return Preference()


def own_keys(request: web.Request) -> OwnKeys:
    """The keys of whoever asks, where they are not the usual ones."""
    return own_key.read(_parts(request)[2])


async def choose(request: web.Request) -> Reply:
    """Keep a choice, and go back to where it was made."""
    chosen = await read(request, Preference)
    return kept(chosen, own_keys(request), _back(request))


def kept(chosen: Preference, own: OwnKeys, back: str) -> Reply:
    """Keeps all of it, and goes back."""
    cookie = f"{_COOKIE}={chosen.theme}.{chosen.keys}.{written(own)}; Path=/; Max-Age={_KEPT_S}; SameSite=Strict; HttpOnly"
    return Reply(303, lines({"Location": back, "Set-Cookie": cookie, "Cache-Control": "no-store"}))


def _parts(request: web.Request) -> tuple[str, str, str]:
    theme, keys, own, *_ = [*request.cookies.get(_COOKIE, "").split(".", 2), "", "", ""]
    return theme, keys, own


def _back(request: web.Request) -> str:
    """The page of ours that the browser says it comes from: its path alone, so that nobody is sent elsewhere."""
    referrer = urlsplit(request.headers.get("Referer", ""))
    path = referrer.path if referrer.netloc == request.host and referrer.path.startswith("/") else "/"
    if path.startswith("//") or not path.isprintable() or not path.isascii():
        return "/"
    query = f"?{referrer.query}" if referrer.query.isascii() and referrer.query.isprintable() and referrer.query else ""
    return path + query
