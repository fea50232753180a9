"""Who comes to the site, for locust: people, an office, phones; and a flood, scrapers and a key that many share.

    locust -f bench/locustfile.py --host http://127.0.0.1:8080

Each user is a gateway that asks `POST /v1/check` on behalf of one caller, and looks whether the answer is a decision that agrees with its
headers; if not, the request is a failure. Requests are named by who asks and what for. Where the sidecar wants a token, it is taken from
RATELIMIT_GATEWAY_TOKEN. The same --seed makes the same callers, who do the same things in the same order; when they do them is up to the
machine. --record FILE keeps every request, for `bench/load_test.py`.
"""

import json
import os
import time
from argparse import ArgumentParser
from collections import Counter
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final, NamedTuple

from locust import FastHttpUser, constant_throughput, events, task
from locust.env import Environment

from bench.traffic.answer import read_answer
from bench.traffic.logbook import Entry, Logbook, now_us
from ratelimit.core.decision import Decision

ANSWER_S: Final = 5.0  # an answer that takes longer is none
_MOST_PATIENT: Final = 5  # times that a person comes back for the same page
_DESKS: Final = 12  # keys behind the address of one office
_HEADERS: Final = {"Content-Type": "application/json", "X-RateLimit-Token": os.environ.get("RATELIMIT_GATEWAY_TOKEN", "")}
_FLOOD_ADDRESS: Final = "203.0.113.66"
_SHARED_KEY: Final = "key-on-a-forum"


class Page(NamedTuple):
    """Something that is asked for."""

    name: str
    method: str
    path: str
    cost: int = 1


SEARCH: Final = Page("search", "GET", "/v1/search")
IMAGE: Final = Page("image", "POST", "/v1/images", cost=5)
DOWNLOAD: Final = Page("download", "GET", "/v1/downloads/pack.zip")


class Client(FastHttpUser):
    """A caller with a number of its kind, and its own chance."""

    abstract = True
    kind: ClassVar[str]
    network_timeout = connection_timeout = ANSWER_S
    book: ClassVar[Logbook] = Logbook(None)
    seed: ClassVar[int] = 1
    born: ClassVar[Counter[str]] = Counter()

    def on_start(self) -> None:
        """Locust starts users in no fixed order of kinds, so each kind counts its own."""
        self.number = Client.born[self.kind]
        Client.born[self.kind] += 1
        self.chance = Random(f"{self.seed} {self.kind} {self.number}")
        self.api_key = f"{self.kind}-{self.number}"
        self.ip = f"10.{self.number >> 8 & 255}.{self.number & 255}.7"

    def ask(self, page: Page, path: str | None = None) -> Decision | None:
        """Ask once for a page; `path` where it is not the page's own. None if no decision came."""
        asked = {"api_key": self.api_key, "ip": self.ip, "method": page.method, "path": path or page.path, "cost": page.cost}
        body = json.dumps(asked)
        sent = now_us()
        with self.client.post(
            "/v1/check", data=body, headers=_HEADERS, name=f"{self.kind} {page.name}", catch_response=True
        ) as answer:  # fmt: skip
            received = now_us()
            if answer.status_code:
                decision, flaw = read_answer(answer.status_code, answer.headers, answer.content or b"")
            else:
                decision, flaw = None, f"no answer: {answer.error}"
            if flaw:
                answer.failure(flaw)
        verdict, reason = (decision.decision, decision.reason) if decision else (None, None)
        caller, place = (self.kind, page.name, self.api_key, self.ip), (page.method, path or page.path, page.cost)
        Client.book.write(Entry(*caller, *place, sent, received, verdict, reason, flaw))
        return decision


class PersonUser(Client):
    """A person with a key and an address, at a person's pace: searches, downloads, now and then an image. Comes back when told to."""

    kind = "person"
    weight = 18

    def wait_time(self) -> float:
        """Mostly about a second, at times several: people read."""
        return min(8.0, self.chance.lognormvariate(0.0, 0.6))

    @task
    def visit(self) -> None:
        """One page; who is told to wait waits so long and no longer."""
        (page,) = self.chance.choices((SEARCH, DOWNLOAD, IMAGE), (6, 3, 2))
        for _ in range(_MOST_PATIENT):
            decision = self.ask(page)
            if decision is None or decision.decision == "allow" or decision.retry_after is None:
                return
            time.sleep(decision.retry_after)


class OfficeUser(PersonUser):
    """One of a dozen people with keys of their own behind one address."""

    kind = "office"
    weight = 10

    def on_start(self) -> None:
        """The address is the office's."""
        super().on_start()
        self.ip = f"198.18.{self.number // _DESKS & 255}.1"


class MobileUser(PersonUser):
    """A person on the move: every few pages the address is another one, in IPv4 or IPv6."""

    kind = "mobile"
    weight = 4

    def on_start(self) -> None:
        """Begins somewhere."""
        super().on_start()
        self.move()

    @task
    def visit(self) -> None:
        """Perhaps from a new address."""
        if self.chance.random() < 0.2:
            self.move()
        super().visit()

    def move(self) -> None:
        """To another cell, or network."""
        cell = self.chance.getrandbits(14)
        self.ip = f"2001:db8:{cell:x}::{self.number + 1:x}" if cell % 2 else f"100.64.{cell >> 8}.{cell & 255}"


class FloodUser(Client):
    """Asks as fast as it is told to from the one address, with a key invented for each request, whatever is answered."""

    kind = "flood"
    weight = 2
    wait_time = constant_throughput(80)

    @task
    def pour(self) -> None:
        """One more."""
        self.ip = _FLOOD_ADDRESS
        self.api_key = f"guess-{self.chance.getrandbits(64):x}"
        self.ask(SEARCH)


class ScraperUser(Client):
    """Walks through the results page by page with one key from several addresses, faster than its key may; refusals are asked again."""

    kind = "scraper"
    weight = 2
    wait_time = constant_throughput(20)

    def on_start(self) -> None:
        """Begins with the first page."""
        super().on_start()
        self.walk = count(1)
        self.at = next(self.walk)

    @task
    def walk_on(self) -> None:
        """The next page, if this one is given."""
        self.ip = f"172.16.{self.number & 255}.{self.at % 4 + 1}"
        decision = self.ask(SEARCH, f"/v1/search?page={self.at}")
        if decision is not None and decision.decision == "allow":
            self.at = next(self.walk)


class SharedKeyUser(Client):
    """One of many who use the same key from everywhere."""

    kind = "shared_key"
    weight = 4
    wait_time = constant_throughput(6)

    @task
    def use(self) -> None:
        """From an address that was hardly there before."""
        self.api_key = _SHARED_KEY
        self.ip = f"172.20.{self.chance.getrandbits(8)}.{self.chance.randrange(1, 255)}"
        self.ask(self.chance.choice((SEARCH, DOWNLOAD, IMAGE)))


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # locust does not say
def _options(parser: ArgumentParser, **_: Any) -> None:
    hidden: dict[str, Any] = {"include_in_web_ui": False}  # locust's own argument
    parser.add_argument("--seed", type=int, default=1, help="Which callers come.", **hidden)
    parser.add_argument("--record", default="", metavar="FILE", help="Where every request is kept, a line of JSON each.", **hidden)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # locust does not say
def _begin(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    Client.book.close()  # of the test before, where a person starts several
    Client.seed = options.seed if options else 1
    Client.born.clear()
    Client.book = Logbook(Path(options.record) if options and options.record else None)


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # locust does not say
def _end(**_: Any) -> None:
    Client.book.close()
