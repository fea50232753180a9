"""The privacy page: what each person sees and may do, forms, and what hostile text becomes there."""

import json

import pytest

from ratelimit.console.privacy import PrivacyPages
from ratelimit.console.render import Console
from ratelimit.core.principal import Principal, Role
from ratelimit.core.retention import Retention
from ratelimit.core.units import Duration
from tests.console.conftest import Serve
from tests.review.test_erasing import fill
from tests.review.test_privacy import Room, lived, own_node, room, site, store
from tests.service.test_forgetting import ACCOUNT

__all__ = ["lived", "own_node", "room", "site", "store"]  # fixtures

HOSTILE = "<script>x</script>\u202e"


def person(id: int, role: Role) -> Principal:
    return Principal(id=id, login=f"p{id}", name=f"Person {id}", role=role, via="session")


FORM = {"account": ACCOUNT, "kind": "erase", "verified_by": "reply from its mailbox"}


async def test_from_request_to_erasure(room: Room, serve: Serve, console: Console) -> None:
    """An analyst enters it, sees that it waits for another, and an admin who did not enter it erases; then no name is there."""
    await fill(room.ledger)
    pages = PrivacyPages(console, room.privacy)
    mira = await serve(pages.routes(), person(1, "analyst"))
    status, _, headers = await mira.post("/privacy", FORM)
    assert (status, headers["Location"]) == (303, "/privacy?said=asked")
    _, text, _ = await mira.get("/privacy?said=asked")
    assert ACCOUNT in text
    assert "Request entered." in text
    assert "waits for another admin" in text
    assert "Erase now" not in text
    (it,) = await room.privacy.requests()
    ada = await serve(pages.routes(), person(2, "admin"))
    assert "Erase now" in (await ada.get("/privacy"))[1]
    assert (await ada.post(f"/privacy/{it.id}/approve", {}))[0] == 303
    _, text, _ = await ada.get("/privacy")
    assert ACCOUNT not in text
    assert "1,502 rows" in text
    assert "2 digests of confirmed fraud stay" in text
    assert "Your data were erased on 15 January 2027." in text


async def test_a_viewer_sees_no_names(room: Room, serve: Serve, console: Console) -> None:
    """Neither accounts, nor what was said of them, nor a form."""
    pages = PrivacyPages(console, room.privacy)
    mira = await serve(pages.routes(), person(1, "analyst"))
    await mira.post("/privacy", {**FORM, "kind": "object", "text": "please"})
    await mira.post("/privacy", {**FORM, "kind": "export"})
    viewer = await serve(pages.routes(), person(3, "viewer"))
    status, text, _ = await viewer.get("/privacy")
    assert status == 200
    for secret in (ACCOUNT, "reply from", "please", "/privacy/1/export", "Enter a request"):
        assert secret not in text


async def test_what_is_wrong_stands_beside_its_field(room: Room, serve: Serve, console: Console) -> None:
    """A form that cannot be taken comes back with what was filled in, harmless."""
    mira = await serve(PrivacyPages(console, room.privacy).routes(), person(1, "analyst"))
    status, text, _ = await mira.post("/privacy", {"account": HOSTILE, "kind": "erase", "verified_by": "x"})
    assert status == 422
    assert 'id="h-verified_by"' in text
    assert "<script>x" not in text
    assert await room.privacy.requests() == []
    await mira.post("/privacy", {"account": HOSTILE, "kind": "correct", "verified_by": "by letter", "text": HOSTILE})
    _, text, _ = await mira.get("/privacy")
    assert "<script>x" not in text
    assert "\u202e" not in text


async def test_a_download(room: Room, serve: Serve, console: Console) -> None:
    """The export comes as a file that no browser shows as a page."""
    await fill(room.ledger)
    mira = await serve(PrivacyPages(console, room.privacy).routes(), person(1, "analyst"))
    await mira.post("/privacy", {**FORM, "kind": "export"})
    (it,) = await room.privacy.requests()
    status, text, headers = await mira.get(f"/privacy/{it.id}/export")
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, "application/json", "nosniff")
    assert headers["Content-Disposition"].startswith("attachment")
    assert json.loads(text)["account"] == ACCOUNT


@pytest.mark.parametrize("path", ["/privacy/99/approve", "/privacy/x/approve", f"/privacy/{'9' * 30}/withdraw"])
async def test_no_such_request(room: Room, serve: Serve, console: Console, path: str) -> None:
    """It is said, and nothing breaks."""
    ada = await serve(PrivacyPages(console, room.privacy).routes(), person(2, "admin"))
    assert (await ada.post(path, {}))[0] == 404


async def test_what_the_policy_says(room: Room, serve: Serve, console: Console) -> None:
    """How long things are kept, and what is turned on, is as the policy in force has it."""
    policy = Retention(records=Duration.parse("20d"), keep=("device",))
    here = await serve(PrivacyPages(console, room.privacy, lambda: policy).routes(), person(1, "analyst"))
    _, text, _ = await here.get("/privacy")
    assert text.count("20 days") == 3
    assert text.count("no sentence: off") == 2
    assert "recognize the device that you pay with, for 540 days" in text
    _, text, _ = await (await serve(PrivacyPages(console, room.privacy).routes(), person(1, "analyst"))).get("/privacy")
    assert text.count("no sentence: off") == 3
    assert "accounts are not linked by card" in text
    assert "{purchases}" not in text
