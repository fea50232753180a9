"""Who comes in at the operator lane, and who does not: by session, token and operator's token, over real sockets."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ratelimit.core.principal import OPERATOR
from ratelimit.ledger.ledger import LedgerAwayError, NoTextError
from ratelimit.review.account import Change, TokenAsked
from tests.ledger.database import opened, sqlite_url
from tests.review.front import GOOD, NOW
from tests.web.gatehouse import OPERATOR_TOKEN, OURS, Lane, lane_on

Open = Callable[..., AbstractAsyncContextManager[Lane]]
HTML = {"Accept": "text/html,*/*"}


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(opened(sqlite_url(tmp_path)))

        async def begin(**options: Any) -> Lane:
            return await stack.enter_async_context(lane_on(ledger, tmp_path, **options))

        yield begin


async def test_before_there_are_people(start: Any) -> None:
    """Tools on this machine go on as they did; what needs somebody needs somebody; once a person has a password all have to say who."""
    lane = await start()
    assert [(await lane.get(path)).status for path in ("/free", "/plain", "/early", "/viewer", "/admin")] == [200, 200, 200, 401, 401]
    assert "operator" in (await lane.get("/early")).text
    assert (await lane.post("/early")).status == 200
    await lane.front.person("mira")
    assert [(await lane.get(path)).status for path in ("/free", "/plain", "/early", "/viewer", "/admin")] == [200, 200, 401, 401, 401]
    assert (await lane.post("/early")).status == 401


async def test_with_an_operators_token(start: Any) -> None:
    """It is asked for everywhere, and may everything."""
    lane = await start(operator=True)
    for path in ("/plain", "/early", "/viewer", "/admin"):
        refused = await lane.get(path)
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert (await lane.get(path, token=OPERATOR_TOKEN)).status == 200
        for wrong in (OPERATOR_TOKEN + "x", "", "rlt_" + "x" * 43, "\udcff"):
            assert (await lane.get(path, headers={"Authorization": f"Bearer {wrong}"})).status == 401
        assert (await lane.get(path, headers={"Authorization": f"Basic {OPERATOR_TOKEN}"})).status == 401
    assert (await lane.get("/free")).status == 200


@pytest.mark.parametrize(
    ("role", "expected"), [("viewer", [200, 403, 403, 200, 403]), ("analyst", [200, 200, 403, 200, 403]), ("admin", [200] * 5)]
)
async def test_roles(start: Any, role: Any, expected: list[int]) -> None:
    """Each may what those before it may; who may not is told which role it takes."""
    lane = await start()
    session, _ = await lane.front.person("mira", role)
    paths = ("/viewer", "/early", "/admin", "/page", "/admins-page")
    told = [await lane.get(path, session=session) for path in paths]
    assert [answer.status for answer in told] == expected
    assert all("needs the role" in answer.text for answer in told if answer.status == 403)


async def test_a_role_that_was_taken(start: Any) -> None:
    """It counts with the next request, as does being disabled."""
    lane = await start()
    await lane.front.person("ada", "admin")
    session, mira = await lane.front.person("mira", "admin")
    assert (await lane.get("/admin", session=session)).status == 200
    await lane.front.accounts.change(OPERATOR, mira.id, Change(role="viewer"))
    assert (await lane.get("/admin", session=session)).status == 403
    await lane.front.accounts.change(OPERATOR, mira.id, Change(disabled=True))
    assert (await lane.get("/viewer", session=session)).status == 401


async def test_a_page_that_asks_by_itself(start: Any) -> None:
    """It is answered, and keeps nobody's session from ending."""
    lane = await start()
    session, mira = await lane.front.person("mira")
    for path, at, seen in (("/again", 3.0, 0.0), ("/viewer", 5.0, 5.0), ("/again", 9.0, 5.0)):
        lane.front.now = NOW + at
        assert (await lane.get(path, session=session)).status == 200
        (view,) = await lane.front.accounts.sessions(mira, mira.id)
        assert view.seen_at - NOW == seen


