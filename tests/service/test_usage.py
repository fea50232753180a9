"""Signals on the serving side: what is counted, what is told to a real store and when, and what is bounded."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from ratelimit.core.distinct import Distinct
from ratelimit.core.identity import Caller
from ratelimit.core.profile import STATE
from ratelimit.core.signals import COLUMN, Kind, Rows
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.usage_event import answered, lived
from ratelimit.service.address_book import AddressBook
from ratelimit.service.outbox import LONGEST_UNTOLD_S
from ratelimit.service.usage import RISK_LIFE_S, Usage
from ratelimit.service.watches import FIRST_REQUESTS
from ratelimit.stores.client import RedisStore
from tests.stores.asker import until
from tests.stores.conftest import Node

SECRET = b"s" * 32
START = 1_790_000_000
KEY = Caller(api_key="k", ip=bytes([203, 0, 113, 7]), account="a", plan="pro")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class FixedScorer:
    """Says the same of everybody."""

    version = "0123456789ab"
    calibrated = True

    def __init__(self, risk: float) -> None:
        self._risk = risk

    def score(self, kind: Kind, rows: Rows, plans: Sequence[str | None]) -> Rows:  # noqa: ARG002  (the protocol's)
        return np.full(len(rows), self._risk)

    raw = p_fraud = lambda self, kind, rows: self.score(kind, rows, ())

    def spread(self, kind: Kind) -> None:
        """It was ranked on no days."""

    def reasons(self, kind: Kind, row: Rows) -> tuple[()]:  # noqa: ARG002
        return ()


def usage_on(store: RedisStore, most: int = 1_000) -> Usage:
    usage = Usage(store, StoreKeys(SECRET), Distinct(SECRET), AddressBook(), most)
    turn(usage, START)
    return usage


def turn(usage: Usage, tick: int) -> None:
    for _ in usage.turn(tick):
        pass


def note(usage: Usage, times: int, caller: Caller = KEY, target: str = "/v1/images", *, passed: bool = True) -> None:
    for _ in range(times):
        usage.note(caller, target, BROWSER, 2, passed=passed)


async def settle(usage: Usage) -> None:
    """All that is due is told, and what comes back is scored."""
    while usage.flush() or usage.outbox.under_way or len(usage.scoring):
        usage.score()
        await asyncio.sleep(0.001)


def signal(usage: Usage, name: str, kind: Kind = "api_key", value: str | bytes = "k") -> float:
    watch = usage.watch(kind, value)
    assert watch is not None
    return float(np.frombuffer(watch.signals, "<f4")[COLUMN[name]])


async def test_a_request_reaches_the_signals_of_all_its_subjects(store: RedisStore) -> None:
    """Key, address and account each have a profile of what passed and what was refused."""
    usage = usage_on(store)
    note(usage, 10)
    note(usage, 5, passed=False)
    turn(usage, START + 1)
    await settle(usage)
    subjects: list[tuple[Kind, str | bytes]] = [("api_key", "k"), ("ip", KEY.ip or b""), ("account", "a")]
    for kind, value in subjects:
        assert signal(usage, "attempts_10m", kind, value) == 15
        assert signal(usage, "requests_10m", kind, value) == 10
        assert signal(usage, "cost_10m", kind, value) == 20
        assert signal(usage, "browser_share", kind, value) == 1
    assert signal(usage, "addresses") == pytest.approx(1, abs=0.01)
    assert signal(usage, "keys", "ip", KEY.ip or b"") == pytest.approx(1, abs=0.01)
    assert np.isnan(signal(usage, "keys"))


async def test_nine_requests_leave_nothing(own_node: Node, store: RedisStore) -> None:
    """A subject gets a profile with its tenth request; before that nothing of it is in the store."""
    usage = usage_on(store)
    note(usage, FIRST_REQUESTS - 1)
    turn(usage, START + 1)
    turn(usage, START + 1 + LONGEST_UNTOLD_S)
    await settle(usage)
    assert own_node.client.keys("rl1:p:*") == []
    note(usage, 1)
    turn(usage, START + 20)
    turn(usage, START + 20 + LONGEST_UNTOLD_S)
    await settle(usage)
    assert len(own_node.client.keys("rl1:p:*")) == 3


async def test_a_few_requests_wait_for_company(store: RedisStore) -> None:
    """What is not worth a call is told after ten seconds, each part with its own second."""
    usage = usage_on(store)
    note(usage, FIRST_REQUESTS)
    turn(usage, START + 1)
    await settle(usage)
    told = usage.outbox.told
    for second in range(1, LONGEST_UNTOLD_S):
        note(usage, second in {1, 5})
        turn(usage, START + 1 + second)
        await settle(usage)
        assert usage.outbox.told == told, "it waits"
    turn(usage, START + 1 + LONGEST_UNTOLD_S)
    await settle(usage)
    assert usage.outbox.told == told + 3
    assert signal(usage, "attempts_14d") == pytest.approx(FIRST_REQUESTS + 2, rel=1e-4)
    assert signal(usage, "age_s") == 5


async def test_two_sidecars_share_a_profile(store: RedisStore) -> None:
    """What one saw the other scores, after a third request already."""
    one, other = usage_on(store), usage_on(store)
    one.scoring.scorer = other.scoring.scorer = FixedScorer(0.75)
    note(one, 20)
    turn(one, START + 1)
    await settle(one)
    note(other, 3)
    turn(other, START + 1)
    await settle(other)
    found = other.risk_of(KEY)
    assert found is not None
    assert found.risk == 0.75
    assert signal(other, "attempts_10m") == 20
    note(other, 8)
    turn(other, START + 2)
    await settle(other)
    assert signal(other, "attempts_14d") == pytest.approx(28, rel=1e-5)


async def test_the_risk_is_left_for_others(own_node: Node, store: RedisStore) -> None:
    """What was scored last stands in the profile, also if the subject says nothing more."""
    usage = usage_on(store)
    usage.scoring.scorer = FixedScorer(0.25)
    note(usage, 20)
    turn(usage, START + 1)
    await settle(usage)
    turn(usage, START + 2 + LONGEST_UNTOLD_S)
    await settle(usage)
    for key in own_node.client.keys("rl1:p:*"):
        state = np.frombuffer(own_node.client.get(key) + bytes(8), STATE)[0]
        assert (state["risk"], state["model"]) == (0.25, 0x01234567)


async def test_whose_risk_it_is(store: RedisStore) -> None:
    """A key's and an account's count, the larger of both; an address's only where there is neither, and only while it is fresh."""
    usage = usage_on(store)
    for scorer, caller in ((0.2, Caller(api_key="k")), (0.9, Caller(ip=KEY.ip)), (0.4, Caller(account="a"))):
        usage.scoring.scorer = FixedScorer(scorer)
        note(usage, 10, caller)
        turn(usage, usage.tick + 1)
        await settle(usage)
    for caller, expected in (
        (KEY, 0.4),
        (Caller(ip=KEY.ip), 0.9),
        (Caller(api_key="k", ip=KEY.ip), 0.2),
        (Caller(api_key="other", ip=KEY.ip), None),
    ):
        found = usage.risk_of(caller)
        assert (found and found.risk) == expected
    for tick in range(usage.tick, usage.tick + RISK_LIFE_S + 2, 30):
        turn(usage, tick)
    assert usage.risk_of(KEY) is None


