"""How far an act has got, as it is told."""

from html import unescape

import pytest

from ratelimit.console.reach import Reaches, far
from ratelimit.console.render import Console, Toast
from ratelimit.core.reach import Reach
from ratelimit.core.standing_change import revision
from ratelimit.service.ask import StoreAwayError
from tests.console.conftest import Serve

OF = revision(b"1795959127000-0")
DONE = Toast("Blocked key_5F3C91 for 24 h.", glyph="block", undo="/actions/1/undo")


class Book:
    """Says what it is told to; None: the store is away."""

    revision = OF

    def __init__(self, first: Reach | None, then: Reach | None = None) -> None:
        self._first, self._then = first, then

    async def of(self, _revision: bytes) -> Reach:
        return self._or_away(self._first)

    async def until_first(self, _revision: bytes, _patience_s: float) -> Reach:
        return self._or_away(self._first)

    async def until_whole(self, revision: bytes, _patience_s: float) -> Reach:
        assert revision == OF
        return self._or_away(self._then)

    def _or_away(self, found: Reach | None) -> Reach:
        if found is None:
            raise StoreAwayError
        return found


@pytest.mark.parametrize(
    ("found", "look", "text", "asks"),
    [
        (Reach(12, 12, 0.4), 0, "On 12 of 12 sidecars after 0.4\u00a0s", False),
        (Reach(1, 1, 0.004), 0, "On 1 of 1 sidecar after 0.01\u00a0s", False),
        (Reach(12, 11, 0.4), 0, "11 of 12 sidecars so far", True),
        (Reach(12, 0), 4, "0 of 12 sidecars so far", True),
        (Reach(12, 11, 0.4), 5, "On 11 of 12 sidecars; the others have said nothing for 10 s", False),
        (Reach(0, 0), 0, "No sidecar runs now; those that start obey it", False),
    ],
)
def test_words(found: Reach, look: int, text: str, asks: bool) -> None:
    """It is said as a sentence, which asks on as long as some are missing, and ends by itself."""
    said = far(found, OF, look)
    assert (said.text, bool(said.more)) == (text, asks)


async def test_it_asks_on(serve: Serve, console: Console) -> None:
    """A toast that does not tell of all sidecars names where to ask, and what is answered there is the end of it."""
    reaches = Reaches(console, Book(Reach(12, 11, 0.4), Reach(12, 12, 1.25)))
    toast = await reaches.told(DONE, "block")
    assert toast.reach is not None
    browser = await serve(reaches.routes())
    status, text, _ = await browser.get(toast.reach.more)
    assert (status, "hx-get" in text, "On 12 of 12 sidecars after 1.2" in unescape(text)) == (200, False, True)


async def test_what_no_sidecar_hears_of(console: Console) -> None:
    """A label is no word that stands; and where the store is away nothing is claimed."""
    assert await Reaches(console, Book(Reach(1, 1, 0.1))).told(DONE, "label") == DONE
    assert await Reaches(console, Book(None)).told(DONE, "block") == DONE


async def test_the_store_goes_away(serve: Serve, console: Console) -> None:
    """That it is not known is said, and asked no more."""
    browser = await serve(Reaches(console, Book(Reach(1, 0))).routes())
    status, text, _ = await browser.get(f"/reach?of={OF.hex()}")
    assert (status, "hx-get" in text, "does not say" in text) == (200, False, True)


@pytest.mark.parametrize(
    "query", ["", "of=", "of=00", f"of={'zz' * 12}", f"of={'%20' * 24}", f"of={'ab' * 11}%20%20", f"of={OF.hex()}&look=x"]
)
async def test_mistakes(serve: Serve, console: Console, query: str) -> None:
    """What is no revision is the client's mistake."""
    browser = await serve(Reaches(console, Book(None)).routes())
    assert (await browser.get(f"/reach?{query}"))[0] == 422


async def test_of_rules(serve: Serve, console: Console) -> None:
    """A change of rules is told of those who have it, without a time, and asks on in the same way."""
    reaches = Reaches(console, Book(None), Book(Reach(12, 3), Reach(12, 12)))
    toast = await reaches.told_of_rules(Toast("Live."))
    assert toast.reach is not None
    assert toast.reach.text == "3 of 12 sidecars so far"
    browser = await serve(reaches.routes())
    status, text, _ = await browser.get(toast.reach.more)
    assert (status, "hx-get" in text, "On 12 of 12 sidecars" in text) == (200, False, True)
    assert await Reaches(console, Book(None)).told_of_rules(DONE) == DONE
    assert await Reaches(console, Book(None), Book(None)).told_of_rules(DONE) == DONE
