"""What happens on the demonstration's site from now on: asked of the gateway lane over HTTP, as a gateway and a checkout would.

Requests come as fast as on a site of its size. Honest customers buy more often than that, and what the payment service tells after days
comes within minutes, so that there is something to see; attacks begin soon, and again and again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from aiohttp import ClientError, ClientSession

from ratelimit.anomaly.simulation.purchase import Purchase
from ratelimit.anomaly.simulation.row import DAY_MS
from ratelimit.anomaly.simulation.text import purchase_line
from ratelimit.core.log_entry import REQUEST, Entry
from ratelimit.core.purchase_event import Bought
from ratelimit.core.purchase_log import events_of
from ratelimit.core.units import US_PER_S
from ratelimit.demo.bank import Told, signature, told_of
from ratelimit.demo.site import Site
from ratelimit.demo.strike import WORDS, strike
from ratelimit.web.stripe import WEBHOOK

MORE_OFTEN: Final = 40.0  # than they would, honest customers buy
HURRY: Final = 1_500.0  # a day of the payment service takes a minute
FIRST_S: Final = 45.0  # until the first attack, for whoever has just logged in
NEXT_S: Final = 150.0
_LATE_S: Final = 60.0  # what is late by more was slept through, with the machine
_KNOWN: Final = 409  # it was bought before the last start
_MS: Final = 1_000


class Lanes(NamedTuple):
    """Where the gateway lane and the operator lane listen, and what the payment service signs with."""

    gateway: str
    operator: str
    secret: str


class Live:
    """Asks for ever what the people of `site` ask; `say` is told of attacks."""

    def __init__(self, site: Site, lanes: Lanes, seed: int, say: Callable[[str], None]) -> None:
        self._site, self._lanes, self._seed, self._say = site, lanes, seed, say
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, later: Iterable[Told]) -> None:
        """For ever; `later` is what the payment service is still to tell of the past."""
        async with ClientSession(self._lanes.gateway) as gateway, ClientSession(self._lanes.operator) as operator:
            self._gateway, self._operator = gateway, operator
            now = time.time()
            try:
                for told in later:
                    self._begin(self._bank(told._replace(at=now + (told.at - now) / HURRY)))
                await asyncio.gather(self._requests(), self._purchases(), self._strikes())
                await asyncio.Event().wait()
            finally:
                await self._end()

    async def _requests(self) -> None:
        entries = self._site.later()
        while (entry := await asyncio.to_thread(next, entries, None)) is not None:
            at = entry.time_us / US_PER_S
            if at > time.time() - _LATE_S:
                await _until(at)
                await self._request(entry)

    async def _purchases(self) -> None:
        now_s = time.time()
        for bought in await asyncio.to_thread(self._site.later_purchases):
            await _until(now_s + (bought.time_ms / _MS - now_s) / MORE_OFTEN)
            await self._purchase(bought)

    async def _strikes(self) -> None:
        await asyncio.sleep(FIRST_S)
        kinds = tuple(WORDS)
        for number in count():
            kind = kinds[number % len(kinds)]
            midnight_ms = round(time.time() * _MS) // DAY_MS * DAY_MS
            found = await asyncio.to_thread(strike, kind, midnight_ms, self._seed + round(time.time()))
            self._say(f"  {time.strftime('%H:%M:%S', time.gmtime())} UTC, an attack begins: {WORDS[kind]}")
            began = time.time()
            for after_s, bought in found.purchases:
                self._begin(self._later(began + after_s, self._purchase, bought))
            self._begin(self._attack(began, found.requests))
            await asyncio.sleep(NEXT_S)

    async def _attack(self, began: float, requests: Iterable[tuple[float, Entry]]) -> None:
        for after_s, entry in requests:
            await _until(began + after_s)
            await self._request(entry)

    async def _request(self, entry: Entry) -> None:
        """Ask, and tell how it was answered where it was let through."""
        if entry.kind == REQUEST:
            asked = {
                "api_key": entry.api_key,
                "ip": entry.ip,
                "account": entry.account,
                "plan": entry.plan,
                "method": entry.method,
                "path": entry.path,
                "cost": entry.cost,
                "user_agent": entry.user_agent,
            }
            answer = await _post(self._gateway, "/v1/check", _known(asked))
            if answer.get("decision") != "allow":
                return
        told: dict[str, Any] = {"time": time.time(), "api_key": entry.api_key, "ip": entry.ip, "account": entry.account}
        if entry.kind == REQUEST:
            told |= {"method": entry.method, "path": entry.path, "status": entry.status, "user_agent": entry.user_agent}
        else:
            told["type"] = entry.kind
        await _post(self._gateway, "/v1/events", _known(told))

    async def _purchase(self, bought: Purchase) -> None:
        """Ask, and have the payment service tell what becomes of it where it was not refused."""
        now = time.time()
        since_ms = bought.account_created_ms
        if since_ms > now * _MS:  # somebody new: as new as they would have been
            since_ms -= bought.time_ms - round(now * _MS)
        answer = await _post(self._gateway, "/v1/purchases", _body(bought._replace(account_created_ms=since_ms)))
        if answer.get("action") in {"accept", "hold", "challenge"}:
            for told in told_of(bought, now, HURRY):
                self._begin(self._bank(told))

    async def _bank(self, told: Told) -> None:
        await _until(told.at)
        headers = {"Stripe-Signature": signature(told.body, self._lanes.secret), "Content-Type": "application/json"}
        await _post(self._operator, WEBHOOK, told.body, headers)

    async def _later(self, at: float, do: Callable[[Purchase], Awaitable[None]], bought: Purchase) -> None:
        await _until(at)
        await do(bought)

    async def _end(self) -> None:
        """Leave what was begun, before the connections go that it asks over."""
        begun = list(self._tasks)
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _body(bought: Purchase) -> dict[str, Any]:
    event = next(events_of(purchase_line(bought)))
    assert isinstance(event, Bought), "an attempt comes first"  # noqa: S101
    fields: dict[str, Any] = msgspec.to_builtins(event.purchase)
    card = _known(fields.pop("card") or {})
    return _known(fields) | ({"card": card} if card else {})


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


async def _until(at: float) -> None:
    if (wait := at - time.time()) > 0:
        await asyncio.sleep(wait)


async def _post(session: ClientSession, path: str, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    try:
        async with session.post(path, data=encoded, headers=headers or {"Content-Type": "application/json"}) as answer:
            text = await answer.read()
            if answer.status >= 400 and answer.status != _KNOWN:
                _log.warning(
                    "the demonstration was answered with an error",
                    path=path,
                    status=answer.status,
                    said=text[:200].decode("utf-8", "replace"),
                )
            found = msgspec.json.decode(text) if text else {}
            return found if isinstance(found, dict) else {}
    except (ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
        _log.debug("the demonstration's lane was not answered", path=path, error=str(error))
        return {}


_log = structlog.get_logger()
