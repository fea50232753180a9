"""Stripe's events at a real `serve` that is killed in the middle of them."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial, reduce
from pathlib import Path
from random import Random
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import msgspec
from redis import Redis
from stripe import WebhookSignature

from ratelimit.core.purchase_entry import PurchaseEntry, read
from ratelimit.core.store_key import BOOK, StoreKeys
from ratelimit.core.stripe_event import heard
from ratelimit.core.stripe_fact import conclusions, warnings, with_fact
from tests.e2e.serving import Serving, serving, until
from tests.service.stripe_site import attempts_of, purchase, story

SECRET = "whsec_of-the-tests-alone"
KEY = "5e" * 32
EVENTS, AT_ONCE = 2_000, 8
PATIENCE_S = 100


def post(url: str, body: bytes, **headers: str) -> int:
    """The status, or 0 where nobody answered."""
    try:
        with urlopen(Request(url, body, headers), timeout=30) as answer:  # noqa: S310  our own server
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (URLError, OSError):
        return 0


def tell(running: Serving, body: bytes) -> int:
    signature = WebhookSignature.generate_signature_header(body.decode(), SECRET, int(time.time()))
    return post(f"{running.operator}/v1/webhooks/stripe", body, **{"Stripe-Signature": signature})


def book(folder: Path, count: int) -> list[PurchaseEntry]:
    """What the embedded store's book knows of so many purchases."""
    socket = (folder / "ratelimit-data" / "lock").read_text().splitlines()[1]
    name = StoreKeys(bytes.fromhex(KEY)).namer_of(BOOK)
    with closing(Redis(unix_socket_path=socket)) as client:
        states: list[Any] = [client.get(name(f"p{number}")) for number in range(count)]
    return [read(f"p{number}", state) for number, state in enumerate(states)]


def plain(entry: PurchaseEntry) -> Any:
    """What its facts come to, without times, which are those of this run."""
    found = [(one.attempt, one.outcome, one.failed_checks, one.label) for one in conclusions(entry)]
    return found, [(one.object, one.attempt, one.fraud_type) for one in warnings(entry)], sorted(entry.facts)


def wholes(folder: Path, stories: list[list[bytes]]) -> list[Any]:
    """What each entry would come to with all that was told of it."""
    found = []
    for entry, bodies in zip(book(folder, len(stories)), stories, strict=True):
        facts = [one.fact for body in bodies if (one := heard(body, 0.0)) is not None]
        found.append(plain(reduce(with_fact, facts, PurchaseEntry(entry.id, entry.attempts))))
    return found


def reasons(running: Serving) -> Counter[str]:
    """How many reasons the open case of each account has."""
    rows = json.loads(running.operate("/v1/cases?most=200")[1])["rows"]
    return Counter({row["anchor"]["shown"]: sum(int(reason.get("number") or 1) for reason in row["reasons"]) for row in rows})


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """Killed midway and started again, it ends with every event that it had answered 2xx, and with those it is told again, once each."""
    chance = Random(7)
    stories: list[list[bytes]] = []
    while sum(map(len, stories)) < EVENTS:
        stories.append(story(len(stories), chance))
    told = [body for one in stories for body in one]
    chance.shuffle(told)
    settings = {"STRIPE_SECRETS": f"whsec_another-that-is-older,{SECRET}", "STORE_KEY": KEY}
    answered: list[bytes] = []
    with ThreadPoolExecutor(AT_ONCE) as many:
        with serving(tmp_path, **settings) as running:
            for number in range(len(stories)):
                for attempt in range(attempts_of(number)):
                    asked = msgspec.json.encode(purchase(number, attempt + 1))
                    assert post(f"{running.gateway}/v1/purchases", asked) == 200

            def tell_until_killed(body: bytes) -> int:
                if len(answered) == EVENTS // 2:
                    running.process.kill()
                status = tell(running, body)
                if status == 200:
                    answered.append(body)
                return status

            assert set(many.map(tell_until_killed, told)) <= {200, 0, 503}
            assert running.process.wait(20) == -9
        assert EVENTS // 2 <= len(answered) < len(told)
        with serving(tmp_path, **settings) as running:
            unanswered = [body for body in told if body not in set(answered)]
            while unanswered:  # as Stripe does for three days
                statuses = list(many.map(partial(tell, running), unanswered))
                assert set(statuses) <= {200, 503}
                unanswered = [body for body, status in zip(unanswered, statuses, strict=True) if status != 200]
            until(lambda: [plain(entry) for entry in book(tmp_path, len(stories))] == wholes(tmp_path, stories), PATIENCE_S)
            warned = Counter(f"a{number % 101}" for number, (_, found, _) in enumerate(wholes(tmp_path, stories)) for _ in found)
            until(lambda: reasons(running) == warned, PATIENCE_S)
            assert json.loads(running.operate("/v1/webhooks/stripe/dead")[1])["dead"] == []
