"""`tally.lua` counts what its twin does, whatever is told twice; its layout is small enough for every country."""

import re
from importlib.resources import files
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core import tally
from ratelimit.core.call import Call
from ratelimit.core.tally import FAILED, RECENT, SETUP, Counts
from ratelimit.stores.link import SCRIPTS
from tests.stores.velocity_twin import TallyTwin

SOURCE = files("ratelimit.stores").joinpath("tally.lua").read_text()
START = 1_790_000_000.0
WEEK = 7 * 86_400.0


def run(client: Any, call: Call) -> bytes:
    client.script_load(SCRIPTS[call.script].source)
    (reply,) = client.evalsha(SCRIPTS[call.script].sha, 1, call.key, call.argument)
    return bytes(reply)


def tag_of(number: int) -> bytes:
    return f"{number:08d}".encode()


def told(reply: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(reply[i : i + 4], "little") for i in range(0, len(reply), 4))


@pytest.mark.parametrize("seed", range(6))
def test_script_is_its_twin(client: Any, seed: int) -> None:
    """On a random trace over months the script tells each attempt what its twin does."""
    chance, key, now = Random(seed), f"rl1:t:{uuid4()}", START
    twin, number = TallyTwin(), 0
    for _ in range(700):
        now += chance.choice([0, 0, 1, 30, 200, WEEK if chance.random() < 0.1 else 0, 3 * WEEK + 3_600 if chance.random() < 0.03 else 0])
        number += chance.choice([0, 1])
        tag = tag_of(number - chance.choice([0, 0, 1, 3]))
        match chance.choice(["attend", "attend", "end", "read"]):
            case "attend":
                setup = chance.random() < 0.3
                assert told(run(client, tally.attending(key, tag, now, SETUP * setup))) == twin.told(tag, now)
                twin.attend(tag, now, setup=setup)
            case "end":
                failed = chance.random() < 0.7
                assert run(client, tally.ending(key, tag, now, FAILED * failed)) == b""
                twin.end(tag, failed=failed)
            case "read":
                assert told(run(client, tally.reading(key, tag, now))) == twin.told(tag, now)


def test_failures_of_the_newest_are_counted_once(client: Any) -> None:
    """An end told twice counts once, one taken back does not, and one of an attempt that is not known any more never."""
    key = f"rl1:t:{uuid4()}"
    for number in range(RECENT + 2):
        run(client, tally.attending(key, tag_of(number), START, 0))
    for number, failed in ((0, FAILED), (1, FAILED), (5, FAILED), (5, FAILED), (6, FAILED), (6, 0), (RECENT, FAILED)):
        run(client, tally.ending(key, tag_of(number), START, failed))
    found = tally.read(run(client, tally.reading(key, b"somebody", START)), START)
    assert found.latest == Counts(RECENT + 2, 2)


def test_life_and_size(client: Any) -> None:
    """A tally is kept for 36 days after the latest hour with an attempt, and takes some 30 kB at most."""
    key = f"rl1:t:{uuid4()}"
    for week in range(5):
        for hour in range(0, 168, 24):
            run(client, tally.attending(key, tag_of(week * 168 + hour), START + week * WEEK + hour * 3_600, 0))
    assert 0 <= tally.LIFE_S - client.ttl(key) <= 5
    assert client.strlen(key) <= 31_000


def test_header_and_core_agree() -> None:
    """Script and core name the same numbers."""
    assert re.findall(r"RECENT, RECENT_AT, PLACE_BYTES = (\d+)", SOURCE) == [str(RECENT)]
    assert f"LIFE = {tally.LIFE_S // 86_400} * 86400" in SOURCE
    assert f"{RECENT:,} attempts" in SOURCE
