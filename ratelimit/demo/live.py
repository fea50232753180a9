"""What happens on the demonstration's site from now on: asked of the gateway lane over HTTP, as a gateway and a checkout would.

Time there is faster than here, so that there is something to see.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import structlog
from aiohttp import ClientError, ClientSession

from ratelimit.core.log_entry import REQUEST, Entry
from ratelimit.core.purchase_event import Bought, PurchaseEvent
from ratelimit.core.units import US_PER_S
from ratelimit.demo.site import Site

FASTER: Final = 8.0  # than time goes by
_LONGEST_WAIT_S: Final = 5.0

_log = structlog.get_logger()


class Live:
    """Asks for ever what the people of `site` ask, of the gateway lane at `url`."""

    def __init__(self, site: Site, url: str) -> None:
        self._site, self._url = site, url
        self._now_s = site.now_ms / 1_000

    async def run(self) -> None:
        """Until the day is over, and then wait for nothing."""
        async with ClientSession(self._url) as session:
            await asyncio.gather(self._requests(session), self._purchases(session))
        await asyncio.Event().wait()

    async def _requests(self, session: ClientSession) -> None:
        entries = self._site.later()
        while (entry := await asyncio.to_thread(next, entries, None)) is not None:
            await self._until(entry.time_us / US_PER_S)
            if entry.kind == REQUEST:
                await self._ask(session, entry)
            await self._tell(session, entry)

    async def _purchases(self, session: ClientSession) -> None:
        for events in await asyncio.to_thread(lambda: list(self._site.later_purchases())):
            bought = events[0]
            if isinstance(bought, Bought):
                await self._until(bought.at)
                await _post(session, "/v1/purchases", _body(events))

    async def _until(self, at: float) -> None:
        """Wait until it is that time on the site."""
        wait = (at - self._now_s) / FASTER - (time.time() - self._site.now_ms / 1_000)
        if wait > 0:
            await asyncio.sleep(min(wait, _LONGEST_WAIT_S))

    async def _ask(self, session: ClientSession, entry: Entry) -> None:
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
        await _post(session, "/v1/check", {name: value for name, value in asked.items() if value is not None})

    async def _tell(self, session: ClientSession, entry: Entry) -> None:
        told: dict[str, Any] = {"time": time.time(), "api_key": entry.api_key, "ip": entry.ip, "account": entry.account}
        if entry.kind == REQUEST:
            told |= {"method": entry.method, "path": entry.path, "status": entry.status, "user_agent": entry.user_agent}
        else:
            told["type"] = entry.kind
        await _post(session, "/v1/events", {name: value for name, value in told.items() if value is not None})


def _body(events: Iterable[PurchaseEvent]) -> dict[str, Any]:
    bought = next(iter(events))
    assert isinstance(bought, Bought), "an attempt comes first"  # noqa: S101
    fields: dict[str, Any] = msgspec.to_builtins(bought.purchase)
    card = {name: value for name, value in (fields.pop("card") or {}).items() if value is not None}
    return {name: value for name, value in fields.items() if value is not None} | ({"card": card} if card else {})


async def _post(session: ClientSession, path: str, body: dict[str, Any]) -> None:
    try:
        async with session.post(path, json=body) as answer:
            await answer.read()
    except (ClientError, OSError, TimeoutError) as error:
        _log.debug("the demonstration's gateway was not answered", error=str(error))
