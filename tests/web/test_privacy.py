"""Requests of people about their data on the operator lane: as the document says, and nothing that is sent breaks it."""

from typing import Any

import pytest

from ratelimit.core.retention import Retention
from ratelimit.web.openapi_privacy import privacy_paths
from ratelimit.web.privacy import INVENTORY, REQUESTS, PrivacyCalls
from tests.review.test_erasing import fill
from tests.review.test_privacy import Room, lived, own_node, room, site, store
from tests.service.test_forgetting import ACCOUNT
from tests.web.lane import person, serving
from tests.web.test_openapi import valid

__all__ = ["lived", "own_node", "room", "site", "store"]  # fixtures

ASKED = {"account": ACCOUNT, "kind": "erase", "verified_by": "by letter"}


def test_document() -> None:
    """Every call is described, and nothing else is."""
    described = {
        (method.upper(), path) for path, node in privacy_paths().items() for method in node if method not in {"servers", "parameters"}
    }
    nothing: Any = None
    assert described == {(route.method, route.path) for route in PrivacyCalls(nothing).routes()}


async def test_inventory() -> None:
    """What is kept by the policy in force, for programs."""
    nothing: Any = None
    async with serving(PrivacyCalls(nothing, lambda: Retention(keep=("card",))).routes()) as lane:
        status, found = await lane.ask("GET", INVENTORY)
    valid("Notice", found)
    assert (status, found["keep"], [it["name"] for it in found["on"]], len(found["off"])) == (200, ["card"], ["card"], 4)


async def test_life_of_a_request(room: Room) -> None:
    """It is entered, listed, and approved by a second admin; whoever entered it is refused."""
    await fill(room.ledger)
    async with serving(PrivacyCalls(room.privacy).routes()) as lane:
        status, asked = await lane.ask("POST", REQUESTS, ASKED)
        assert (status, asked["state"]) == (201, "asked")
        valid("PrivacyView", asked)
        status, found = await lane.ask("GET", REQUESTS)
        valid("PrivacyViews", found)
        assert (status, [it["id"] for it in found["requests"]]) == (200, [asked["id"]])
        path = f"{REQUESTS}/{asked['id']}"
        assert (await lane.ask("POST", f"{path}/approve"))[0] == 403
        lane.who = person(2, "admin")
        status, done = await lane.ask("POST", f"{path}/approve")
        assert (status, done["state"], done["account"]) == (200, "done", None)
        assert (await lane.ask("POST", f"{path}/withdraw"))[0] == 409
        closed = (await lane.ask("GET", f"{REQUESTS}?state=closed"))[1]["requests"]
        assert asked["id"] in {it["id"] for it in closed}


async def test_export(room: Room) -> None:
    """What is kept comes as JSON."""
    await fill(room.ledger)
    async with serving(PrivacyCalls(room.privacy).routes()) as lane:
        _, asked = await lane.ask("POST", REQUESTS, {**ASKED, "kind": "export"})
        status, found = await lane.ask("GET", f"{REQUESTS}/{asked['id']}/export")
        assert (status, found["account"]) == (200, ACCOUNT)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", b"\xff", 400),
        ("POST", "", {}, 422),
        ("POST", "", {**ASKED, "kind": "destroy"}, 422),
        ("POST", "", {**ASKED, "account": ""}, 422),
        ("POST", "", {**ASKED, "account": "x" * 513}, 422),
        ("POST", "", {**ASKED, "account": "\x00\ud800", "kind": "object"}, 400),
        ("POST", "", {**ASKED, "account": "\x00\u202e", "kind": "object"}, 201),
        ("GET", "/77", None, 404),
        ("GET", "/-1", None, 404),
        ("GET", "/" + "9" * 40, None, 404),
        ("GET", "/%F0%9F%92%A5", None, 404),
        ("GET", "?state=lost", None, 422),
        ("POST", "/77/refuse", {"text": "not theirs"}, 404),
        ("POST", "/77/refuse", {"text": ""}, 422),
    ],
)
async def test_whatever_is_sent(room: Room, method: str, path: str, body: Any, status: int) -> None:
    """A mistake is a problem that says what is wrong."""
    async with serving(PrivacyCalls(room.privacy).routes()) as lane:
        assert (await lane.ask(method, REQUESTS + path, body))[0] == status
