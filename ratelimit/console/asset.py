"""The console's own files: styles, scripts, fonts, icons. All are read at start and known by name; nothing is looked up in a folder.

A page names a file in a folder that is called by the digest of all files, and what is asked for in that way may be kept for good. So may
what a file names beside itself, such as a font or a module, since it is in that folder too. By any other way the browser asks again.
"""

from base64 import urlsafe_b64encode
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines

STATIC: Final = "/static/"
_EDITION: Final = "edition-"
STYLE: Final = "console.css"  # all styles in one
_FIRST: Final = ("css/token.css", "css/type.css", "css/frame.css", "css/mark.css", "css/table.css", "css/panel.css", "css/form.css")
_LAST: Final = "css/phone.css"
_KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "md": "text/plain; charset=utf-8",
}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_WORTH: Final = 0.9  # fonts are compressed already
_PLAIN: Final = "text/plain; charset=utf-8"


class Asset(Struct, frozen=True):
    """One file: its type, its content, the same compressed if that is smaller, and the digest that changes with it."""

    kind: str
    content: bytes
    zipped: bytes | None
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """All of them, by the name that follows /static/."""
    found: dict[str, Asset] = {}
    _gather(files("ratelimit.console").joinpath("static"), "", found)
    styles = sorted((name for name in found if name.startswith("css/")), key=lambda name: (_order(name), name))
    found[STYLE] = _asset(STYLE, b"\n".join(found[name].content for name in styles))
    return found


def address(name: str) -> str:
    """Where a page finds that file; KeyError if there is none."""
    if name not in assets():
        raise KeyError(name)
    return f"{STATIC}{edition()}/{name}"


@cache
def edition() -> str:
    """The digest of all of them: another one, and every browser asks for every file anew."""
    every = "".join(f"{name} {one.digest}\n" for name, one in sorted(assets().items()))
    return f"{_EDITION}{_digest(every.encode())}"


async def serve(request: web.Request) -> Reply:
    """A file."""
    name, asked = request.path.removeprefix(STATIC), ""
    if name.startswith(_EDITION):
        asked, _, name = name.partition("/")
    found = assets().get(name)
    if found is None:
        raise ClientError(404, "no file of that name")
    tag = f'"{found.digest}"'
    headers = {
        "Content-Type": found.kind,
        "Cache-Control": _FOR_GOOD if asked == edition() else _ASK_AGAIN,
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if request.headers.get("If-None-Match") == tag:
        return Reply(304, lines(headers))
    if found.zipped is None or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Reply(200, lines(headers), found.content)
    return Reply(200, lines({**headers, "Content-Encoding": "gzip"}), found.zipped)


def _gather(folder: Traversable, prefix: str, found: dict[str, Asset]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _gather(entry, f"{prefix}{entry.name}/", found)
        else:
            found[prefix + entry.name] = _asset(entry.name, entry.read_bytes())


def _asset(name: str, content: bytes) -> Asset:
    zipped = compress(content, 9, mtime=0)
    small = zipped if len(zipped) < len(content) * _WORTH else None
    return Asset(_KINDS.get(name.rpartition(".")[2], _PLAIN), content, small, _digest(content))


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(sha256(content).digest())[:12].decode()


def _order(name: str) -> int:
    """Styles of all pages come first, what overrides them on a phone last."""
    return _FIRST.index(name) if name in _FIRST else 100 if name == _LAST else 99
