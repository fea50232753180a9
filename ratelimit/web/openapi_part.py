"""What descriptions of calls are put together from, see openapi."""

from typing import Any, Final

from ratelimit.web.problems import CONTENT_TYPE

Node = dict[str, Any]

GATEWAY: Final = [{"url": "http://127.0.0.1:8080", "description": "gateway lane, RATELIMIT_GATEWAY"}]
OPERATOR: Final = [{"url": "http://127.0.0.1:8081", "description": "operator lane, RATELIMIT_OPERATOR"}]
REF: Final = "#/components/schemas/{name}"


def ref(name: str) -> Node:
    """A schema by its name."""
    return {"$ref": REF.format(name=name)}


def list_of(name: str, of: str) -> Node:
    """The schema of an object with one list in it."""
    return {"type": "object", "required": [name], "properties": {name: {"type": "array", "items": ref(of)}}}


def json_of(description: str, schema: str, media: str = "application/json") -> Node:
    """An answer with a body of that schema."""
    return {"description": description, "content": {media: {"schema": ref(schema)}}}


def problem(description: str) -> Node:
    """An answer that is a problem."""
    return json_of(description, "Problem", CONTENT_TYPE)


def header(name: str, description: str, *, required: bool = False) -> Node:
    """A header that is read."""
    return parameter("header", name, description, required=required)


def parameter(place: str, name: str, description: str, *, required: bool = True) -> Node:
    """A text in a `header`, in the `path` or in the `query`."""
    return {"name": name, "in": place, "required": required, "description": description, "schema": {"type": "string"}}


BODY_PROBLEMS: Final = {
    "400": problem("the body is not JSON"),
    "401": problem("X-RateLimit-Token is missing or wrong"),
    "408": problem("the body did not arrive in time"),
    "413": problem("the body is too large"),
    "415": problem("the body has a Content-Encoding"),
    "422": problem("a field is wrong"),
}
