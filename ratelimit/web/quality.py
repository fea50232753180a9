"""How good decisions are, over HTTP."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.review.quality import Quality
from ratelimit.web.case_problem import query_of
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import Route

QUALITY: Final = "/v1/quality"
_DAY_S: Final = 86_400.0


class QualityAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Of so many days up to now."""

    days: Annotated[int, Meta(ge=1, le=540)] = 30


class QualityCalls:
    """Shows it."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", QUALITY, self.get, role="analyst", scope="cases:read", early=True)]

    async def get(self, request: web.Request) -> Reply:
        """The figures."""
        return json_reply(200, await self._quality.figures(query_of(request, QualityAsked).days * _DAY_S))
