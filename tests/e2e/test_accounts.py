"""Accounts of a real `ratelimit serve`: the link of the start, what is asked for from then on, restarts, and a ledger that is away."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from tests.e2e.serving import PATIENCE_S, Serving, serving

Serve = Callable[..., AbstractContextManager[Serving]]
GOOD = "kettle ovid gravel moth"
OPEN = {
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/v1/webhooks/stripe",
}  # probes, figures, documents, and Stripe's own proof


class Told(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    text: str


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start `ratelimit serve` in an empty folder, with settings."""
    return partial(serving, tmp_path)


def ask(running: Serving, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Told:
    """Ask the operator lane as a browser would, and follow nothing."""
    place = urlsplit(running.operator)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE_S)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    sent = {"Sec-Fetch-Site": "same-origin", **kind, **headers}
    connection.request(method, path, urlencode(form) if form is not None else None, sent)
    answer = connection.getresponse()
    told = Told(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode())
    connection.close()
    return told


def link_of(running: Serving) -> str:
    """The token of the link that is printed behind the first lines."""
    assert running.process.stdout is not None
    for line in running.process.stdout:
        if found := re.search(r"/welcome\?token=(\S+)", line):
            return found[1]
    raise AssertionError("it ended without a link")


def first_admin(running: Serving) -> str:
    """Make the first account, and say its cookie."""
    form = {"token": link_of(running), "login": "ada", "name": "Ada", "password": GOOD, "again": GOOD}
    answer = ask(running, "POST", "/welcome", form)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    return answer.headers["set-cookie"].partition(";")[0]


def test_from_the_first_account_on(serve: Serve) -> None:
    """Until then tools on this machine go on; after it every call and page of the document wants to know who asks."""
    with serve() as running:
        link = link_of(running)
        assert ask(running, "GET", "/v1/overrides").status == 200
        form = {"token": link, "login": "ada", "name": "Ada", "password": GOOD, "again": GOOD}
        cookie = ask(running, "POST", "/welcome", form).headers["set-cookie"].partition(";")[0]
        document = json.loads(ask(running, "GET", "/openapi.json").text)["paths"]
        ours = {path: node for path, node in document.items() if "operator" in str(node["servers"]) and path not in OPEN}
        answered = []
        for path, node in ours.items():
            for method in node.keys() & {"get", "post", "put", "patch", "delete"}:
                target = re.sub(r"\{\w+\}", "1", path)
                status = ask(running, method.upper(), target).status
                answered += [(method, path, status)] if status not in {303, 401} else []
        assert answered == []
        assert len(ours) > 20
        for section in ("overview", "queue", "traffic", "rules", "models", "lists", "audit", "privacy", "users", "account"):
            answer = ask(running, "GET", f"/{section}", Accept="text/html")
            assert (answer.status, answer.headers["location"]) == (303, f"/login?next=/{section}")
        assert ask(running, "GET", "/v1/overrides", Cookie=cookie).status == 200
        assert ask(running, "GET", "/users", Cookie=cookie).status == 200
        assert ask(running, "GET", "/v1/overrides", Cookie=cookie, Host="evil.example").status == 421
        assert running.check()["decision"] == "allow"


def test_after_a_restart(serve: Serve) -> None:
    """People and their sessions are there, and no link is printed; nothing secret is in the logs."""
    with serve() as running:
        cookie = first_admin(running)
    with serve() as running:
        assert ask(running, "GET", "/users", Cookie=cookie).status == 200
        answer = ask(running, "POST", "/login", {"login": "ada", "password": GOOD})
        assert answer.status == 303
        running.process.terminate()
        rest, log = running.process.communicate(timeout=PATIENCE_S)
    assert "welcome" not in rest
    assert cookie.partition("=")[2] not in log
    assert GOOD not in log
    assert "the audit's head" in log


def test_while_the_ledger_is_away(serve: Serve, tmp_path: Path) -> None:
    """The gateway is answered, the login page says what is wrong, and nobody is let in unseen."""
    with serve(DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}", LEDGER_KEY="ab" * 32) as running:
        assert running.check()["decision"] == "allow"
        assert ask(running, "GET", "/v1/overrides").status == 503
        assert ask(running, "GET", "/login").status == 200
        answer = ask(running, "POST", "/login", {"login": "ada", "password": GOOD})
        assert (answer.status, "ledger is away" in answer.text) == (503, True)
        assert ask(running, "GET", "/livez").status == 200


def test_with_an_operators_token(serve: Serve) -> None:
    """It opens everything without an account, and is asked for before there is one."""
    with serve(OPERATOR_TOKEN="a-token-that-is-long-enough") as running:
        bearer = "Bearer a-token-that-is-long-enough"
        assert ask(running, "GET", "/v1/overrides").status == 401
        assert ask(running, "GET", "/v1/people", Authorization=bearer).status == 200
        assert json.loads(ask(running, "GET", "/v1/audit/verify", Authorization=bearer).text)["whole"] is True
