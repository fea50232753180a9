"""Logs of entities take little where little was bought, and no more than their cap however much is."""

from collections.abc import Iterator

import pytest

from ratelimit.core import velocity
from ratelimit.core.call import Call
from ratelimit.core.store_key import VELOCITY, StoreKeys
from ratelimit.core.velocity import FRAUD, MOST_ENTRIES, MOST_LABELS, Attempted
from ratelimit.stores.link import SCRIPTS
from tests.stores.conftest import Node

START = 1_790_000_000.0
AT_ONCE = 64


def calls(key: str, attempts: int, labels: int) -> Iterator[Call]:
    for number in range(attempts):
        yield velocity.attending(key, Attempted(START + number, f"{number:08d}".encode(), 10.0, number, number, 0), MOST_ENTRIES)
    for number in range(labels):
        yield velocity.labelling(key, f"{number:08d}".encode(), FRAUD, START, START + number)


@pytest.mark.parametrize(
    ("entities", "attempts", "labels", "most_bytes"),
    [(5_000, 1, 0, 240), (2_000, 5, 0, 450), (100, 2 * MOST_ENTRIES, 2 * MOST_LABELS, 16_000)],
)
def test_memory_of_a_log(own_node: Node, entities: int, attempts: int, labels: int, most_bytes: int) -> None:
    """All told: state, name and the server's own."""
    client, script, name = own_node.client, SCRIPTS["velocity"], StoreKeys(b"s" * 32).namer_of(VELOCITY, "card")
    client.script_load(script.source)
    before = client.info("memory")["used_memory"]
    asked = [call for number in range(entities) for call in calls(name(str(number)), attempts, labels)]
    for first in range(0, len(asked), AT_ONCE):
        some = asked[first : first + AT_ONCE]
        client.evalsha(script.sha, len(some), *[call.key for call in some], *[call.argument for call in some])
    taken = (client.info("memory")["used_memory"] - before) / entities
    assert client.dbsize() == entities
    assert taken <= most_bytes, f"{taken:.0f} bytes"
