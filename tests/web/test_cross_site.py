"""Another site's page changes nothing through the browser of whoever may reach the operator lane."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

StartOperator = Callable[..., Awaitable[Any]]

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 2, "refill": "1/h"}}
OVERRIDE = {"target": "account:42", "then": "allow", "reason": "theirs", "author": "nobody"}


@pytest.mark.parametrize(
    "headers",
    [
        ("Sec-Fetch-Site: cross-site", "Origin: https://elsewhere.example", "Content-Type: text/plain"),
        ("Sec-Fetch-Site: same-site", "Origin: http://x:3000"),
        ("Origin: https://elsewhere.example",),
        ("Origin: null",),
    ],
)
async def test_another_sites_page(start_operator: StartOperator, headers: tuple[str, ...]) -> None:
    """What it asks for is refused and not done; what it only reads is no harm."""
    operator = await start_operator([LIMIT])
    assert (await operator.lane.post("/v1/overrides", OVERRIDE, *headers)).status == 403
    found = await operator.lane.get("/v1/overrides", *headers)
    assert (found.status, found.json["all"]) == (200, 0)


@pytest.mark.parametrize("headers", [(), ("Sec-Fetch-Site: same-origin", "Origin: http://x"), ("Origin: http://x",)])
async def test_our_own_page_and_whoever_is_no_browser(start_operator: StartOperator, headers: tuple[str, ...]) -> None:
    """Both may change what they like."""
    operator = await start_operator([LIMIT])
    assert (await operator.lane.post("/v1/overrides", OVERRIDE, *headers)).status == 201
