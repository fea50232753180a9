"""Accounts, tokens and the audit over HTTP: each call, as the document has it."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ratelimit.core.principal import OPERATOR
from ratelimit.review.account import TokenAsked
from ratelimit.web.openapi import openapi
from tests.ledger.database import opened, sqlite_url
from tests.review.front import GOOD, HERE
from tests.web.gatehouse import OPERATOR_TOKEN, Lane, lane_on
from tests.web.test_openapi import valid

DOCUMENT = openapi()["paths"]


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    async with opened(sqlite_url(tmp_path)) as ledger, lane_on(ledger, tmp_path, operator=True) as made:
        yield made


async def call(lane: Lane, method: str, path: str, status: int, content: Any = None, **who: Any) -> Any:
    """Ask, and hold the answer against the document."""
    answer = await lane.ask(method, path, data=None if content is None else json.dumps(content), **(who or {"token": OPERATOR_TOKEN}))
    assert (answer.status, answer.text[:200] if answer.status != status else "") == (status, "")
    form = next(form for form in DOCUMENT if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", form), path.partition("?")[0]))
    media = DOCUMENT[form][method.lower()]["responses"][str(status)]["content"]
    ((kind, described),) = media.items()
    assert answer.headers["Content-Type"] == kind
    found = json.loads(answer.text)
    valid(described["schema"]["$ref"].rpartition("/")[2], found)
    return found


async def test_a_persons_life(lane: Lane) -> None:
    """Invited, in, another role, another link, out."""
    made = await call(lane, "POST", "/v1/people", 201, {"login": "Mira", "name": "Mira", "role": "viewer"})
    person, link = f"/v1/people/{made['person']['id']}", made["link"].partition("token=")[2]
    session = await lane.front.entry.use_link(link, GOOD, HERE)
    assert (await call(lane, "GET", "/v1/me", 200, session=session))["login"] == "mira"
    assert (await call(lane, "PATCH", person, 200, {"role": "analyst"}))["role"] == "analyst"
    assert (await call(lane, "GET", "/v1/me", 200, session=session))["role"] == "analyst"
    assert len((await call(lane, "GET", f"{person}/sessions", 200))["sessions"]) == 1
    assert (await call(lane, "DELETE", f"{person}/sessions", 200)) == {"ended": 1}
    assert "welcome?token=" in (await call(lane, "POST", f"{person}/link", 201))["link"]
    assert (await call(lane, "PATCH", person, 200, {"disabled": True}))["state"] == "disabled"
    ((told),) = (await call(lane, "GET", "/v1/people", 200))["people"]
    assert (told["login"], told["state"], "password" in told) == ("mira", "disabled", False)


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/v1/people", {"login": "x y", "name": "X", "role": "viewer"}, 422),
        ("POST", "/v1/people", {"login": "x", "name": "X", "role": "king"}, 422),
        ("POST", "/v1/people", {"login": "x", "name": "\u202e", "role": "viewer"}, 422),
        ("POST", "/v1/people", {"login": "ada", "name": "X", "role": "viewer"}, 409),
        ("POST", "/v1/people", {"login": "x", "name": "X", "role": "viewer", "password": "y"}, 422),
        ("PATCH", "/v1/people/1", {"role": "viewer"}, 409),
        ("PATCH", "/v1/people/99", {"role": "viewer"}, 404),
        ("PATCH", "/v1/people/x", {"role": "viewer"}, 404),
        ("POST", "/v1/people/99/link", {}, 404),
        ("POST", "/v1/tokens", {"name": "ci", "role": "viewer", "scopes": []}, 422),
        ("POST", "/v1/tokens", {"name": "ci", "role": "viewer", "scopes": ["all"]}, 422),
        ("POST", "/v1/tokens", {"name": "c\ni", "role": "viewer", "scopes": ["cases:read"]}, 422),
        ("POST", "/v1/tokens", {"name": "ci", "role": "viewer", "scopes": ["cases:read"], "days": 0}, 422),
        ("DELETE", "/v1/tokens/99", None, 404),
        ("GET", "/v1/me/sessions", None, 403),
        ("PUT", "/v1/me/password", {"current": "a", "wanted": "b"}, 403),
        ("GET", "/v1/audit?nonsense=1", None, 422),
    ],
)
async def test_mistakes(lane: Lane, method: str, path: str, content: Any, status: int) -> None:
    """They are problems that the document knows."""
    await lane.front.person("ada", "admin")
    found = await call(lane, method, path, status, content)
    assert found["detail"]


async def test_ones_own(lane: Lane) -> None:
    """Sessions and password, with the cookie of a session alone."""
    session, mira = await lane.front.person("mira")
    other = await lane.front.entry.log_in("mira", GOOD, HERE)
    third = await lane.front.entry.log_in("mira", GOOD, HERE)
    sessions = (await call(lane, "GET", "/v1/me/sessions", 200, session=session))["sessions"]
    assert [one["id"] for one in sessions if one["current"]] == [mira.session]
    id = (await lane.front.known(other)).session
    assert await call(lane, "DELETE", f"/v1/me/sessions/{id}", 200, session=session) == {"ended": 1}
    await call(lane, "DELETE", f"/v1/me/sessions/{id}", 404, session=session)
    assert await call(lane, "DELETE", "/v1/me/sessions", 200, session=session) == {"ended": 1}
    assert (await lane.get("/v1/me", session=third)).status == 401
    asked = {"current": GOOD, "wanted": "lantern under the harbour"}
    problem = await call(lane, "PUT", "/v1/me/password", 422, {**asked, "wanted": "password1234"}, session=session)
    assert problem["path"] == "$.wanted"
    await call(lane, "PUT", "/v1/me/password", 200, asked, session=session)
    assert (await lane.get("/v1/me", session=session)).status == 401


async def test_guesses_are_bounded(lane: Lane) -> None:
    """With how long to wait."""
    session, _ = await lane.front.person("mira")
    asked = {"current": "a guess", "wanted": "lantern under the harbour"}
    for _ in range(5):
        await call(lane, "PUT", "/v1/me/password", 422, asked, session=session)
    await call(lane, "PUT", "/v1/me/password", 429, asked, session=session)


async def test_tokens(lane: Lane) -> None:
    """Made by people alone, seen without their secrets, revoked."""
    made = await call(lane, "POST", "/v1/tokens", 201, {"name": "ci", "role": "admin", "scopes": ["users:write", "audit:read"]})
    assert (await call(lane, "GET", "/v1/me", 200, token=made["token"]))["scopes"] == ["audit:read", "users:write"]
    await call(lane, "POST", "/v1/tokens", 403, {"name": "y", "role": "viewer", "scopes": ["cases:read"]}, token=made["token"])
    listed = (await call(lane, "GET", "/v1/tokens", 200, token=made["token"]))["tokens"]
    assert [one["name"] for one in listed] == ["ci"]
    assert (await call(lane, "DELETE", f"/v1/tokens/{made['view']['id']}", 200))["state"] == "revoked"
    await call(lane, "GET", "/v1/me", 401, token=made["token"])


async def test_the_audit(lane: Lane) -> None:
    """Entries page by page, for whoever has the scope."""
    for number in range(3):
        await lane.front.person(f"p{number}")
    made = await lane.front.tokens.make(OPERATOR, TokenAsked("ci", "analyst", ("audit:read",)))
    first = await call(lane, "GET", "/v1/audit?most=2", 200, token=made.token)
    assert [entry["kind"] for entry in first["entries"]] == ["token.made", "password.set"]
    second = await call(lane, "GET", f"/v1/audit?most=2&before={first['following']}", 200, token=made.token)
    assert second["entries"][0]["seq"] == first["entries"][-1]["seq"] - 1
    assert (await call(lane, "GET", "/v1/audit/verify", 200, token=made.token))["whole"] is True
