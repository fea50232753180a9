"""The pages by which people come in, as a browser and as somebody who means harm would use them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ratelimit.core.principal import OPERATOR
from ratelimit.review.account import Invited
from ratelimit.service.attempts import MOST_OF_LOGIN
from tests.ledger.database import opened, sqlite_url
from tests.review.front import GOOD
from tests.web.gatehouse import OURS, Lane, lane_on


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    async with opened(sqlite_url(tmp_path)) as ledger, lane_on(ledger, tmp_path) as made:
        yield made


async def log_in(lane: Lane, login: str = "mira", password: str = GOOD, **more: Any) -> Any:
    headers = {**OURS, **more.pop("headers", {})}
    return await lane.post("/login", data={"login": login, "password": password, **more}, headers=headers)


def secret_of(cookie: str) -> str:
    return cookie.partition("=")[2].partition(";")[0]


async def test_log_in(lane: Lane) -> None:
    """It leads to where one wanted to, with a session that the next request has."""
    await lane.front.person("mira")
    answer = await log_in(lane, next="/page/7?a=b")
    assert (answer.status, answer.location) == (303, "/page/7?a=b")
    assert answer.cookie.endswith("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax")
    assert (await lane.get("/page", session=secret_of(answer.cookie))).status == 200


@pytest.mark.parametrize(
    "next",
    [
        "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/%0d%0a\r\nSet-Cookie: a=b",
        "/\t/evil.example", "evil.example", "", "/" + "a" * 2_000, "///evil.example", "/ä", " //evil.example",
    ],
)  # fmt: skip
async def test_it_leads_nowhere_else(lane: Lane, next: str) -> None:
    """What is no place of ours is the start page, and no header."""
    await lane.front.person("mira")
    answer = await log_in(lane, next=next)
    assert (answer.status, answer.location) == (303, "/")
    assert "a=b" not in str(answer.headers)
    page = await lane.get("/login", params={"next": next})
    assert 'name="next" value="/"' in page.text
    assert (await lane.get("/login", params={"next": next}, session=secret_of(answer.cookie))).location == "/"


async def test_no_session_of_somebody_elses_choice(lane: Lane) -> None:
    """A session that was there before is not the one after; the old one is over."""
    await lane.front.person("eve")
    planted = secret_of((await log_in(lane, "eve")).cookie)
    await lane.front.person("mira")
    answer = await log_in(lane, headers={"Cookie": f"ratelimit_session={planted}"})
    renewed = secret_of(answer.cookie)
    assert renewed != planted
    assert (await lane.get("/viewer", session=renewed)).text == '{"who":"mira"}'
    assert (await lane.get("/viewer", session=planted)).status == 401
    made_up = "A" * 43
    answer = await log_in(lane, headers={"Cookie": f"ratelimit_session={made_up}"})
    assert secret_of(answer.cookie) != made_up


async def test_refused(lane: Lane) -> None:
    """Why is said, the login stays and the password does not; then it is locked, for how long is said."""
    await lane.front.person("mira")
    for _ in range(MOST_OF_LOGIN):
        answer = await log_in(lane, password="a wrong one")
        assert (answer.status, answer.cookie) == (401, "")
        assert "login or the password is wrong" in answer.text
        assert ('value="mira"' in answer.text, "a wrong one" in answer.text) == (True, False)
    answer = await log_in(lane)
    assert (answer.status, "Too many tries" in answer.text) == (429, True)


@pytest.mark.parametrize(
    "login", ['"><script>alert(1)</script>', "' OR 1=1 --", "mira\r\nSet-Cookie: a=b", "\N{RIGHT-TO-LEFT OVERRIDE}arim", "\0"]
)
async def test_hostile_logins(lane: Lane, login: str) -> None:
    """They are shown as text at most, and are nobody's."""
    await lane.front.person("mira")
    answer = await log_in(lane, login)
    assert answer.status == 401
    assert "<script>alert" not in answer.text
    assert "a=b" not in str(answer.headers)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"login": "mira", "password": "x" * 1_001}, 422),
        ({"login": "mira", "password": "x" * 1_000_000}, 413),
        ({"login": "x" * 65, "password": GOOD}, 422),
        ({"login": "mira"}, 422),
        ({"login": "", "password": ""}, 422),
        ({}, 422),
        ([("login", "mira"), ("login", "mira"), ("password", GOOD)], 422),
    ],
)
async def test_forms_that_are_none(lane: Lane, data: Any, status: int) -> None:
    """They are refused before anything is hashed, and count as no attempt."""
    await lane.front.person("mira")
    answer = await lane.post("/login", data=data, headers=OURS)
    assert (answer.status, answer.cookie) == (status, "")


