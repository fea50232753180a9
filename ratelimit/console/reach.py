"""Says how far an act has got: on how many of the sidecars that live it is in force, and after how long it was on the last of them.

An act's answer waits until the first sidecar has confirmed it. What is said then asks on by itself until all have, or ten seconds are over.
"""

from binascii import a2b_hex
from typing import Annotated, Final, Protocol
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from ratelimit.console.render import Console, Far, Toast
from ratelimit.console.wording import several, short_time
from ratelimit.core.deed import ActionState, DeedThen
from ratelimit.core.reach import Reach
from ratelimit.core.standing_change import NO_REVISION
from ratelimit.review.deed import WORDS
from ratelimit.service.ask import StoreAwayError
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply
from ratelimit.web.route import Route

REACH: Final = "/reach"
WAITING: Final[frozenset[ActionState]] = frozenset({"intended", "undoing"})  # states of deeds that the store was not told of
STORE_AWAY: Final = "The store does not answer; it comes into force as soon as it does"
_FIRST_S: Final = 1.0  # for which an act waits for the first sidecar
_LOOK_S: Final = 2.0  # for which one question waits for all of them
_LOOKS: Final = 5
_DIGITS: Final = 2 * len(NO_REVISION)
_HEARD_OF: Final[frozenset[DeedThen]] = frozenset({*WORDS, "hold", "release", "revoke"})  # those that sidecars hear of


class Reaching(Protocol):
    """What knows it; all questions raise StoreAwayError."""

    @property
    def revision(self) -> bytes:
        """That of the latest change that was made here."""

    async def of(self, revision: bytes) -> Reach:
        """How far it is now."""

    async def until_first(self, revision: bytes, patience_s: float) -> Reach:
        """How far it is once it is anywhere."""

    async def until_whole(self, revision: bytes, patience_s: float) -> Reach:
        """How far it is once it is everywhere."""


class Asked(Struct, frozen=True):
    """What is asked for: a revision in hexadecimal digits, for the which time, and whether it is one of rules."""

    of: Annotated[str, Meta(min_length=_DIGITS, max_length=_DIGITS)]
    look: int = 1
    rules: bool = False


class Reaches:
    """Puts it into what is told of an act, and answers as that asks on."""

    def __init__(self, console: Console, book: Reaching, rules: Reaching | None = None) -> None:
        self._console, self._book, self._rules = console, book, rules

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", REACH, self.ask, role="analyst", page=True, by_itself=True)]

    async def told(self, toast: Toast, then: DeedThen = "block") -> Toast:
        """What is told of such an act, with how far it has got."""
        revision = self._book.revision
        if then not in _HEARD_OF or revision == NO_REVISION:
            return toast
        try:
            found = await self._book.until_first(revision, _FIRST_S)
        except StoreAwayError:
            return toast
        return replace(toast, reach=far(found, revision))

    async def told_of_rules(self, toast: Toast) -> Toast:
        """What is told of a change of rules, with how far it has got by now."""
        if self._rules is None:
            return toast
        revision = self._rules.revision
        try:
            return replace(toast, reach=far(await self._rules.of(revision), revision, rules=True))
        except StoreAwayError:
            return toast

    async def ask(self, request: web.Request) -> Reply:
        """How far it is by now."""
        asked, revision = _asked(request)
        book = self._rules if asked.rules and self._rules is not None else self._book
        try:
            found = await book.until_whole(revision, _LOOK_S)
        except StoreAwayError:
            return await self._console.part(request, "reach.html", Far("The store does not say how far it has got"))
        return await self._console.part(request, "reach.html", far(found, revision, asked.look, rules=asked.rules))


def far(found: Reach, revision: bytes, look: int = 0, *, rules: bool = False) -> Far:
    """How it is said, after so many looks."""
    if not found.sidecars:
        return Far("No sidecar runs now; those that start obey it")
    many = f"{found.reached} of {several(found.sidecars, 'sidecar')}"
    if found.whole:
        return Far(f"On {many}" if found.after_s is None else f"On {many} after {short_time(found.after_s)}")
    if look < _LOOKS:
        asked = {"of": revision.hex(), "look": str(look + 1), **({"rules": "true"} if rules else {})}
        return Far(f"{many} so far", f"{REACH}?{urlencode(asked)}")
    return Far(f"On {many}; the others have said nothing for {_LOOKS * _LOOK_S:.0f} s")


def _asked(request: web.Request) -> tuple[Asked, bytes]:
    try:
        asked = msgspec.convert(dict(request.query), Asked, strict=False)
        return asked, a2b_hex(asked.of)  # bytes.fromhex passes over spaces
    except (msgspec.ValidationError, ValueError):
        raise ClientError(422, f"of: expected {_DIGITS} hexadecimal digits, as an act says them, and look: a number") from None