async def test_what_is_known_of_a_refused_one(store: RedisStore) -> None:
    """Signals are those of whose risk it is, and stay when the risk is too old; of who is not watched there are none."""
    usage = usage_on(store)
    for risk, caller in ((0.2, Caller(api_key="k")), (0.9, Caller(ip=KEY.ip)), (0.4, Caller(account="a"))):
        usage.scoring.scorer = FixedScorer(risk)
        note(usage, 10, caller)
        turn(usage, usage.tick + 1)
        await settle(usage)
    for caller, expected in ((KEY, "a"), (Caller(api_key="k", ip=KEY.ip), "k"), (Caller(ip=KEY.ip), KEY.ip)):
        known = usage.known_of(caller)
        assert known is not None
        assert (known[0].value, known[1], known[2]) == (expected, known[0].risk, FixedScorer.version)
    assert usage.known_of(Caller(api_key="other", ip=KEY.ip)) is None
    usage.tick += RISK_LIFE_S + 10
    known = usage.known_of(KEY)
    assert known is not None
    assert known[1] is None
    assert known[3]


async def test_forged_successes_dilute_nothing(store: RedisStore) -> None:
    """However many successes are told, the share of errors is of what passed here."""
    usage = usage_on(store)
    note(usage, 10)
    turn(usage, START + 1)
    for _ in range(5):
        usage.tell(answered(KEY, 403))
    for _ in range(5_000):
        usage.tell(answered(KEY, 200))
    turn(usage, START + 20)
    await settle(usage)
    assert signal(usage, "error_share_10m") == pytest.approx(0.5, rel=0.05)
    assert signal(usage, "denied_share_10m") == pytest.approx(0.5, rel=0.05)


async def test_the_owners_faults_are_nobodys_errors(store: RedisStore) -> None:
    """A 5xx counts as answered only."""
    usage = usage_on(store)
    note(usage, 10)
    turn(usage, START + 1)
    for status in (500, 503, 200, 404):
        usage.tell(answered(KEY, status, 100))
    turn(usage, START + 20)
    await settle(usage)
    assert signal(usage, "error_share_1d") == pytest.approx(0.25)
    assert signal(usage, "bytes_1d") == pytest.approx(400, rel=1e-3)


