"""Traffic on the operator lane: as the document says."""

from typing import Any

from ratelimit.ledger.ledger import Ledger
from ratelimit.review.overview import OverviewBook
from ratelimit.review.top_subjects import SPANS
from ratelimit.review.traffic import TrafficBook
from ratelimit.service.standings import Standings
from ratelimit.stores.client import RedisStore
from ratelimit.web.openapi_traffic import traffic_paths
from ratelimit.web.overview import OVERVIEW, OverviewCalls
from ratelimit.web.traffic import TOP, TRAFFIC, TrafficCalls
from tests.review.test_traffic import Wall, tell
from tests.service.conftest import own_node, store
from tests.web.lane import serving
from tests.web.test_openapi import valid

__all__ = ["own_node", "store"]  # fixtures


def test_document() -> None:
    """Every call is described, and nothing else is."""
    nothing: Any = None
    routes = [*TrafficCalls(nothing).routes(), *OverviewCalls(nothing).routes()]
    assert set(traffic_paths()) == {route.path for route in routes}


async def test_spans(ledger: Ledger) -> None:
    """Each span is answered, an hour where none is named, and another is a problem that names them."""
    wall = Wall()
    await tell(ledger, wall.now - 60, ("throttle", 5))
    async with serving(TrafficCalls(TrafficBook(ledger, wall)).routes()) as lane:
        for span in SPANS:
            status, found = await lane.ask("GET", f"{TRAFFIC}?span={span}")
            assert (status, found["span"]) == (200, span)
            valid("Series", found)
            status, found = await lane.ask("GET", f"{TOP}?span={span}")
            assert status == 200
            valid("Tops", found)
        assert (await lane.ask("GET", TRAFFIC))[1]["span"] == "1h"
        status, problem = await lane.ask("GET", f"{TRAFFIC}?span=2h")
        assert status == 422
        assert "15m, 1h, 6h, 24h, 7d" in problem["detail"]


async def test_overview(ledger: Ledger, store: RedisStore) -> None:
    """The lead's figures come as the document says, of an empty ledger as well."""
    wall = Wall()
    async with serving(OverviewCalls(OverviewBook(ledger, Standings(store, wall), wall)).routes()) as lane:
        status, found = await lane.ask("GET", OVERVIEW)
        assert status == 200
        valid("Overview", found)
