"""Overrides and lists on the operator lane: what people say about subjects and entities, and what the policy's lists say.

A raw value that comes in (an API key, a card's fingerprint) is turned into what stands for it at once, and never comes out again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, get_args

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.expectation import meant, shown
from ratelimit.core.list_item import ItemError
from ratelimit.core.listing import PolicyList
from ratelimit.core.masked import whom_of
from ratelimit.core.override import OverrideAsked, OverrideError
from ratelimit.core.policy import Policy
from ratelimit.core.principal import Principal, Role
from ratelimit.core.standing import MOST_STANDING, Scope, Standing, StandingSource, Target, Then
from ratelimit.review.alone import TOO_LONG, alone_too_long
from ratelimit.review.words import EDITED, ENDED, MADE
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.overrides import OF_DEED, NoOverrideError, Overrides
from ratelimit.service.standings import FullError
from ratelimit.web.body import MAX_BODY, read_body, undecodable
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

OVERRIDES: Final = "/v1/overrides"
OVERRIDE: Final = f"{OVERRIDES}/{{id}}"
LISTS: Final = "/v1/lists"

Note = Callable[[str, Standing, Principal, str], Awaitable[None]]  # the kind of entry, the word, who, and why

_MOST_SHOWN: Final = 1_000
_SOURCES: Final[Mapping[str, StandingSource]] = {source: source for source in get_args(StandingSource)}
_LONGEST: Final = {"author": 100, "reason": 500}


class BucketView(Struct, frozen=True):
    """A bucket in the words of a policy."""

    capacity: int
    refill: str


class OverrideView(Struct, frozen=True, kw_only=True):
    """A word that stands. Times are seconds since the epoch; `until` null: until it is taken away. `version` counts its edits from 1."""

    id: str
    target: str
    then: Then
    source: StandingSource
    reason: str
    author: str
    made_at: float
    until: float | None
    scope: Scope
    bucket: BucketView | None
    limit: str | None
    version: int


class OverridesView(Struct, frozen=True):
    """Words, latest first; `all` is how many there are, of which at most 1,000 are shown."""

    overrides: list[OverrideView]
    all: int


class ListView(Struct, frozen=True, kw_only=True):
    """A list of the policy: what it says, or the signal that it feeds, and how many items it has. `in_force`: it has not ended."""

    name: str
    then: Literal["allow", "block"] | None
    signal: str | None
    reason: str
    file: str | None
    entries: int
    until: str | None
    in_force: bool
    scope: Scope
    mode: str


class ListsView(Struct, frozen=True):
    """The lists of the policy in force, in its order."""

    lists: list[ListView]


class OverrideCalls:
    """Shows, makes, edits and takes away; `note` writes into the audit what was done.

    A person or a token is the author of what they say; the deployment's own token says who is.
    """

    def __init__(self, overrides: Overrides, policy: Callable[[], Policy], wall: Callable[[], float], note: Note | None = None) -> None:
        self._overrides, self._policy, self._wall, self._note = overrides, policy, wall, note

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", OVERRIDES, self.list, role="viewer", scope="overrides:read", early=True),
            Route("POST", OVERRIDES, self.add, role="analyst", scope="overrides:write", early=True),
            Route("GET", OVERRIDE, self.get, role="viewer", scope="overrides:read", early=True),
            Route("PUT", OVERRIDE, self.edit, role="analyst", scope="overrides:write", early=True),
            Route("DELETE", OVERRIDE, self.drop, role="analyst", scope="overrides:write", early=True),
            Route("GET", LISTS, self.lists, role="viewer", scope="overrides:read", early=True),
        ]

    async def list(self, request: web.Request) -> Reply:
        """Those that stand; `target` and `source` choose among them."""
        _known(request, ("target", "source"))
        asked, text = request.query.get("source", "override"), request.query.get("target")
        source = _SOURCES.get(asked)
        if source is None:
            near = meant(asked, _SOURCES)
            raise ClientError(422, f"source: {shown(asked)} is not allowed{near}; expected one of {', '.join(_SOURCES)}")
        found, count = self._overrides.latest(_MOST_SHOWN, source, self._target(text) if text is not None else None)
        return json_reply(200, OverridesView([override_view(word, request[PRINCIPAL].role) for word in found], count))

    async def get(self, request: web.Request) -> Reply:
        """One."""
        try:
            return json_reply(200, override_view(self._overrides.get(request.match_info["id"]), request[PRINCIPAL].role))
        except NoOverrideError:
            raise _unknown() from None

    async def add(self, request: web.Request) -> Reply:
        """Make one: 201; or, where it is only tried, 200 and what would be said."""
        asked = await self._asked(request)
        if asked.dry_run:
            return json_reply(200, self._judged(asked))
        return json_reply(201, await self._do(request, MADE, self._overrides.add(asked), asked.reason))

    async def edit(self, request: web.Request) -> Reply:
        """Say something else in the place of one."""
        asked = await self._asked(request)
        id = _editable(request)
        if asked.dry_run:
            return json_reply(200, self._judged(asked))
        return json_reply(200, await self._do(request, EDITED, self._overrides.edit(id, asked), asked.reason))

    async def drop(self, request: web.Request) -> Reply:
        """Take one away; the answer is what it was, so it can be made again."""
        _known(request, tuple(_LONGEST))
        author, reason = (_text(request, name) for name in _LONGEST)
        drop = self._overrides.drop(_editable(request), _author(request[PRINCIPAL], author), reason)
        return json_reply(200, await self._do(request, ENDED, drop, reason))

    async def lists(self, _request: web.Request) -> Reply:
        """Those of the policy."""
        now_s = self._wall()
        return json_reply(200, ListsView([list_view(it, now_s) for it in self._policy().lists.all]))

    async def _asked(self, request: web.Request) -> OverrideAsked:
        body = await read_body(request, MAX_BODY)
        try:
            asked: OverrideAsked = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise undecodable(request, body, error, OverrideAsked) from None
        who = request[PRINCIPAL]
        asked = replace(asked, author=_author(who, asked.author))
        if who.via != "operator":
            word = self._judge(asked)
            if alone_too_long(word, self._overrides.locks_out, self._overrides.about(word.target)):
                raise ClientError(422, f"$.for: {TOO_LONG}", path="$.for")
        return asked

    async def _do(self, request: web.Request, kind: str, work: Awaitable[Standing], reason: str) -> OverrideView:
        word = await _said(work)
        if self._note is not None:
            await self._note(kind, word, request[PRINCIPAL], reason)
        return override_view(word)

    def _judged(self, asked: OverrideAsked) -> OverrideView:
        return override_view(self._judge(asked))

    def _judge(self, asked: OverrideAsked) -> Standing:
        try:
            return self._overrides.word(asked)
        except OverrideError as error:
            raise ClientError(422, str(error), path=error.path) from None

    def _target(self, text: str) -> Target:
        try:
            return self._overrides.target(text)
        except ItemError as error:
            raise ClientError(422, f"target: {error}") from None


async def _said(word: Awaitable[Standing]) -> Standing:
    """What became of it, or the problem why nothing did."""
    try:
        return await word
    except OverrideError as error:
        raise ClientError(422, str(error), path=error.path) from None
    except NoOverrideError:
        raise _unknown() from None
    except FullError:
        raise ClientError(409, f"{MOST_STANDING} words stand already; take some away, or put many subjects on a list") from None
    except StoreAwayError:
        raise ClientError(503, "the store is away, and nothing was changed as far as is known; look, and try again") from None


def override_view(word: Standing, role: Role = "admin") -> OverrideView:
    """A word as it is shown to somebody of that role: to a viewer, whom it is about in part, and not why."""
    bucket = None if word.bucket is None else BucketView(word.bucket.capacity, str(word.bucket.refill))
    return OverrideView(
        id=word.id,
        target=whom_of(str(word.target), role) or "",
        then=word.then,
        source=word.source,
        reason=word.reason if role != "viewer" else "",
        author=word.author,
        made_at=word.made_at,
        until=word.until,
        scope=word.scope,
        bucket=bucket,
        limit=word.limit,
        version=word.version,
    )


def list_view(it: PolicyList, now_s: float) -> ListView:
    """A list as it is shown."""
    rule = it.rule
    return ListView(
        name=rule.name,
        then=rule.then,
        signal=rule.signal,
        reason=rule.reason,
        file=rule.file,
        entries=it.entries,
        until=rule.until,
        in_force=it.lasts(now_s),
        scope=rule.scope,
        mode=it.mode,
    )


def _known(request: web.Request, names: tuple[str, ...]) -> None:
    for name in request.query:
        if name not in names:
            raise ClientError(400, f"{shown(name)} is not understood in the query{meant(name, names)}; expected {', '.join(names)}")
        if len(request.query.getall(name)) > 1:
            raise ClientError(400, f"{name} is there several times in the query; expected it once")


def _author(who: Principal, said: str) -> str:
    return said if who.via == "operator" else who.login


def _text(request: web.Request, name: str) -> str:
    text, most = request.query.get(name, "").strip(), _LONGEST[name]
    if not 0 < len(text) <= most:
        raise ClientError(400, f"{name} is missing in the query, or longer than {most} characters; expected who takes it away, and why")
    return text


def _editable(request: web.Request) -> str:
    id = request.match_info["id"]
    if id.startswith(OF_DEED):
        raise ClientError(409, "this word stands by a deed; undo that, see /v1/actions, so that what stood before stands again")
    return id


def _unknown() -> ClientError:
    return ClientError(404, "no override of that id stands; it may have ended, see /v1/overrides")


_decode: Final = msgspec.json.Decoder(OverrideAsked).decode