async def test_tokens(start: Any) -> None:
    """A token has its scopes beside its role, and nothing that is for people."""
    lane = await start()
    made = await lane.front.tokens.make(OPERATOR, TokenAsked("ci", "analyst", ("cases:read", "overrides:read")))
    await lane.front.person("mira")
    told = {path: (await lane.get(path, token=made.token)).status for path in ("/viewer", "/early", "/admin", "/page", "/v1/me")}
    assert told == {"/viewer": 200, "/early": 200, "/admin": 403, "/page": 403, "/v1/me": 200}
    refused = await lane.post("/early", token=made.token)
    assert (refused.status, "scope overrides:write" in refused.text) == (403, True)
    assert (await lane.post("/people-only", token=made.token)).status == 403
    assert (await lane.get("/viewer", token=made.token + "x")).status == 401
    await lane.front.tokens.revoke(OPERATOR, made.view.id)
    assert (await lane.get("/viewer", token=made.token)).status == 401


async def test_a_token_that_is_wrong_is_not_made_good_by_a_cookie(start: Any) -> None:
    """Who sends both is who the token says."""
    lane = await start()
    session, _ = await lane.front.person("mira")
    assert (await lane.get("/viewer", session=session, token="rlt_wrong")).status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.com"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_other_sites_pages(start: Any, headers: dict[str, str], status: int) -> None:
    """A session's cookie changes nothing but from a page of ours; that it reads is no harm, and a token is no browser's."""
    lane = await start()
    session, _ = await lane.front.person("mira")
    cookie = {"Cookie": f"ratelimit_session={session}", **headers}
    assert (await lane.post("/people-only", headers=cookie)).status == status
    assert (await lane.get("/viewer", headers=cookie)).status == 200
    made = await lane.front.tokens.make(OPERATOR, TokenAsked("ci", "analyst", ("overrides:write",)))
    assert (await lane.post("/early", token=made.token)).status == 200


async def test_names_that_are_not_ours(start: Any) -> None:
    """A name that somebody pointed at this machine is refused, before anything is answered; addresses and our names are not."""
    lane = await start(strict=True)
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "localhost@evil.example", "[::1].evil"):
        assert (host, (await lane.get("/early", headers={"Host": host})).status) == (host, 421)
    for host in ("localhost", "LOCALHOST:8081", "127.0.0.1:1", "[::1]:8081", "10.0.0.7", "console.localhost"):
        assert (host, (await lane.get("/early", headers={"Host": host})).status) == (host, 200)


async def test_the_consoles_own_name(start: Any) -> None:
    """Where RATELIMIT_CONSOLE_URL is set, that name is served, with cookies for https alone."""
    lane = await start(url="https://console.example.com")
    assert (await lane.get("/plain", headers={"Host": "console.example.com"})).status == 200
    assert (await lane.get("/plain", headers={"Host": "evil.example"})).status == 421
    await lane.front.person("mira")
    told = await lane.post(
        "/login", data={"login": "mira", "password": GOOD}, headers={"Host": "console.example.com", "Origin": "https://console.example.com"}
    )
    name, _, rest = told.cookie.partition("=")
    secret, _, flags = rest.partition("; ")
    assert (told.status, name, flags) == (303, "__Host-ratelimit_session", "Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure")
    host = {"Host": "console.example.com"}
    assert (await lane.get("/viewer", headers={**host, "Cookie": f"__Host-ratelimit_session={secret}"})).status == 200
    assert (await lane.get("/viewer", headers={**host, "Cookie": f"ratelimit_session={secret}"})).status == 401


