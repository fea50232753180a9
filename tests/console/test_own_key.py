"""Keys of one's own instead of the usual ones."""

import re
from pathlib import Path

import pytest

from ratelimit.console import plain
from ratelimit.console.own_key import ACTS, IN_USE, judge, pressed, read, written
from ratelimit.console.render import Console
from ratelimit.console.styleguide import STYLEGUIDE, Styleguide
from tests.console.conftest import Serve

TEMPLATES = Path(plain.__file__).parent / "templates"


def test_each_key_of_the_pages_can_be_another() -> None:
    """Whatever single key a template names is among those that can be changed."""
    names = re.compile(r"""data-key="(\D)"|[( ]"?(?:key|button)\((?:"[^"]*", )?"([^"\d])"[,)]|hint\("[^"]*", "(\D)",""")
    found = {next(filter(None, match)) for path in TEMPLATES.rglob("*.html") for match in names.findall(path.read_text()) if any(match)}
    assert {"b", "u", "?", "/", "v"} <= found
    assert found - {act.name for act in ACTS} == set()


def test_kept_and_read() -> None:
    """Only what is not usual is kept, whatever sign it is, and comes back as it was."""
    own, wrong = judge([("b", "Q"), ("g q", "w"), ("n", "ö"), ("/", "&"), ("t", "t"), ("s", ""), ("none", "x")])
    assert (own, wrong) == ({"b": "q", "g q": "w", "n": "ö", "/": "&"}, {})
    assert written(own).isascii()
    assert read(written(own)) == own


def test_exchanged() -> None:
    """Two keys can be exchanged for one another; what follows g may be what does something else alone."""
    assert judge([("b", "t"), ("t", "b")]) == ({"b": "t", "t": "b"}, {})
    assert judge([("g q", "b")]) == ({"g q": "b"}, {})


@pytest.mark.parametrize(
    ("given", "where", "said"),
    [
        (("b", "t"), "b", "t is the key of: Throttle"),
        (("t", "b"), "t", "b is the key of: Block"),
        (("g q", "t"), "g q", "t is the key of: Go: traffic"),
        (("b", "5"), "b", "'5' is no single key"),
        (("b", "xy"), "b", "'xy' is no single key"),
        (("b", "\u0007"), "b", "is no single key"),
    ],
)
def test_conflicts(given: tuple[str, str], where: str, said: str) -> None:
    """A key that does something else already, or is none, is said where it was put."""
    _, wrong = judge([given])
    assert list(wrong) == [where]
    assert said in wrong[where]


@pytest.mark.parametrize("text", ["b=t", "b=xx", "b=%00", "x" * 3_000, "=&=", "b", "&" * 1_000])
def test_what_is_not_sound_is_none(text: str) -> None:
    """A cookie that somebody made up changes nothing."""
    assert read(text) == {}


def test_hints() -> None:
    """A hint shows what is to be pressed, also after g."""
    token = IN_USE.set({"b": "q", "g": ";", "g n": "m"})
    assert [pressed(name) for name in ("b", "a", "g n", "g q", "ctrl enter")] == ["q", "a", "; m", "; q", "ctrl enter"]
    IN_USE.reset(token)


async def test_a_page_has_them(serve: Serve, console: Console) -> None:
    """They are on the page for its scripts and in its hints, for this browser alone, and stay when looks change."""
    browser = await serve([*plain.routes(), *Styleguide(console).routes()])
    own = written({"b": "q", "/": "<"})
    _, page, _ = await browser.get(STYLEGUIDE, Cookie=f"ratelimit_look=system.on.{own}")
    assert 'data-own="b=q&amp;%2F=%3C"' in page
    assert '<kbd class="key" aria-hidden="true">q</kbd>' in page
    assert '<kbd class="key" aria-hidden="true">&lt;</kbd>' in page
    assert '<kbd class="key" aria-hidden="true">b</kbd>' not in page
    _, page, _ = await browser.get(STYLEGUIDE)
    assert "data-own" not in page
    _, _, headers = await browser.post("/preferences", {"theme": "dark"}, Cookie=f"ratelimit_look=system.on.{own}")
    assert f"dark.on.{own};" in headers["Set-Cookie"]