async def test_what_another_sidecar_decided(own_node: Node, store: RedisStore) -> None:
    """What is told of somebody who never asked here is merged where the store knows them, in one call a second, and nowhere else."""
    one, other = usage_on(store), usage_on(store)
    note(one, 10)
    turn(one, START + 1)
    await settle(one)
    for _ in range(5):
        other.tell(answered(KEY, 404))
        other.tell(answered(KEY, 200))
        other.tell(answered(Caller(api_key="nobody"), 404))
    turn(other, START + 1)
    await settle(other)
    assert other.outbox.told == 4  # key, address and account; and nobody
    assert signal(other, "error_share_10m") == pytest.approx(0.5, rel=1e-2)
    assert other.watch("api_key", "nobody") is None
    assert len(own_node.client.keys("rl1:p:*")) == 3


async def test_told_of_who_is_counted_here(store: RedisStore) -> None:
    """Who asked here a few times is watched here as soon as any sidecar does; until then nothing of theirs is told."""
    usage = usage_on(store)
    note(usage, 1)
    usage.tell(answered(KEY, 404))
    turn(usage, START + 1)
    await settle(usage)
    assert (usage.outbox.told, usage.outbox.untold) == (0, 0)


async def test_strangers_are_bounded(store: RedisStore) -> None:
    """Of invented subjects only so many are told of in a second; the rest is let go and counted."""
    usage = usage_on(store)
    for number in range(1_000):
        usage.tell(answered(Caller(api_key=str(number)), 404))
    assert usage.strangers.dropped == 1_000 - 256
    turn(usage, START + 1)
    await settle(usage)
    assert usage.outbox.told == 256


async def test_an_accounts_life(store: RedisStore) -> None:
    """Failed logins count against account and address; events that no signal counts are none of ours."""
    usage = usage_on(store)
    note(usage, 10)
    turn(usage, START + 1)
    for event in ("login_failed", "login_failed", "login", "signup"):
        told = lived(KEY, event)
        assert told is not None
        usage.tell(told)
    assert lived(KEY, "closed") is None
    turn(usage, START + 20)
    await settle(usage)
    assert signal(usage, "failed_logins_1d", "account", "a") == pytest.approx(2, rel=1e-3)
    assert signal(usage, "failed_login_share", "ip", KEY.ip or b"") == pytest.approx(2 / 3)
    assert signal(usage, "signups_1d", "ip", KEY.ip or b"") == pytest.approx(1, rel=1e-3)


async def test_invented_keys_by_the_million(own_node: Node, store: RedisStore) -> None:
    """They are numbers in a bounded memory, and nothing of them reaches the store."""
    usage = usage_on(store, most=1_000)
    for second in range(4):
        for number in range(100_000):
            usage.note(Caller(api_key=f"{second}-{number}"), "/", None, 1, passed=True)
        turn(usage, START + second)
        await settle(usage)
    assert usage.dropped > 0
    assert usage.live == {"api_key": 0, "ip": 0, "account": 0}
    assert len(usage._watches["api_key"]._first) <= 1_000
    assert own_node.client.keys("rl1:p:*") == []


async def test_the_live_ones_are_bounded(store: RedisStore) -> None:
    """Beyond the most that are watched the one not seen for longest is let go."""
    usage = usage_on(store, most=50)
    for number in range(80):
        note(usage, 10, Caller(api_key=str(number)))
        turn(usage, START + number)
        await settle(usage)
    assert usage.live["api_key"] == 50
    assert usage.watch("api_key", "0") is None
    assert usage.watch("api_key", "79") is not None


async def test_a_clock_that_jumps(store: RedisStore) -> None:
    """A tick far ahead, and back again, is counted; what was pending is told, and afterwards all goes on."""
    usage = usage_on(store)
    note(usage, 10)
    turn(usage, START + 1)
    note(usage, 1)
    turn(usage, START + 1_000_000)
    await settle(usage)
    note(usage, 1)
    turn(usage, START + 2)
    note(usage, 10)
    turn(usage, START + 3)
    await settle(usage)
    assert usage.jumps == 2
    assert signal(usage, "attempts_10s") == pytest.approx(12, abs=2)


async def test_a_store_that_is_away_costs_signals_only(own_node: Node, store: RedisStore) -> None:
    """What cannot be told is dropped and counted; when the store is back signals go on."""
    usage = usage_on(store)
    note(usage, 10)
    own_node.kill()
    turn(usage, START + 1)
    await settle(usage)
    assert usage.outbox.untold == 3
    own_node.start()
    await until(lambda: not store.away)
    note(usage, 10)
    turn(usage, START + 2)
    await settle(usage)
    assert signal(usage, "attempts_10m") == 10
