"""Cases over HTTP: listed, shown, and closed with a word that labels."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ratelimit.core.standing import Target
from ratelimit.service.cases import Cases
from ratelimit.service.stripe_inbox import StripeInbox

StartOperator = Callable[..., Awaitable[Any]]

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 2, "refill": "1/h"}}
WORD = {"by": "mara", "verdict": "fraud", "reason": "the holder called"}


async def opened(operator: Any) -> tuple[str, StripeInbox]:
    """A case of two purchases, and the inbox that its label goes to."""
    inbox = StripeInbox(operator.store, time.time)
    cases = Cases(operator.store, inbox, time.time)
    names = [
        await cases.open(Target("account", "a1"), "rule", ["odd: too many cards"], purchase, 1_790_000_000.0, attempt=1)
        for purchase in ("p1", "p2")
    ]
    assert names[0] == names[1]
    return names[0], inbox


async def test_a_case_is_listed_and_closed(start_operator: StartOperator) -> None:
    """It is open with its reasons, then closed with who said what, and its label is stored once for each purchase."""
    operator = await start_operator([LIMIT])
    name, inbox = await opened(operator)
    (listed,) = (await operator.lane.get("/v1/cases")).json["cases"]
    assert (listed["id"], [reason["purchase"] for reason in listed["reasons"]]) == (name, ["p1", "p2"])
    assert (await operator.lane.get(f"/v1/cases/{name}")).json == listed
    closed = (await operator.lane.post(f"/v1/cases/{name}/close", WORD)).json
    assert (closed["state"], closed["by"], closed["verdict"], closed["why"]) == ("closed", "mara", "fraud", "the holder called")
    assert (await operator.lane.get("/v1/cases?state=open")).json == {"cases": []}
    assert (await operator.lane.get("/v1/cases?state=closed")).json == {"cases": [closed]}
    assert (await inbox.state()).inbox == 2
    assert (await operator.lane.post(f"/v1/cases/{name}/close", WORD)).status == 409
    assert (await inbox.state()).inbox == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**WORD, "verdict": "guilty"}, 422),
        ({**WORD, "by": ""}, 422),
        ({**WORD, "note": "x"}, 422),
        (b"", 400),
        (b"{", 400),
    ],
)
async def test_a_word_that_is_none(start_operator: StartOperator, body: Any, status: int) -> None:
    """It says what is wrong, and closes nothing."""
    operator = await start_operator([LIMIT])
    name, _ = await opened(operator)
    assert (await operator.lane.post(f"/v1/cases/{name}/close", body)).status == status
    assert (await operator.lane.get(f"/v1/cases/{name}")).json["state"] == "open"


async def test_no_such_case(start_operator: StartOperator) -> None:
    """Neither shown nor closed."""
    operator = await start_operator([LIMIT])
    assert (await operator.lane.get("/v1/cases/case-9")).status == 404
    assert (await operator.lane.post("/v1/cases/case-9/close", WORD)).status == 404
