"""A console at work: a real `serve` with people, and everything that a caller, a buyer or a payment service does to it."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Page

from tests.e2e.console.chromium import Scheme, Visitor, visitor
from tests.e2e.serving import Serving, serving, until

PASSWORD: Final = "kettle ovid gravel moth"
HOSTILE_AGENT: Final = "\"><script>document.title='owned'</script>\u202egnp.exe <img src=x onerror=alert(1)>"
HOSTILE_PATH: Final = "/v1/generate/<svg onload=alert(1)>/%22%3E{{7*7}}"

POLICY: Final = """
version: 1
limits:
  - {name: key, per: [api_key], bucket: {capacity: 3, refill: 1/h}}
  - {name: account, per: [account], bucket: {capacity: 1000, refill: 100/s}}
rules:
  - {name: looked-into, on: purchase, when: purchase.amount >= 40, then: review, reason: a large amount for a first purchase}
  - {name: many-cards, on: purchase, when: purchase.cards_1h >= 2, then: block, mode: shadow, reason: several cards within the hour}
"""


class Person(NamedTuple):
    """Who has an account."""

    login: str
    name: str
    role: str


ADA: Final = Person("ada", "Ada Byron", "admin")
EVE: Final = Person("eve", "Eve Adler", "admin")
TOM: Final = Person("tom", "Tom Okafor", "analyst")
INA: Final = Person("ina", "Ina Duarte", "analyst")
GUS: Final = Person("gus", "Gus Holm", "viewer")  # who may be kept out: nobody else's test logs in as him
VAL: Final = Person("val", "Val Lind", "viewer")


class Office:
    """A running console, and a browser to look at it with."""

    def __init__(self, running: Serving, browser: Browser, folder: Path) -> None:
        self.running, self.browser, self.folder = running, browser, folder

    @contextmanager
    def desk(self, person: Person, *, width: str = "desk", scheme: Scheme = "light") -> Iterator[Visitor]:
        """A window of somebody who has logged in; nothing may have gone wrong in it until it is closed."""
        with visitor(self.browser, self.running.operator, width=width, scheme=scheme) as one:
            page = one.go("/login")
            page.fill("[name=login]", person.login)
            page.fill("[name=password]", PASSWORD)
            page.click("button:has-text('Log in')")
            page.wait_for_url("**/overview")
            yield one
            assert one.errors == []

    def check(self, **asked: object) -> dict[str, Any]:
        """Ask the gateway lane for a decision."""
        return self.running.check(**asked)

    def buy(self, account: str, **more: object) -> dict[str, Any]:
        """Buy as a checkout would have it asked."""
        card = {"fingerprint": f"fp_{account}", "last4": "4242", "exp_month": 1, "exp_year": 2030, "country": "DE", "funding": "credit"}
        body = {"id": f"pu_{account}", "attempt": 1, "account": account, "ip": "203.0.113.7", "amount": 5_000, "currency": "eur"}
        return _post(f"{self.running.gateway}/v1/purchases", body | {"tokens": 500, "card": card, **more})

    def case_of(self, account: str, visitor: Visitor) -> int:
        """The number of an account's open case, once it is there."""
        self.buy(account)
        found: list[int] = []

        def there() -> bool:
            status, answer = visitor.call("GET", f"/v1/cases?text={account}")
            assert status == 200, answer
            found[:] = [row["number"] for row in answer["rows"] if row["anchor"]["shown"] == account]
            return bool(found)

        until(there)
        return found[0]

    def decision(self, account: str) -> str:
        """What a request of an account's is answered now."""
        return str(self.check(api_key=f"key-of-{account}-{time.monotonic_ns()}", account=account)["decision"])


@contextmanager
def staffed(folder: Path, browser: Browser, **settings: str) -> Iterator[Serving]:
    """A `serve` with its people: the first admin by the link of the start, some hired long ago, the others invited."""
    (folder / "ratelimit.yaml").write_text(POLICY, encoding="utf-8")
    with serving(folder, ALLOW_SAMPLE="1", **settings) as running:
        with visitor(browser, running.operator) as one:
            page = one.go(f"/welcome?token={_link(running)}")
            page.fill("[name=login]", ADA.login)
            page.fill("[name=name]", ADA.name)
            _set_password(page)
            page.wait_for_url("**/overview")
            for person in (EVE, GUS):
                _hire(folder, person)
            for person in (TOM, INA, VAL):
                asked = {"login": person.login, "name": person.name, "role": person.role}
                status, invited = one.call("POST", "/v1/people", asked)
                assert status == 201, invited
                with visitor(browser, running.operator) as other:
                    page = other.page
                    page.goto(invited["link"])
                    _set_password(page)
                    page.wait_for_url("**/overview")
                    assert other.errors == []
            assert one.errors == []
        yield running


def _hire(folder: Path, person: Person) -> None:
    """Somebody with the password of the first, whose account nobody has had a hand in lately."""
    long_ago = time.time() - 30 * 86_400
    with closing(sqlite3.connect(folder / "ratelimit-data" / "ledger.db", timeout=30)) as connection, connection:
        connection.execute(
            "INSERT INTO person (login, name, role, password, made_at, made_by)"
            " SELECT ?, ?, ?, password, ?, 'test' FROM person WHERE id = 1",
            (*person, long_ago),
        )


def _set_password(page: Page) -> None:
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("button:has-text('Set password')")


def _link(running: Serving) -> str:
    assert running.process.stdout is not None
    for line in running.process.stdout:
        if found := re.search(r"/welcome\?token=(\S+)", line):
            return found[1]
    raise AssertionError("it ended without a link")


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310  our own server
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except HTTPError as error:
        raise AssertionError(error.read().decode()) from error