async def test_behind_a_proxy(start: Any) -> None:
    """What a trusted proxy says of https and addresses is believed, and nobody else's word is."""
    form, told_https = {"login": "mira", "password": GOOD}, {**OURS, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    lane = await start(trusted=["127.0.0.0/8"])
    await lane.front.person("mira")
    answer = await lane.post("/login", data=form, headers=told_https)
    assert answer.cookie.startswith("__Host-")
    assert (await lane.front.audit(kind="login"))[0].content["network"] == "203.0.113.0/24"
    answer = await lane.post("/login", data=form, headers=OURS)
    assert (answer.cookie.startswith("ratelimit_session="), "Secure" in answer.cookie) == (True, False)


async def test_without_a_proxy(start: Any) -> None:
    """The same headers of somebody else are nothing."""
    lane = await start()
    await lane.front.person("mira")
    headers = {**OURS, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    answer = await lane.post("/login", data={"login": "mira", "password": GOOD}, headers=headers)
    assert answer.cookie.startswith("ratelimit_session=")
    assert (await lane.front.audit(kind="login"))[0].content["network"] == "127.0.0.0/24"


async def test_pages_ask_to_log_in(start: Any) -> None:
    """And come back to where one was; a script that asks for a part is led there too, and a form is not asked for again."""
    lane = await start()
    await lane.front.person("mira")
    answer = await lane.get("/page/7?tab=mine&x=%2F%0d%0aSet-Cookie:a=b")
    assert (answer.status, answer.location) == (303, "/login?next=/page/7%3Ftab%3Dmine%26x%3D/%250D%250ASet-Cookie%3Aa%3Db")
    part = await lane.get("/page", headers={"HX-Request": "true", "HX-Current-URL": "http://x/page/7?a=b"})
    assert (part.status, part.headers["HX-Redirect"]) == (200, "/login?next=/page/7%3Fa%3Db")
    assert (await lane.post("/page", headers=OURS)).location == "/login"
    assert (await lane.get("//evil.example/page", headers=HTML)).location == "/login"


async def test_problems_are_pages_for_people(start: Any) -> None:
    """A refusal, what is not there, and a bug of ours; programs have problems."""
    lane = await start()
    session, _ = await lane.front.person("mira")
    for path, status in (("/admins-page", 403), ("/bug", 500), ("/nothing", 404)):
        answer = await lane.get(path, session=session, headers=HTML)
        assert (path, answer.status, answer.headers["Content-Type"]) == (path, status, "text/html; charset=utf-8")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert ('aria-label="Sections"' in answer.text, "Log out" in answer.text) == (True, True), "they find their way on"
    answer = await lane.get("/nothing", session=session)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert lane.counts.bugs == 1


async def test_nobody_learns_what_there_is(start: Any) -> None:
    """Without a proof every path is answered alike, once there are people."""
    lane = await start()
    await lane.front.person("mira")
    assert {(await lane.get(path)).status for path in ("/nothing", "/viewer", "/v1/people", "/v1/nothing")} == {401}
    assert (await lane.ask("DELETE", "/viewer")).status == 401


async def test_without_the_ledger(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is let in that cannot be looked up, also on what was open before; the operator's token needs no ledger."""
    lane = await start(operator=True)
    session, _ = await lane.front.person("mira")

    def away() -> Any:
        raise LedgerAwayError("the disk is gone")

    lane.front.principals.forget()
    monkeypatch.setattr(lane.front.ledger, "read", away)
    answer = await lane.get("/viewer", session=session)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert (await lane.get("/page", session=session)).status == 503
    assert (await lane.get("/viewer", token=OPERATOR_TOKEN)).status == 200


async def test_a_text_that_the_ledger_does_not_take(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the client's mistake, on pages as well."""
    lane = await start(operator=True)
    session, _ = await lane.front.person("mira", role="admin")

    def refused(*_: Any) -> Any:
        raise NoTextError("there is no NUL")

    monkeypatch.setattr(lane.front.accounts, "people", refused)
    for path in ("/v1/people", "/users"):
        assert (await lane.get(path, session=session)).status == 422


async def test_nothing_is_kept(start: Any) -> None:
    """No answer that says nothing else may be kept by a browser or on the way, nor be taken for another kind: errors and redirects too."""
    lane = await start()
    session, _ = await lane.front.person("ada", "viewer")
    answers = [await lane.get(path, session=session) for path in ("/viewer", "/admin", "/nowhere", "/v1/me")]
    answers += [await lane.get("/page"), await lane.get("/viewer"), await lane.post("/early", session=session, headers={"Origin": "x"})]
    told = {(one.headers.getall("Cache-Control")[0], one.headers["X-Content-Type-Options"]) for one in answers}
    assert told == {("no-store", "nosniff")}
    assert {len(one.headers.getall("Cache-Control")) for one in answers} == {1}
