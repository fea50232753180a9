"""The console's own files: whole, unchanged, and served so that they are kept."""

import re
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

import pytest

from ratelimit.console import plain
from ratelimit.console.asset import STYLE, address, assets, edition
from tests.console.conftest import Serve

STATIC = Path(__file__).parents[2] / "ratelimit" / "console" / "static"
ROW = re.compile(r"^\| (\S+) \| .* \| `([0-9a-f]{64})` \|$", re.MULTILINE)
TEMPLATES = sorted((STATIC.parent / "templates").rglob("*.html"))


def test_files_of_others_are_as_published() -> None:
    """Each file under vendor/ stands in VENDORED.md with its digest, and each folder has a licence."""
    vendor = STATIC / "vendor"
    told = dict(ROW.findall((vendor / "VENDORED.md").read_text(encoding="utf-8")))
    files = {str(path.relative_to(vendor)): path for path in vendor.rglob("*") if path.is_file() and path.suffix and path.suffix != ".md"}
    assert {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == told
    assert [folder.name for folder in vendor.iterdir() if folder.is_dir() and not (folder / "LICENSE").is_file()] == []


async def test_served(serve: Serve) -> None:
    """A file asked for as a page names it may be kept for good; otherwise the browser asks again, and is told that it is the same."""
    browser = await serve(plain.routes())
    status, text, headers = await browser.get(address(STYLE))
    assert (status, "--canvas" in text, headers["Cache-Control"]) == (200, True, "public, max-age=31536000, immutable")
    assert headers["Content-Type"] == "text/css; charset=utf-8"
    for path in ("/static/js/app.js", "/static/edition-old/js/app.js"):
        status, _, headers = await browser.get(path)
        assert (status, headers["Cache-Control"], headers["Content-Type"]) == (200, "no-cache", "text/javascript; charset=utf-8")
    assert (await browser.get("/static/js/app.js", If_None_Match=headers["ETag"]))[0] == 304


async def test_what_a_file_names_is_there(serve: Serve) -> None:
    """Modules and fonts are named beside the file that needs them, so that they are of its edition, and each is there."""
    browser = await serve(plain.routes())
    for name, one in assets().items():
        if name.startswith(("vendor/", "css/")) or not name.endswith((".js", ".css")):
            continue
        for found in re.findall(r"""(?:from|import) "(\S+)"|url\("(\S+)"\)""", one.content.decode()):
            where = urljoin(address(name), found[0] or found[1])
            status, _, headers = await browser.get(where)
            assert (status, headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable"), where


async def test_compressed(serve: Serve) -> None:
    """Who takes gzip gets text compressed, and the same text; fonts are as they are."""
    browser = await serve(plain.routes())
    for path, coding in ((address(STYLE), "gzip"), ("/static/vendor/plex-mono/ibm-plex-mono-latin-400-normal.woff2", None)):
        async with browser.session.get(browser.base + path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers.get("Content-Encoding") == coding
            content = await answer.read()
        async with browser.session.get(browser.base + path, headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert await answer.read() == content


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/none.css",
        "/static/../render.py",
        "/static/%2e%2e/render.py",
        "/static/css",
        f"/static/{edition()}/",
        "/static/edition-/x",
    ],
)
async def test_nothing_else_is_served(serve: Serve, path: str) -> None:
    """What is not among them is not there."""
    browser = await serve(plain.routes())
    assert (await browser.get(path))[0] == 404


def test_styles_are_one_file() -> None:
    """The style sheet of all pages holds each of them, tokens first and the phone's last."""
    text = assets()[STYLE].content.decode()
    assert all(path.read_text(encoding="utf-8") in text for path in (STATIC / "css").glob("*.css"))
    assert text.index("--canvas:") < text.index(".bar {") < text.index(".tab-sheet form")


def test_every_icon_is_there() -> None:
    """Each icon that a template names by itself is in the sprite."""
    sprite = assets()["icon.svg"].content.decode()
    named = {name for path in TEMPLATES for name in re.findall(r"""(?:\bicon|\bkind)\(["']([\w-]+)""", path.read_text(encoding="utf-8"))}
    assert {name for name in named if f'id="{name}"' not in sprite} == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_keeps_to_the_policy_of_content(path: Path) -> None:
    """No template has a style, a script of its own, a handler, an address elsewhere, or text that is not escaped."""
    written = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape", written)
    text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", written, flags=re.DOTALL)
    assert not re.search(r"<style|\sstyle=(?!=)[\"']|\son[a-z]+=[\"']|javascript:|https?://|hx-on|hx-vars", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
