"""`quota.lua` is its twin in the core: every answer and all that is kept, on every kind of store; its header is what its caller packs."""

import re
from importlib.resources import files
from random import Random
from struct import pack, unpack
from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core.quota_counter import Operation, QuotaCall, QuotaCounter, QuotaGrant
from ratelimit.stores.link import QUOTA
from ratelimit.stores.quota import counter, grant, packed

SOURCE = files("ratelimit.stores").joinpath("quota.lua").read_text()
MS = 1_000
S = 1_000_000
DAY = 86_400 * S
START = 1_760_000_000_000_000
PERIOD = 20 * S
BOUNDS = ["previous", "this", "next", "end"]


def run(client: Any, key: str, clock: int, call: QuotaCall) -> QuotaGrant:
    client.script_load(QUOTA.source)
    (reply,) = client.evalsha(QUOTA.sha, 1, key, clock, packed(call))
    return grant(reply)


def around(now: int) -> tuple[int, int, int, int]:
    this = now // PERIOD * PERIOD
    return this - PERIOD, this, this + PERIOD, this + 2 * PERIOD


def random_call(chance: Random, now: int, ops: list[int], starts: list[int]) -> QuotaCall:
    again = chance.random() < 0.2
    return QuotaCall(
        amount=300,
        bounds=around(now + chance.choice([0, 0, 0, PERIOD, -PERIOD])),
        op=chance.choice(ops[-3:]) if again else chance.getrandbits(52) | 1,
        needs=[chance.choice([0, 1, 2, 5, 50]) for _ in range(chance.choice([0, 1, 1, 3, 50]))],
        extra=chance.choice([0, 0, 3, 10]),
        give_back=chance.randint(0, 20),
        give_back_start=chance.choice(starts),
        cancel=chance.choice([0, 0, chance.getrandbits(52) | 1, chance.choice(ops)]),
    )


@pytest.mark.parametrize("seed", range(25))
def test_script_is_its_twin(client: Any, seed: int) -> None:
    """On a random trace, with the clock given, the script answers and keeps what the core does."""
    chance, twin, now, ops, starts, key = Random(seed), QuotaCounter(), START, [1], [0], f"rl1:q:{uuid4()}"
    for _ in range(60):
        now += chance.choice([0, 1, 100, 5 * MS, 200 * MS, S, -100, -3 * S, 10 * S, 12 * S])
        call = random_call(chance, now, ops, starts)
        expected = twin.acquire(now, call)
        assert run(client, key, now, call) == expected
        assert counter(client.get(key)) == twin
        ops += [call.op, call.cancel or 1]
        starts.append(expected.at)


@pytest.mark.parametrize("amount", [2**40, 10**12])
def test_large_amounts_are_exact(client: Any, amount: int) -> None:
    """The largest amount that a policy can name is counted to the token."""
    key = f"rl1:q:{uuid4()}"
    run(client, key, START, QuotaCall(amount, around(START), 1, (amount - 1,)))
    assert run(client, key, START, QuotaCall(amount, around(START), 2, (2, 1))).retries[1] == 0
    assert counter(client.get(key)).used == amount


def test_key_outlives_its_period(client: Any) -> None:
    """By the store's own clock the key lives for a day beyond the period, so that a clock that steps back finds it."""
    key = f"rl1:q:{uuid4()}"
    day = DAY * (int(client.time(target_nodes="random")[0] if hasattr(client, "nodes_manager") else client.time()[0]) * S // DAY)
    run(client, key, 0, QuotaCall(10, (day - DAY, day, day + DAY, day + 2 * DAY), 1, (1,)))
    found = counter(client.get(key))
    assert found.start in {day, day + DAY}  # midnight may have passed
    assert abs(client.pexpiretime(key) * MS - (found.start + 2 * DAY)) < 2 * MS


def header(what: str) -> str:
    """The header's entry that begins so, its lines joined."""
    found = re.search(rf"^-- {what} +(.*\n(?:--  .*\n)*)", SOURCE, re.MULTILINE)
    assert found
    return " ".join(line.removeprefix("--").strip() for line in found[1].splitlines())


def test_call_is_packed_as_the_header_says() -> None:
    """The header lists the fields in the order in which they are packed, and how many they are."""
    listed = re.search(r"little-endian doubles, (\d+) and then its needs: ([a-z_ ]+) need\.\.\.", header("ARGV"))
    assert listed
    count, names = int(listed[1]), listed[2].split()
    values: dict[str, Any] = dict(zip([*BOUNDS, *QuotaCall._fields], range(1, 99), strict=False)) | {"count": 2}
    call = QuotaCall(**{name: values[name] for name in QuotaCall._fields} | {"needs": (7, 9), "bounds": tuple(values[n] for n in BOUNDS)})
    assert unpack(f"<{count + 2}d", packed(call)) == (*(values[name] for name in names), 7, 9)


def test_header_names_the_reply() -> None:
    """The header lists what is answered in the order in which it is read."""
    names = ["start" if name == "at" else name for name in QuotaGrant._fields[:-1]]
    assert header("Reply").startswith("for each counter {" + ", ".join(names) + ", retry...}")
    assert grant([1, 2, 3, 4, 1, 6, 7]) == QuotaGrant(1, 2, 3, 4, True, [6, 7])


def test_header_names_the_state() -> None:
    """The header lists what is kept in the order in which it is read."""
    assert header("State").startswith("doubles start used, and for each remembered operation " + " ".join(Operation._fields))
    assert counter(pack("<12d", *range(12))) == QuotaCounter(0, 1, [Operation(2, 3, 4, 5, 6), Operation(7, 8, 9, 10, 11)])
    assert counter(None) == QuotaCounter()
