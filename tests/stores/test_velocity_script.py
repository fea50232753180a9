"""`velocity.lua` keeps what its twin does, whatever is told twice, late or not at all; its layout is that of `core/velocity.py`."""

import re
from importlib.resources import files
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core import velocity
from ratelimit.core.call import Call
from ratelimit.core.purchase_signals import SPANS_S
from ratelimit.core.velocity import ENTRY, FAILED, FRAUD, GOOD, HEAD, LABEL, NEITHER, SUCCEEDED, Attempted
from ratelimit.stores.link import SCRIPTS
from tests.stores.velocity_twin import LogTwin

SOURCE = files("ratelimit.stores").joinpath("velocity.lua").read_text()
START = 1_790_000_000.0
DAY = 86_400.0


def run(client: Any, call: Call) -> bytes:
    client.script_load(SCRIPTS[call.script].source)
    (reply,) = client.evalsha(SCRIPTS[call.script].sha, 1, call.key, call.argument)
    return bytes(reply)


def tag_of(number: int) -> bytes:
    return f"{number:08d}".encode()


def attempt(number: int, at: float = START) -> Attempted:
    return Attempted(at, tag_of(number), 10.0 * number, number % 5, number % 3, 16 * (number % 3))


@pytest.mark.parametrize("seed", range(8))
def test_script_is_its_twin(client: Any, seed: int) -> None:
    """On a random trace with repeats, late words and long silences the script keeps what its twin does, and says what was before."""
    chance, key, now = Random(seed), f"rl1:v:{uuid4()}", START
    twin, most_tags, verdicts = LogTwin(most=chance.choice([5, 64])), (8, 200)[seed % 2], (FRAUD, GOOD, NEITHER)[seed % 3 == 0 :]
    for _ in range(600):
        now += chance.choice([0, 0, 1, 60, 3_600, -2, DAY, chance.choice([0.5] * 20 + [39 * DAY, 41 * DAY, 399 * DAY, 401 * DAY])])
        number = chance.randint(0, most_tags)
        match chance.choice(["attend", "attend", "end", "label", "label"]):
            case "attend":
                twin.age(now)
                assert run(client, velocity.attending(key, attempt(number, now), twin.most)) == twin.state()
                twin.attend(attempt(number, now))
            case "end":
                flags, known_at = chance.choice([0, SUCCEEDED, FAILED, FAILED | 4, FAILED | 8]), now - chance.choice([0, 0, 5, 9_000])
                twin.end(tag_of(number), flags, known_at)
                assert run(client, velocity.ending(key, tag_of(number), flags, known_at)) == b""
            case "label":
                verdict, known_at = chance.choice(verdicts), now - chance.choice([0, 0, 5, 9_000])
                twin.label(tag_of(number), verdict, now - DAY, known_at)
                assert run(client, velocity.labelling(key, tag_of(number), verdict, now - DAY, known_at)) == b""
        if twin.attempts or twin.labels:
            assert bytes(client.get(key)) == twin.state()


def test_labels_are_forgotten_oldest_first(client: Any) -> None:
    """Of 200 purchases confirmed the newest 128 are kept, all are in the totals, and one that is said again is not counted again."""
    key = f"rl1:v:{uuid4()}"
    for number in [*range(200), *range(200)]:
        run(client, velocity.labelling(key, tag_of(number), FRAUD if number % 2 else GOOD, START, START + number))
    first, last, forgotten, attempts, frauds, goods, entries, labels = HEAD.unpack_from(run(client, velocity.reading(key)))
    assert (first, last, forgotten) == (START, START + 199, START + 71)
    assert (attempts, frauds, goods, entries, labels) == (0, 100, 100, 0, 128)


def test_an_attempt_told_again_finds_itself(client: Any) -> None:
    """It is not added a second time, and what came after it is behind it."""
    key = f"rl1:v:{uuid4()}"
    replies = [run(client, velocity.attending(key, attempt(number, START + number), 256)) for number in (1, 2, 3, 2)]
    again = velocity.read(replies[-1], tag_of(2))
    assert again.told_at == START + 2
    assert again.entries == velocity.read(replies[1], tag_of(2)).entries
    assert velocity.read(replies[1], tag_of(2)).told_at is None
    assert HEAD.unpack_from(run(client, velocity.reading(key)))[6] == 3


def test_life(client: Any) -> None:
    """A log is kept for 40 days after the latest attempt, for 400 once a fraud is confirmed; an outcome changes nothing in that."""
    key = f"rl1:v:{uuid4()}"
    run(client, velocity.attending(key, attempt(1), 256))
    assert 0 <= velocity.LIFE_S - client.ttl(key) <= 5
    run(client, velocity.ending(key, tag_of(1), FAILED, START))
    assert 0 <= velocity.LIFE_S - client.ttl(key) <= 5
    run(client, velocity.labelling(key, tag_of(1), FRAUD, START, START))
    assert 0 <= velocity.FRAUD_LIFE_S - client.ttl(key) <= 5


def test_a_fraud_confirmed_late_is_kept(client: Any) -> None:
    """A dispute that comes after the log has expired makes one anew, first seen when the purchase was attempted."""
    key = f"rl1:v:{uuid4()}"
    run(client, velocity.labelling(key, tag_of(1), FRAUD, START, START + 100 * DAY))
    log = velocity.read(run(client, velocity.reading(key)), tag_of(2))
    assert (log.first, log.frauds) == (START, 1)


def test_header_and_layout_agree() -> None:
    """The script's sizes are those of the core, and so are the spans of time that it names."""
    sizes = {name: int(size) for name, size in re.findall(r"(HEAD|ENTRY|LABEL), \w+_BYTES = '.*', (\d+)", SOURCE)}
    assert sizes == {"HEAD": HEAD.size, "ENTRY": ENTRY.itemsize, "LABEL": LABEL.itemsize}
    assert f"{ENTRY.itemsize} bytes an entry" in SOURCE
    assert f"{LABEL.itemsize} bytes a label" in SOURCE
    places = [int(place) for place in re.findall(r"ENTRY_TAG, ENTRY_KNOWN, ENTRY_FLAGS = (\d+), (\d+), (\d+)", SOURCE)[0]]
    assert places == [ENTRY.fields[name][1] for name in ("tag", "known_at", "flags")]  # type: ignore[index]
    assert f"MOST_LABELS = {velocity.MOST_LABELS}" in SOURCE
    assert f"LIFE, FRAUD_LIFE = {velocity.LIFE_S // 86_400} * DAY, {velocity.FRAUD_LIFE_S // 86_400} * DAY" in SOURCE
    assert max(SPANS_S) < velocity.LIFE_S
