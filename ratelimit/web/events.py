"""`POST /v1/events`: what became known after the answer, as NDJSON, one event a line.

A line that is wrong is refused and said, and spoils no other; so the status is 202, with counts, whatever is in the lines. A body in which
no line is a JSON object is not NDJSON: that is a problem with 400, since who sends it means something else.

A retried upload counts once where its lines have a `decision_id`, as long as this process remembers it; lines without one cannot be told
apart. Uploads are taken in one after another, some lines in each turn of the loop, so that no decision waits for a large one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Final

import msgspec
from aiohttp.web import BaseRequest
from msgspec import Struct

from ratelimit.core.address import caller_prefix, format_address, parse_address
from ratelimit.core.event import Event, RefusedEventError, check, decode, time_us
from ratelimit.core.expectation import shown
from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.message import Lived, Message, Replied
from ratelimit.core.units import US_PER_S
from ratelimit.core.usage_event import answered, lived
from ratelimit.service.latest_ids import LatestIds
from ratelimit.service.limiter import Limiter
from ratelimit.web.body import MAX_BATCH_BODY, MAX_BODY, Misfit, misfit, read_body, whole_body
from ratelimit.web.counts import ACCEPTED, REPEATED, Counts
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply

MOST_PROBLEMS: Final = 20
_LONGEST_AGENT: Final = 512
_AT_ONCE: Final = 32  # lines in one turn of the loop: some 0.4 ms
_TOLD_AT_ONCE: Final = 500  # statuses in one message to the ledger: some 15 KB
_NOT_SAID: Final = Misfit("$", "")


class EventProblem(Struct, frozen=True):
    """Why a line was refused; lines count from 1, `path` is the JSON path of the wrong field."""

    line: int
    path: str
    detail: str


class EventCounts(Struct, frozen=True):
    """What became of an upload: every line that is not blank is accepted, refused or repeated. The first problems are listed."""

    accepted: int
    refused: int
    repeated: int
    problems: list[EventProblem]


class Events:
    """The call. `wall` is the seconds since the epoch; `tell` is told how requests were answered and what happened in accounts' lives."""

    def __init__(
        self,
        limiter: Limiter,
        keys: ApiKeys,
        counts: Counts,
        wall: Callable[[], float],
        tell: Callable[[Message], None] | None = None,
    ) -> None:
        self._tell = tell
        self._limiter, self._keys, self._counts, self._wall = limiter, keys, counts, wall
        self._ids = LatestIds()
        self._statuses: list[tuple[str, int]] = []  # by decision, still to be told
        self._turn = asyncio.Lock()

    async def take(self, request: BaseRequest) -> Reply:
        """Count every line."""
        body = whole_body(request, MAX_BATCH_BODY)
        if body is None:
            body = await read_body(request, MAX_BATCH_BODY)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ClientError(415, "the body has a Content-Encoding; send it as it is", headers={"Accept-Encoding": "identity"})
        async with self._turn:
            return json_reply(202, await self._take(body))

    async def _take(self, body: bytes) -> EventCounts:
        found: Counter[str] = Counter()
        problems: list[EventProblem] = []
        now_us = int(self._wall() * US_PER_S)
        for number, line in enumerate(_lines(body), 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if not line or line.isspace():
                continue
            explain = len(problems) < MOST_PROBLEMS
            try:
                found[self._take_line(line, now_us, explain=explain)] += 1
            except RefusedEventError as refused:
                found[refused.refusal] += 1
                if explain:
                    problems.append(EventProblem(number, refused.path, refused.detail))
                    await asyncio.sleep(0)  # to find what was meant takes as long as twenty good lines
        self._tell_statuses()
        self._counts.events.update(found)
        if problems and found.keys() == {"unreadable"}:
            raise ClientError(
                400, f"the body is not NDJSON; expected a JSON object a line, and line {problems[0].line} {problems[0].detail}"
            )
        not_counted = found.total() - found[ACCEPTED] - found[REPEATED]
        return EventCounts(found[ACCEPTED], not_counted, found[REPEATED], problems)

    def _take_line(self, line: bytes, now_us: int, *, explain: bool) -> str:
        """What became of it; raises RefusedEventError, which says where and what where it is to `explain`."""
        event = _decoded(line, explain=explain)
        check(event, now_us)
        caller = self._caller(event)
        usage = self._limiter.usage
        if usage is None:
            raise RefusedEventError("signals_off", "$", "cannot be counted: RATELIMIT_SIGNALS is off")
        if event.decision_id is not None and not self._ids.meets(event.decision_id):
            return REPEATED
        told = answered(caller, event.status or 0, event.bytes or 0) if event.type == "request" else lived(caller, event.type)
        if told is not None:
            usage.tell(told)
        if self._tell is not None and event.type != "request":
            self._tell(self._lived(event, caller))
        elif event.decision_id is not None and event.status is not None and _is_an_id(event.decision_id):
            self._statuses.append((event.decision_id, event.status))
            if len(self._statuses) >= _TOLD_AT_ONCE:
                self._tell_statuses()
        return ACCEPTED

    def _tell_statuses(self) -> None:
        if self._tell is not None and self._statuses:
            self._tell(Replied(tuple(self._statuses)))
        self._statuses = []

    def _lived(self, event: Event, caller: Caller) -> Lived:
        """What the ledger is told. A line without an id cannot be told from the same told again."""
        prefix, ip = self._limiter.policy.identity.ipv6_prefix, caller.ip
        return Lived(
            event.decision_id or f"e-{token_hex(8)}",
            time_us(event) / US_PER_S,
            event.type,
            caller.account,
            caller.api_key,
            format_address(ip, None if len(ip) == 4 else prefix) if ip is not None else None,
            event.user_agent[:_LONGEST_AGENT] if event.user_agent is not None else None,
        )

    def _caller(self, event: Event) -> Caller:
        packed = None
        if event.ip is not None:
            address = parse_address(event.ip)
            if address is None:
                raise RefusedEventError("invalid", "$.ip", f"{shown(event.ip)} is not an address; expected one such as 203.0.113.7")
            packed = caller_prefix(address, self._limiter.policy.identity.ipv6_prefix)
        key = self._keys.digest(event.api_key) if event.api_key is not None else None
        return Caller(key, packed, event.account, event.plan)


def _lines(body: bytes) -> Iterator[bytes]:
    """One after another: to split a megabyte of them at once takes longer than a turn of the loop may."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        yield body[start:end]
        start = end + 1


def _is_an_id(text: str) -> bool:
    """Whether it can be one that we told: no decision has another, and no database takes all that a line can say."""
    return text.isascii() and text.isprintable()


def _decoded(line: bytes, *, explain: bool) -> Event:
    if len(line) > MAX_BODY:
        raise RefusedEventError("unreadable", "$", f"has {len(line)} bytes; expected at most {MAX_BODY}")
    try:
        return decode(line)
    except msgspec.ValidationError as error:
        if not line.lstrip().startswith(b"{"):
            raise RefusedEventError("unreadable", "$", "is no JSON object") from None
        found = misfit(str(error), Event) if explain else _NOT_SAID
        raise RefusedEventError("invalid", found.path, found.text) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedEventError("unreadable", "$", "is no JSON object in UTF-8") from None
