"""Traffic as openapi describes it."""

from typing import Final

from ratelimit.review.overview import Overview
from ratelimit.review.top_subjects import SPANS, Tops
from ratelimit.review.traffic import Series
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem
from ratelimit.web.overview import OVERVIEW
from ratelimit.web.traffic import TOP, TRAFFIC, USUAL

TRAFFIC_SHAPES: Final = (Series, Tops, Overview)


def traffic_paths() -> Node:
    """The calls of the operator lane."""
    return {
        TRAFFIC: _call("Decisions per second over time, and the same a day before", "Series"),
        OVERVIEW: _call("The lead's figures of thirty days: disputes, loss, approvals, work", "Overview", spanned=False),
        TOP: _call("Subjects that were refused most, asked most, cost most, and rise fastest", "Tops"),
    }


def _call(summary: str, schema: str, *, spanned: bool = True) -> Node:
    answers = {
        "200": json_of(summary, schema),
        "401": problem("who asks is not known"),
        "403": problem("who asks may not"),
        "422": BODY_PROBLEMS["422"],
        "503": problem("the ledger is away"),
    }
    span = parameter("query", "span", f"one of {', '.join(SPANS)}; {USUAL} where it is left out", required=False)
    call = {"tags": ["traffic"], "summary": summary, "security": [{"operator": []}], "responses": answers}
    if not spanned:
        del answers["422"]
    return {"servers": OPERATOR, **({"parameters": [span]} if spanned else {}), "get": call}
