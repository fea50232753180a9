"""The scripts are their Python twins, on every kind of store: the same replies and the same state on random traces."""

import random
import re
from typing import Any

import pytest

from ratelimit.core.bucket import Acquire, Bucket, Terms
from ratelimit.core.quota_counter import QuotaCall, QuotaCounter
from ratelimit.core.units import Refill
from ratelimit.stores import acquire, quota
from ratelimit.stores.link import ACQUIRE, QUOTA

EPOCH = 1_760_000_000_000_000
TRACES = range(60)
STEPS = 50
MOVES = (0, 1, 100, 5_000, 50_000, 200_000, 1_000_000, 60_000_000, -100, -600_000, -3_000_000)
REFILLS = ("30/min", "1/s", "5/s", "20/s", "100/s", "5000/s", "7/min", "333/h")


def header(source: str, name: str) -> list[str]:
    """The words of the line of a script's header that names the fields of `name`."""
    return re.search(rf"^-- +({name} [\w ]+?)(?: need\.\.\.)?$", source, re.MULTILINE)[1].split()  # type: ignore[index]


def test_headers_name_what_is_packed() -> None:
    """What the scripts' headers say is what is written: the same fields, in the same order."""
    fields = [*Terms._fields, *Acquire._fields[1:], "count"]
    assert header(ACQUIRE.source, "capacity") == fields
    bounds = ["previous", "this", "next", "end"]
    assert header(QUOTA.source, "amount") == ["amount", *bounds, "extra", "give_back", "give_back_start", "op", "cancel", "count"]
    call = QuotaCall(1, (2, 3, 4, 5), op=9, needs=(11, 12), extra=6, give_back=7, give_back_start=8, cancel=10)
    assert len(quota.packed(call)) == 8 * (11 + 2)
    assert len(acquire.packed(Terms(1, 2, 3), Acquire((1, 2, 3)))) == 8 * (13 + 3)


@pytest.mark.parametrize("seed", TRACES)
def test_acquire(client: Any, seed: int) -> None:
    """acquire.lua and core/bucket.py agree on everything, whatever is sent."""
    chance, twin, key = random.Random(seed), Bucket(), f"rl1:b:trace{seed}"
    script = client.register_script(ACQUIRE.source)
    capacity, refill, now, ids = chance.choice([1, 2, 5, 10, 50, 200, 1000]), Refill.parse(chance.choice(REFILLS)), EPOCH, [0]
    for _ in range(STEPS):
        now += chance.choice(MOVES)
        if chance.random() < 0.05:
            refill = Refill.parse(chance.choice(REFILLS))
        life = chance.choice([50_000, 200_000])
        terms = Terms(capacity, *refill, life, chance.choice([0, 50_000, 100_000]), chance.choice([0, 0, 10_000]))
        settle = chance.randint(0, 20) if chance.random() < 0.5 else 0
        refund = chance.choice([0, 0, 1, 3])
        call = Acquire(
            [chance.choice([0, 1, 1, 2, 5]) for _ in range(chance.randint(0, 5))],
            chance.choice([0, 0, 3, 10, 100]),
            settle,
            chance.choice(ids[-4:]),
            chance.randint(0, settle),
            refund,
            now - chance.choice([0, 100, 10_000, -5]) if refund else 0,
        )
        expected = twin.acquire(now, terms, call)
        (reply,) = script(keys=[key], args=[now, acquire.packed(terms, call)])
        assert acquire.grant(reply) == expected
        state = client.get(key)
        if not twin.out + twin.old:  # with nothing on lease the script forgets the generations, which mean nothing then
            twin.end = twin.old_id = twin.lapse = 0
        assert acquire.bucket(state) == (twin if state is not None else Bucket())
        if state is None:
            assert twin.debt == twin.out + twin.old == 0
            twin = Bucket()
        ids.append(expected.id)


@pytest.mark.parametrize("seed", TRACES)
def test_quota(client: Any, seed: int) -> None:
    """quota.lua and core/quota_counter.py agree on everything, whatever is sent."""
    chance, twin, key = random.Random(seed), QuotaCounter(), f"rl1:q:trace{seed}"
    script = client.register_script(QUOTA.source)
    now, length, operations, starts = EPOCH, 20_000_000, [0], [0]
    for _ in range(STEPS):
        now += chance.choice([*MOVES[:7], *MOVES[8:], 12_000_000])
        this = now // length * length + chance.choice([0, 0, 0, length, -length])
        repeated = chance.random() < 0.2 and operations[-1]
        operations.append(operations[-1] if repeated else chance.getrandbits(52) | 1)
        call = QuotaCall(
            300,
            (this - length, this, this + length, this + 2 * length),
            operations[-1],
            [chance.choice([0, 1, 2, 5, 50]) for _ in range(chance.randint(0, 5))],
            chance.choice([0, 0, 3, 10]),
            chance.randint(0, 20),
            chance.choice(starts[-3:]),
            chance.choice(operations) if chance.random() < 0.3 else 0,
        )
        expected = twin.acquire(now, call)
        (reply,) = script(keys=[key], args=[now, quota.packed(call)])
        assert quota.grant(reply) == expected
        assert quota.counter(client.get(key)) == twin
        starts.append(expected.at)


def test_a_key_lives_until_the_bucket_is_full(client: Any) -> None:
    """The time to live of a key, by the store's own clock, is never shorter than what the bucket needs, and a full bucket has no key."""
    script = client.register_script(ACQUIRE.source)
    for seed in TRACES:
        chance, key = random.Random(seed), f"rl1:b:live{seed}"
        terms = Terms(chance.choice([8, 100, 5_000]), *Refill.parse(chance.choice(REFILLS)))
        for _ in range(6):
            needs = [chance.choice([1, 2, 5])]
            script(keys=[key], args=[0, acquire.packed(terms, Acquire(needs, chance.choice([0, 3, 50])))])
            state, left_ms = client.get(key), client.pttl(key)
            if state is None:
                continue
            twin = acquire.bucket(state)
            seconds, micros = (
                client.time(target_nodes=client.get_node_from_key(key)) if hasattr(client, "get_node_from_key") else client.time()
            )
            elapsed_us = seconds * 1_000_000 + micros - twin.at
            assert left_ms * 1_000 >= twin.full_in() - elapsed_us
        script(keys=[key], args=[0, acquire.packed(Terms(1, 1, 1), Acquire())])
    untouched = "rl1:b:untouched"
    script(keys=[untouched], args=[0, acquire.packed(Terms(5, 1, 1_000_000), Acquire((0,)))])
    assert client.get(untouched) is None
