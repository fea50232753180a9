"""`acquire.lua` is its twin in the core: every answer and all that is kept, on every kind of store; its header is what its caller packs."""

import re
import time
from importlib.resources import files
from random import Random
from struct import pack, unpack
from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core.bucket import Acquire, Bucket, Grant, Terms
from ratelimit.core.units import Refill
from ratelimit.stores.acquire import bucket, grant, packed
from ratelimit.stores.link import ACQUIRE

SOURCE = files("ratelimit.stores").joinpath("acquire.lua").read_text()
MS = 1_000
S = 1_000_000
START = 1_760_000_000_000_000
REFILLS = ["0.5/s", "1/s", "5/s", "100/min", "20/s", "100/s", "1000/s", "5000/s"]
TERMS = Terms(40, *Refill.parse("10/s"))


def run(client: Any, key: str, clock: int, terms: Terms, call: Acquire) -> Grant:
    client.script_load(ACQUIRE.source)
    (reply,) = client.evalsha(ACQUIRE.sha, 1, key, clock, packed(terms, call))
    return grant(reply)


def kept(twin: Bucket) -> Bucket:
    """What the store keeps of a bucket: nothing of one that is full, and no generations where nothing is out."""
    if twin.debt == 0 and not twin.out + twin.old:
        return Bucket()
    if not twin.out + twin.old:
        twin.end = twin.old_id = twin.lapse = 0
    return twin


def random_call(chance: Random, now: int, ids: list[int]) -> Acquire:
    settle = chance.choice([0, chance.randint(0, 20)])
    return Acquire(
        needs=[chance.choice([0, 1, 1, 2, 5]) for _ in range(chance.choice([0, 1, 1, 1, 2, 5]))],
        extra=chance.choice([0, 0, 3, 10, 100]),
        settle=settle,
        settle_id=chance.choice(ids),
        give_back=chance.randint(0, settle),
        refund=chance.choice([0, 0, 1, 3]),
        refund_at=now - chance.choice([0, 100, 10 * MS, -5]),
    )


@pytest.mark.parametrize("seed", range(25))
def test_script_is_its_twin(client: Any, seed: int) -> None:
    """On a random trace, with the clock given, the script answers and keeps what the core does."""
    chance, twin, now, ids, key = Random(seed), Bucket(), START, [0], f"rl1:b:{uuid4()}"
    capacity, refill = chance.choice([1, 2, 5, 10, 50, 200, 1_000, 10**9]), Refill.parse(chance.choice(REFILLS))
    for _ in range(60):
        now += chance.choice([0, 1, 100, 5 * MS, 50 * MS, 200 * MS, 1_000 * MS, -100, -600 * MS, -3_000 * MS])
        if chance.random() < 0.03:
            refill = Refill.parse(chance.choice(REFILLS))
        life, horizon, late = chance.choice([50, 200]) * MS, chance.choice([0, 50, 100]) * MS, chance.choice([0, 0, 10]) * MS
        terms, call = Terms(capacity, *refill, life, horizon, late), random_call(chance, now, ids)
        expected = twin.acquire(now, terms, call)
        assert run(client, key, now, terms, call) == expected
        twin = kept(twin)
        assert bucket(client.get(key)) == twin
        ids.append(expected.id)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
def test_many_buckets_in_one_call(kind: str, request: pytest.FixtureRequest) -> None:
    """Buckets in one call do not know one another."""
    client: Any = request.getfixturevalue(kind).client
    client.script_load(ACQUIRE.source)
    keys = [f"rl1:b:{uuid4()}" for _ in range(64)]
    calls = [Acquire([i % 5, 1], extra=i % 3 * 10) for i in range(64)]
    for now in (START, START + 20 * MS):
        replies = client.evalsha(ACQUIRE.sha, 64, *keys, now, *[packed(TERMS, call) for call in calls])
        twins = [Bucket() for _ in calls]
        if now > START:
            for twin, call in zip(twins, calls, strict=True):
                twin.acquire(START, TERMS, call)
        assert [grant(reply) for reply in replies] == [twin.acquire(now, TERMS, call) for twin, call in zip(twins, calls, strict=True)]


