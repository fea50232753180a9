"""`profile.lua` merges parts as its twin does, in any order, on every kind of store; its layout is that of `core/profile.py`."""

import re
from importlib.resources import files
from math import isnan, nan
from random import Random
from struct import calcsize, pack
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from ratelimit.core.profile import COUNTERS, COUNTS, DISTINCT, LONGEST_LIFE_S, STATE, STATE_BYTES, TICKS_PER_DAY, Merge
from ratelimit.stores.link import PROFILE
from ratelimit.stores.profile import packed
from tests.stores.profile_twin import Twin

SOURCE = files("ratelimit.stores").joinpath("profile.lua").read_text()
START = 1_790_000_000
WIDTHS = [width for _, width in DISTINCT]
EMPTY = [0] * len(WIDTHS)


def bits_of(masks: list[int]) -> bytes:
    return b"".join(mask.to_bytes(width // 8, "little") for mask, width in zip(masks, WIDTHS, strict=True))


def part(tick: float, **counts: float) -> list[float]:
    return [tick, *(counts.get(name, 0.0) for name in COUNTS)]


def merge_of(parts: list[list[float]], masks: list[int], risk: float = nan, model: int = 0, *, only_known: bool = False) -> Merge:
    return Merge(b"".join(pack("<19d", *one) for one in parts), bits_of(masks), risk, model, only_known)


def run(client: Any, key: str, merge: Merge) -> bytes:
    client.script_load(PROFILE.source)
    (reply,) = client.evalsha(PROFILE.sha, 1, key, packed(merge))
    return bytes(reply)


def read(state: bytes) -> Any:
    return np.frombuffer(state, STATE)[0]


def same(state: bytes, twin: Twin) -> None:
    found, expected = read(state), twin.state()[0]
    for name in STATE.names or ():
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-6, atol=1e-30, err_msg=name)


def random_part(chance: Random, tick: int) -> list[float]:
    asked = chance.choice([0, 1, 1, 2, 50])
    return [tick, *(float(asked) if name == "attempts" else float(chance.randint(0, 9)) for name in COUNTS)]


@pytest.mark.parametrize("seed", range(12))
def test_script_is_its_twin(client: Any, seed: int) -> None:
    """On a random trace, late parts and clocks that jump included, the script keeps and answers what its twin does."""
    chance, key, now = Random(seed), f"rl1:p:{uuid4()}", START
    twin: Twin | None = None
    for _ in range(40):
        now += chance.choice([0, 1, 3, 60, 600, 3_600, 7_200, 90_000, -1, -30, -4_000])
        ticks = sorted(now - chance.choice([0, 0, 1, 5, 40]) for _ in range(chance.randint(1, 4)))
        parts = [random_part(chance, tick) for tick in ticks]
        masks = [chance.getrandbits(width) & chance.getrandbits(width) & chance.getrandbits(width) for width in WIDTHS]
        risk = chance.choice([nan, 0.25, 0.5])
        was_at = -1.0 if twin is None else twin.at
        twin = twin or Twin.new(ticks[0])
        twin.merge(parts, masks, risk, 7)
        twin.was_at = was_at
        same(run(client, key, merge_of(parts, masks, risk, 7)), twin)
        assert len(client.get(key)) == STATE_BYTES


def test_header_and_layout_agree() -> None:
    """The script unpacks as many numbers as the core names, and says so in its header."""
    assert f"{len(COUNTS)} counts" in SOURCE
    assert f"{len(COUNTERS)} f4 counters" in SOURCE
    (groups,) = re.findall(r"local TEN_S.*= (.*) --", SOURCE)
    begins = [0, *(COUNTERS.index(name) for name in ("attempts_10m", "attempts_1d", "gaps_1d", "attempts_14d")), len(COUNTERS)]
    assert [int(n) for n in groups.split(", ")] == begins
    assert calcsize(f"<5dfI2f{len(COUNTERS)}f") + 2 * sum(WIDTHS) // 8 == STATE_BYTES


def test_order_does_not_matter(client: Any) -> None:
    """Parts that come late within an hour leave what they would have left in time."""
    chance, keys = Random(3), [f"rl1:p:{uuid4()}" for _ in range(2)]
    merges = [([random_part(chance, START + 7 * i)], [chance.getrandbits(width) for width in WIDTHS]) for i in range(30)]
    for parts, masks in merges:
        run(client, keys[0], merge_of(parts, masks))
    last = merges[-1]
    shuffled = [merges[0], last, *chance.sample(merges[1:-1], len(merges) - 2)]
    for parts, masks in shuffled:
        run(client, keys[1], merge_of(parts, masks))
    one, other = (np.frombuffer(client.get(key) + b"\0" * 8, STATE)[0] for key in keys)
    order_free = [name for name in STATE.names or () if not name.startswith("gap") and not isnan(np.sum(one[name]))]
    for name in order_free:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, err_msg=name)


def test_unknown_subjects_can_be_left_alone(client: Any) -> None:
    """`only_known` and a merge without parts make no profile; both answer with nothing."""
    key = f"rl1:p:{uuid4()}"
    assert run(client, key, merge_of([part(START, attempts=1)], EMPTY, only_known=True)) == b""
    assert run(client, key, merge_of([], EMPTY)) == b""
    assert client.get(key) is None


def test_reading_changes_nothing(client: Any) -> None:
    """A merge without parts and risk answers with the profile; one with a risk leaves it for the other sidecars."""
    key = f"rl1:p:{uuid4()}"
    run(client, key, merge_of([part(START, attempts=3, requests=2)], EMPTY))
    before = client.get(key)
    assert run(client, key, merge_of([], EMPTY))[:STATE_BYTES] == before == client.get(key)
    assert read(run(client, key, merge_of([], EMPTY, 0.75, 9)))["risk"] == 0.75
    found = read(run(client, key, merge_of([], EMPTY)))
    assert (found["risk"], found["model"], found["attempts_10s"]) == (0.75, 9, 3)


def test_profiles_live_longer_the_older_they_are(client: Any) -> None:
    """A new one is kept for a day, so that invented subjects go soon; an old one for two weeks."""
    key = f"rl1:p:{uuid4()}"
    run(client, key, merge_of([part(START, attempts=1)], EMPTY))
    assert 0 <= TICKS_PER_DAY - client.ttl(key) <= 5
    run(client, key, merge_of([part(START + 2 * TICKS_PER_DAY, attempts=1)], EMPTY))
    assert 0 <= 3 * TICKS_PER_DAY - client.ttl(key) <= 5
    run(client, key, merge_of([part(START + 60 * TICKS_PER_DAY, attempts=1)], EMPTY))
    assert 0 <= LONGEST_LIFE_S - client.ttl(key) <= 5


def test_a_clock_that_was_ahead_heals(client: Any) -> None:
    """After a tick from the far future the next true one counts in full."""
    key = f"rl1:p:{uuid4()}"
    run(client, key, merge_of([part(START + 10 * TICKS_PER_DAY, attempts=5)], EMPTY))
    found = read(run(client, key, merge_of([part(START, attempts=2)], EMPTY)))
    assert found["at"] == found["first"] == START
    assert found["attempts_10s"] == 7
