"""Stripe's events at a real `serve` that is killed in the middle of them."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import reduce
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


def figure(running: Serving, name: str) -> float:
    lines = running.operate("/metrics")[1].splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def book(folder: Path, count: int) -> dict[str, PurchaseEntry]:
    """What the embedded store's book knows of so many purchases."""
    socket = (folder / "ratelimit-data" / "lock").read_text().splitlines()[1]
    name = StoreKeys(bytes.fromhex(KEY)).namer_of(BOOK)
    with closing(Redis(unix_socket_path=socket)) as client:
        states: list[Any] = [client.get(name(f"p{number}")) for number in range(count)]
    return {f"p{number}": read(f"p{number}", state) for number, state in enumerate(states)}


def plain(entry: PurchaseEntry) -> Any:
    """What its facts come to, without times, which are those of this run."""
    found = [(one.attempt, one.outcome, one.failed_checks, one.label) for one in conclusions(entry)]
    return found, [(one.object, one.attempt, one.fraud_type) for one in warnings(entry)], sorted(entry.facts)


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

            assert set(many.map(tell_until_killed, told)) <= {200, 0}
            assert running.process.wait(20) == -9
        assert EVENTS // 2 <= len(answered) < len(told)
        with serving(tmp_path, **settings) as running:
            unanswered = [body for body in told if body not in set(answered)]
            assert set(many.map(lambda body: tell(running, body), unanswered)) == {200}
            until(lambda: figure(running, "ratelimit_stripe_inbox") == 0, seconds=120)
            known = book(tmp_path, len(stories))
            cases = json.loads(running.operate("/v1/cases")[1])["cases"]
            dead = json.loads(running.operate("/v1/webhooks/stripe/dead")[1])["dead"]
    expected = Counter()  # type: Counter[str]
    for number, bodies in enumerate(stories):
        found = known[f"p{number}"]
        facts = [one.fact for body in bodies if (one := heard(body, 0.0)) is not None]
        whole = reduce(with_fact, facts, PurchaseEntry(found.id, found.attempts))
        assert plain(found) == plain(whole)
        expected.update(f"a{number % 101}" for _ in warnings(whole))
    assert {case["anchor"]["value"]: len(case["reasons"]) for case in cases} == expected
    assert dead == []