@pytest.mark.parametrize("seed", range(20))
def test_new_refill_beyond_exact_products(client: Any, seed: int) -> None:
    """Rescaling is exact also where its products pass what a double can hold."""
    chance, key = Random(seed), f"rl1:b:{uuid4()}"
    before, after = (Refill(1, chance.randrange(10**9, 9 * 10**10)) for _ in range(2))
    debt = chance.randrange(40 * before.per)
    client.set(key, pack("<4d", START, debt, *before))
    run(client, key, START, Terms(40, *after), Acquire((50,)))
    exact = -(-debt * after.per // before.per)
    assert bucket(client.get(key)).debt == exact


@pytest.mark.parametrize("seed", range(15))
def test_key_outlives_what_it_knows(client: Any, seed: int) -> None:
    """By the store's own clock the key lives until its bucket is full and its leases have lapsed, and not much longer."""
    chance, key = Random(seed), f"rl1:b:{uuid4()}"
    terms = Terms(chance.choice([10, 200]), *Refill.parse(chance.choice(REFILLS)))
    for _ in range(5):
        run(client, key, 0, terms, Acquire([chance.randrange(1, 9)], extra=chance.choice([0, 10])))
        state, expires = client.get(key), client.pexpiretime(key)
        if state is None or expires < 0:
            return  # full again, in the second case between the two questions
        found = bucket(state)
        full_at = found.at + found.full_in()
        assert full_at < (expires + 1) * MS  # a key is there to the end of the millisecond it expires in
        assert expires * MS < full_at + S


@pytest.mark.parametrize(("out", "old"), [(0, 7), (7, 0), (3, 4), (10, 0)])
def test_key_outlives_what_is_out(client: Any, out: int, old: int) -> None:
    """Slots that are out refill only from when they have lapsed, so the key lives until then and that time more."""
    key, now = f"rl1:b:{uuid4()}", time.time_ns() // MS
    client.set(key, pack("<9d", now, (out + old) * TERMS.per, TERMS.num, TERMS.per, out, old, now + 150 * MS, now + 1, now + 300 * MS))
    run(client, key, 0, TERMS, Acquire())
    found = bucket(client.get(key))
    assert (found.out, found.old) == (out, old)
    assert found.at + found.full_in() < (client.pexpiretime(key) + 1) * MS


def test_full_bucket_leaves_no_key(client: Any) -> None:
    """A bucket that is full is no key at all, and one that is peeked at does not become one."""
    key = f"rl1:b:{uuid4()}"
    run(client, key, START, TERMS, Acquire((0,)))
    assert not client.exists(key)
    run(client, key, START, TERMS, Acquire((1,)))
    assert client.exists(key)
    run(client, key, START + S, TERMS, Acquire((0,)))
    assert not client.exists(key)


def header(what: str) -> str:
    """The header's entry that begins so, its lines joined."""
    found = re.search(rf"^-- {what} +(.*\n(?:--  .*\n)*)", SOURCE, re.MULTILINE)
    assert found
    return " ".join(line.removeprefix("--").strip() for line in found[1].splitlines())


def test_header_names_the_call() -> None:
    """The header lists the fields in the order in which they are packed, and how many they are."""
    fields = [*Terms._fields, *Acquire._fields[1:], "count"]
    assert f"little-endian doubles, {len(fields)} and then its needs: {' '.join(fields)} need..." in header("ARGV")


@pytest.mark.parametrize("needs", [[], [3], [0, 2, 1], [1] * 63, [1] * 64, [2] * 1_000])
def test_call_is_packed_as_the_header_says(needs: list[int]) -> None:
    """Terms, call, count, needs: all as doubles."""
    terms, call = Terms(1, 2, 3, 4, 5, 6), Acquire(needs, 7, 8, 9, 10, 11, 12)
    assert unpack(f"<{13 + len(needs)}d", packed(terms, call)) == (*range(1, 13), len(needs), *needs)


def test_header_names_the_reply() -> None:
    """The header lists what is answered in the order in which it is read."""
    assert header("Reply").startswith("for each bucket {" + ", ".join(Grant._fields[:-1]) + ", retry...}")
    assert grant([1, 2, 3, 4, 5, 6, 7]) == Grant(1, 2, 3, 4, 5, [6, 7])


def test_header_names_the_state() -> None:
    """The header lists what is kept in the order in which it is read."""
    short, _, long = header("State").partition(", and while slots are out on lease also ")
    names = [*short.split()[-4:], *long.split()]
    state = bucket(pack("<9d", *range(1, 10)))
    assert [getattr(state, name) for name in names] == list(range(1, 10))
    assert bucket(pack("<4d", *range(1, 5))) == Bucket(3, 4, 1, 2)