async def test_another_sites_form(lane: Lane) -> None:
    """It logs nobody in, not even as somebody whom it knows."""
    await lane.front.person("eve")
    answer = await lane.post("/login", data={"login": "eve", "password": GOOD}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, answer.cookie) == (403, "")


async def test_log_out(lane: Lane) -> None:
    """The session is over, not only forgotten by the browser."""
    session, _ = await lane.front.person("mira")
    answer = await lane.post("/logout", session=session)
    assert (answer.status, answer.location, "Max-Age=0" in answer.cookie) == (303, "/login", True)
    assert (await lane.get("/viewer", session=session)).status == 401


async def test_the_first_admin(lane: Lane) -> None:
    """Behind the link of the start: what is wrong is said beside its field, then one is in, and the link is used up."""
    link = await lane.front.entry.first_link()
    page = await lane.get("/welcome", params={"token": link})
    assert (page.status, "The first account" in page.text) == (200, True)
    form = {"token": link, "login": "Ada", "name": "Ada Lovelace", "password": GOOD, "again": GOOD}
    for wrong, said in [
        ({"password": "password1234", "again": "password1234"}, "tried first"),
        ({"again": "another one entirely"}, "not the same"),
        ({"login": "<b>"}, "letters a to z"),
        ({"name": "Ada\N{RIGHT-TO-LEFT OVERRIDE}"}, "cannot be seen"),
    ]:
        answer = await lane.post("/welcome", data={**form, **wrong}, headers=OURS)
        assert (answer.status, answer.cookie, said in answer.text) == (422, "", True)
        assert GOOD not in answer.text
    answer = await lane.post("/welcome", data=form, headers=OURS)
    assert (answer.status, answer.location) == (303, "/")
    assert (await lane.get("/admin", session=secret_of(answer.cookie))).text == '{"who":"ada"}'
    for again in (await lane.get("/welcome", params={"token": link}), await lane.post("/welcome", data=form, headers=OURS)):
        assert (again.status, "does not work any more" in again.text) == (404, True)


async def test_an_invitation(lane: Lane) -> None:
    """Whoever is invited says a password alone; who they are is the invitation's."""
    made = await lane.front.accounts.invite(OPERATOR, Invited("mira", "Mira <i>Keller", "viewer"))
    page = await lane.get("/welcome", params={"token": made.link})
    assert ("Mira &lt;i&gt;Keller" in page.text, 'name="login"' in page.text) == (True, False)
    form = {"token": made.link, "password": GOOD, "again": GOOD, "login": "eve", "name": "Eve"}
    answer = await lane.post("/welcome", data=form, headers=OURS)
    assert (await lane.get("/viewer", session=secret_of(answer.cookie))).text == '{"who":"mira"}'


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "\udc80", "<script>alert(1)</script>"])
async def test_links_that_are_none(lane: Lane, token: str) -> None:
    """They are told so, and shown nowhere."""
    text = token.encode("utf-8", "surrogateescape").decode("latin-1")
    answer = await lane.get("/welcome", params={"token": text})
    assert (answer.status, "<script>alert" in answer.text) == (404, False)
