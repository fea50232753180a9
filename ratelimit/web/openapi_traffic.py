"""Traffic as openapi describes it."""

from typing import Final

from ratelimit.review.top_subjects import SPANS, Tops
from ratelimit.review.traffic import Series
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem
from ratelimit.web.traffic import TOP, TRAFFIC, USUAL

TRAFFIC_SHAPES: Final = (Series, Tops)


def traffic_paths() -> Node:
    """The calls of the operator lane."""
    return {
        TRAFFIC: _call("Decisions per second over time, and the same a day before", "Series"),
        TOP: _call("Subjects that were refused most, asked most, cost most, and rise fastest", "Tops"),
    }


def _call(summary: str, schema: str) -> Node:
    answers = {
        "200": json_of(summary, schema),
        "401": problem("who asks is not known"),
        "403": problem("who asks may not"),
        "422": BODY_PROBLEMS["422"],
        "503": problem("the ledger is away"),
    }
    span = parameter("query", "span", f"one of {', '.join(SPANS)}; {USUAL} where it is left out", required=False)
    call = {"tags": ["traffic"], "summary": summary, "security": [{"operator": []}], "responses": answers}
    return {"servers": OPERATOR, "parameters": [span], "get": call}
