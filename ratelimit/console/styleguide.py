"""Every component in every state on one page: what other pages are made of, for eyes and for tests. It shows no data."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.render import Console, Toast
from ratelimit.web.reply import Reply
from ratelimit.web.route import Route

STYLEGUIDE: Final = "/styleguide"
_HOSTILE: Final = (
    "/wp-login.php?r=\0<script>",
    "Mozilla/5.0 \u202etxt.exe",
    '"><img src=x onerror=alert(1)>',
    "/v1/generate",
    "zero\u200bwidth and z\u0301\u0302\u0303\u0304\u0305algo",
)


class Reason(Struct, frozen=True):
    """A reason line. `signed` None: it has no number."""

    value: str
    words: str
    normal: str
    signed: float | None


class Guide(Struct, frozen=True):
    """What the page shows."""

    gauges: tuple[float, ...]
    reasons: tuple[Reason, ...]
    hostile: tuple[str, ...]
    toasts: tuple[Toast, ...]
    spark: tuple[float | None, ...]
    steps: tuple[dict[str, str], ...]


_GUIDE: Final = Guide(
    gauges=(-5.0, -4.0, -3.0, -2.1, -1.2, 0.0, 1.2, 2.1, 3.0, 4.0, 5.0, 7.0),
    reasons=(
        Reason("418", "addresses used this key in 24 h", "1–9", 4.9),
        Reason("31", "countries in 24 h", "1–3", 3.9),
        Reason("4 %", "variation in the gaps between requests", "38–210 %", -3.4),
    ),
    hostile=_HOSTILE,
    toasts=(
        Toast("Blocked key_5F3C91 for 24 h.", "On 12 of 12 sidecars after 0.4 s", "block", "/actions/1/undo"),
        Toast("Blocking key_5F3C91 …", "11 of 12 sidecars", "clock", "/actions/1/undo"),
        Toast("Undone.", "key_5F3C91 is throttled by risk again, to 15:20", "undo"),
    ),
    spark=(3, 4, 3, 5, 9, 14, 12, None, None, 6, 5, 4, 6, 5, 4),
    steps=(
        {"name": "Draft", "text": "17 Nov, Mira Keller", "state": "done"},
        {"name": "Backtest", "text": "30 days, 412 matches", "state": "done"},
        {"name": "Shadow", "text": "day 6 of 7", "state": "now"},
        {"name": "Canary", "text": "10 % of accounts, by hash", "state": "later"},
        {"name": "Live", "text": "blocks; second person needed", "state": "later"},
    ),
)


class Styleguide:
    """Answers with the page."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", STYLEGUIDE, self.page, role="viewer", page=True)]

    async def page(self, request: web.Request) -> Reply:
        """All components."""
        return await self._console.page(request, "styleguide.html", _GUIDE, section="", title="States")
