"""A profile takes the memory that its cap is reckoned with, all told: state, name, the server's own, and its part of the census."""

from random import Random

from ratelimit.core.profile import DISTINCT, Census, Merge, in_sample
from ratelimit.core.store_key import PROFILES, StoreKeys
from ratelimit.stores.census import arguments
from ratelimit.stores.link import CENSUS, PROFILE
from ratelimit.stores.profile import packed
from tests.stores.conftest import Node
from tests.stores.test_profile_script import START, merge_of, random_part

PROFILE_COUNT = 20_000
MOST_BYTES = 600


def test_memory_of_a_profile(own_node: Node) -> None:
    """At most 600 bytes in the store, with every counter and bit in use."""
    chance, name = Random(1), StoreKeys(b"s" * 32).profile_namer("api_key")
    names = [name(str(number)) for number in range(PROFILE_COUNT)]
    calls = [packed(_merge(chance)) for _ in range(64)]
    client = own_node.client
    for script in (PROFILE, CENSUS):
        client.script_load(script.source)
    before = client.info("memory")["used_memory"]
    for first in range(0, PROFILE_COUNT, 64):
        keys = names[first : first + 64]
        client.evalsha(PROFILE.sha, len(keys), *keys, *calls[: len(keys)])
    sample = Census(START, tuple((one, START + 86_400) for one in names if in_sample(one)))
    client.evalsha(CENSUS.sha, 1, PROFILES, *arguments(sample))
    taken = (client.info("memory")["used_memory"] - before) / PROFILE_COUNT
    assert client.dbsize() == PROFILE_COUNT + 1
    assert taken <= MOST_BYTES, f"{taken:.0f} bytes"


def _merge(chance: Random) -> Merge:
    return merge_of(
        [random_part(chance, START + second) for second in range(3)], [chance.getrandbits(width) for _, width in DISTINCT], 0.5, 7
    )
