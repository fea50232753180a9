"""The users' page and one's own account."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ratelimit.core.principal import OPERATOR
from ratelimit.review.account import Invited
from tests.ledger.database import opened, sqlite_url
from tests.review.front import GOOD, HERE
from tests.web.gatehouse import Lane, lane_on


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    async with opened(sqlite_url(tmp_path)) as ledger, lane_on(ledger, tmp_path) as made:
        yield made


async def test_for_admins_alone(lane: Lane) -> None:
    """An analyst sees neither people nor tokens, and changes nothing."""
    session, mira = await lane.front.person("mira")
    for path in ("/users", f"/users/{mira.id}", "/users/tokens", "/v1/people", "/v1/tokens"):
        assert (await lane.get(path, session=session)).status == 403
    for path in (
        "/users",
        f"/users/{mira.id}",
        f"/users/{mira.id}/link",
        f"/users/{mira.id}/sessions",
        "/users/tokens",
        "/users/tokens/1/revoke",
    ):
        assert (await lane.post(path, session=session, data={"role": "admin"})).status == 403
    assert (await lane.front.known(session)).role == "analyst"


async def test_invite(lane: Lane) -> None:
    """The link is in the answer, works, and is on no other page."""
    session, _ = await lane.front.person("ada", "admin")
    answer = await lane.post("/users", session=session, data={"login": "mira", "name": "Mira", "role": "analyst"})
    found = re.search(r'value="(http://127\.0\.0\.1:\d+/welcome\?token=([\w-]{43}))"', answer.text)
    assert found is not None
    assert (await lane.get(f"/welcome?token={found[2]}")).status == 200
    assert found[2] not in (await lane.get("/users", session=session)).text
    for form, said in [
        ({"login": "mira", "name": "Other", "role": "viewer"}, "login already"),
        ({"login": "<b>", "name": "Other", "role": "viewer"}, "letters a to z"),
        ({"login": "new", "name": "N\N{RIGHT-TO-LEFT OVERRIDE}", "role": "viewer"}, "cannot be seen"),
    ]:
        answer = await lane.post("/users", session=session, data=form)
        assert (answer.status in {409, 422}, said in answer.text) == (True, True)


async def test_change(lane: Lane) -> None:
    """Roles, another password, out and in again; the last admin stays one."""
    session, ada = await lane.front.person("ada", "admin")
    other, mira = await lane.front.person("mira")
    assert "is viewer" in (await lane.post(f"/users/{mira.id}", session=session, data={"role": "viewer"})).text
    assert "/welcome?token=" in (await lane.post(f"/users/{mira.id}/link", session=session)).text
    own = await lane.get(f"/users/{ada.id}", session=session)
    assert "another password" not in own.text
    assert "with the one that you have" in (await lane.post(f"/users/{ada.id}/link", session=session)).text
    nobody = [await lane.get("/users/99", session=session), await lane.post("/users/99/sessions", session=session)]
    assert [(it.status, "no such person" in it.text) for it in nobody] == [(404, True)] * 2
    assert "Firefox on Linux" in (await lane.get(f"/users/{mira.id}", session=session)).text
    assert "1 session ended" in (await lane.post(f"/users/{mira.id}/sessions", session=session)).text
    assert "logged out everywhere" in (await lane.post(f"/users/{mira.id}", session=session, data={"disabled": "true"})).text
    assert (await lane.get("/viewer", session=other)).status == 401
    assert "is viewer" in (await lane.post(f"/users/{mira.id}", session=session, data={"disabled": "false"})).text
    refused = await lane.post(f"/users/{ada.id}", session=session, data={"role": "viewer"})
    assert (refused.status, "last admin" in refused.text) == (409, True)
    for path in ("/users/9999", "/users/x", "/users/" + "9" * 40):
        assert (await lane.post(path, session=session, data={"role": "viewer"})).status == 404


async def test_tokens(lane: Lane) -> None:
    """Made, shown once, revoked."""
    session, _ = await lane.front.person("ada", "admin")
    form = [("name", "ci"), ("role", "viewer"), ("scopes", "cases:read"), ("scopes", "audit:read"), ("days", "30")]
    answer = await lane.post("/users/tokens", session=session, data=form)
    found = re.search(r'value="(rlt_[\w-]{43})"', answer.text)
    assert found is not None
    assert (await lane.get("/viewer", token=found[1])).status == 200
    assert found[1] not in (await lane.get("/users", session=session)).text
    assert "does not work any more" in (await lane.post("/users/tokens/1/revoke", session=session)).text
    assert (await lane.get("/viewer", token=found[1])).status == 401
    assert (await lane.post("/users/tokens/1/revoke", session=session)).status == 404
    for form in ([("name", "ci"), ("role", "viewer")], [("name", "<b>"), ("role", "viewer"), ("scopes", "cases:read")]):
        assert (await lane.post("/users/tokens", session=session, data=form)).status == 422


async def test_hostile_names(lane: Lane) -> None:
    """A name is text, wherever it stands."""
    session, _ = await lane.front.person("ada", "admin")
    made = await lane.front.accounts.invite(OPERATOR, Invited("mira", '"><script>alert(1)</script>', "viewer"))
    for path in ("/users", f"/users/{made.person.id}", "/audit"):
        answer = await lane.get(path, session=session)
        assert (answer.status, "<script>alert" in answer.text) == (200, False)


async def test_ones_own_account(lane: Lane) -> None:
    """One's sessions end one by one, or all others at once; another's cannot be ended."""
    mine, mira = await lane.front.person("mira")
    eve, _ = await lane.front.person("eve")
    others = [await lane.front.entry.log_in("mira", GOOD, HERE) for _ in range(3)]
    ids = [(await lane.front.known(secret)).session for secret in others]
    page = (await lane.get("/account", session=mine)).text
    assert all(f"/account/sessions/{id}" in page for id in ids)
    assert f"/account/sessions/{mira.session}" not in page
    await lane.post(f"/account/sessions/{ids[0]}", session=eve)
    assert (await lane.get("/viewer", session=others[0])).status == 200
    assert (await lane.post(f"/account/sessions/{ids[0]}", session=mine)).location == "/account"
    assert (await lane.get("/viewer", session=others[0])).status == 401
    await lane.post("/account/sessions", session=mine)
    assert [(await lane.get("/viewer", session=secret)).status for secret in (mine, *others)] == [200, 401, 401, 401]


async def test_another_password(lane: Lane) -> None:
    """This browser goes on with another secret; what is wrong is said beside its field."""
    session, _ = await lane.front.person("mira")
    page = (await lane.get("/account", session=session)).text
    names = set(re.findall(r'<input[^>]* name="(\w+)"', page.partition('action="/account/password"')[2].partition("</form>")[0]))
    assert names == {"username", "current", "wanted"}
    for form, said in [
        ({"current": "a wrong one", "wanted": "lantern under the harbour"}, "not your password"),
        ({"current": GOOD, "wanted": "password1234"}, "tried first"),
    ]:
        answer = await lane.post("/account/password", session=session, data=form)
        assert (answer.status, said in answer.text, answer.cookie) == (422, True, "")
    answer = await lane.post(
        "/account/password", session=session, data=dict.fromkeys(names, GOOD) | {"wanted": "lantern under the harbour"}
    )
    renewed = answer.cookie.partition("=")[2].partition(";")[0]
    assert (answer.status, (await lane.get("/viewer", session=renewed)).status) == (303, 200)
    assert (await lane.get("/viewer", session=session)).status == 401
