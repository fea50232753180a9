"""What the ledger could not take, as openapi describes it."""

from typing import Final

from ratelimit.web.intake import REFUSED, RefusedRecord
from ratelimit.web.openapi_part import OPERATOR, Node, json_of, list_of, problem

INTAKE_SHAPES: Final = (RefusedRecord,)
INTAKE_LISTS: Final = {"RefusedRecords": list_of("refused", "RefusedRecord")}


def intake_paths() -> Node:
    """The calls of the operator lane."""
    summary = "Messages that could not be read, or not be written into the ledger, latest first"
    answers = {"200": json_of(summary, "RefusedRecords"), "401": problem("nobody is logged in"), "503": problem("the store is away")}
    call = {"tags": ["operator"], "summary": summary, "security": [{}, {"operator": []}], "responses": answers}
    return {REFUSED: {"servers": OPERATOR, "get": call}}
