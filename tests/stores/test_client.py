"""The store that a URL names: single or cluster, there or away, and its slots on the move."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing
from typing import Any

import pytest
from redis.crc import key_slot
from structlog.testing import capture_logs

from ratelimit.core.errors import ConfigError
from ratelimit.core.store_key import META
from ratelimit.stores.acquire import bucket
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.port import free_port
from tests.stores.asker import PATIENCE_S, TERMS, Asker, clock, until
from tests.stores.conftest import Cluster, Node
from tests.stores.conftest import until as until_true
from tests.stores.proxy import Proxy

Open = Callable[..., Awaitable[RedisStore]]


@pytest.fixture
async def connect() -> AsyncIterator[Open]:
    """Make a store of a URL and open it; it is closed in the end."""
    async with AsyncExitStack() as stack:

        async def make(url: str, check_value: str = "ours") -> RedisStore:
            store = RedisStore(Options(url, clock, PATIENCE_S, check_value))
            stack.push_async_callback(store.close)
            await store.open()
            return store

        yield make


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A cluster for one test, whose other parts go on when one is missing."""
    with closing(Cluster(find_server(), "--cluster-require-full-coverage", "no")) as found:
        yield found


async def ask(store: RedisStore, asker: Asker) -> Asker:
    assert store.want(asker)
    await until(lambda: asker.told)
    return asker


def keys_of(cluster: Cluster, node: Node, count: int) -> list[str]:
    """So many fresh keys that lie on a node."""
    slots = cluster.slots_of(node)
    keys = (Asker().key for _ in range(count * 100))
    return [key for key in keys if key_slot(key.encode()) in slots][:count]


async def test_single(valkey: Node, connect: Open) -> None:
    """A single server is reached, says what it is, and is asked."""
    store = await connect(valkey.url)
    assert store.facts is not None
    assert (store.facts.cluster, store.away, store.key_matches) == (False, False, True)
    assert (await ask(store, Asker())).told == ["answered"]


async def test_store_that_comes_later(own_node: Node, connect: Open, logs: list[Any]) -> None:
    """A store that is not there yet is no error: it is away, wants are refused, and it is reached when it comes."""
    own_node.kill()
    store = await connect(own_node.url)
    assert (store.away, store.facts, store.want(Asker())) == (True, None, False)
    own_node.start()
    await until(lambda: not store.away)
    assert (await ask(store, Asker())).told == ["answered"]
    assert [entry["event"] for entry in logs] == ["the store is away", "the store is back"]


@pytest.mark.parametrize("query", ["?db=abc", "?socket_timeout=x", "?nonsense=1"])
async def test_options_in_the_url_that_are_none(query: str, connect: Open) -> None:
    """What redis-py cannot take from the URL is a message, and does not show the URL."""
    with pytest.raises(ConfigError, match="RATELIMIT_REDIS_URL") as raised:
        await connect(f"redis://user:s3cret@127.0.0.1:1/0{query}")
    assert "s3cret" not in str(raised.value)


def cluster_of_one() -> Node:
    node = Node(find_server(), "--cluster-enabled", "yes", "--cluster-port", str(free_port()), port=free_port())
    node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    until_true(lambda: node.client.cluster("INFO")["cluster_state"] == "ok", "the cluster to be whole")
    return node


async def test_cluster_of_one_that_names_no_host(connect: Open) -> None:
    """A node that has met no other names no host in its map, and means the one that was asked."""
    with closing(cluster_of_one()) as node:
        store = await connect(node.url)
        assert store.facts is not None
        assert (await ask(store, Asker())).told == ["answered"]


async def test_password_is_not_logged(connect: Open, logs: list[Any]) -> None:
    """What is said of a store that cannot be reached names host and port, never the password."""
    await connect("redis://user:s3cret@127.0.0.1:1/0")
    assert logs[0]["node"] == "127.0.0.1:1"
    assert "s3cret" not in str(logs)


@pytest.mark.parametrize("kind", ["valkey", "cluster"])
async def test_store_key_is_checked(kind: str, request: pytest.FixtureRequest, connect: Open, logs: list[Any]) -> None:
    """Whoever comes first leaves the check value of its key; who comes with another is told, and the first value stands."""
    server: Node | Cluster = request.getfixturevalue(kind)
    nodes = server.nodes if isinstance(server, Cluster) else [server]
    for node in nodes:
        node.client.execute_command("FLUSHALL")
    first, same, other = await connect(server.url), await connect(server.url), await connect(server.url, "theirs")
    assert (first.key_matches, same.key_matches, other.key_matches) == (True, True, False)
    assert [entry["key"] for entry in logs] == [META]
    assert (await connect(server.url)).key_matches


async def test_cluster_is_away_until_its_store_key_is_checked(cluster: Cluster, connect: Open) -> None:
    """Nodes that answer do not make a store that is there: whether its key is ours must be known, too, and is asked again until it is."""
    node = next(node for node in cluster.nodes if key_slot(META.encode()) in cluster.slots_of(node))
    node.client.delete(META)
    node.client.rpush(META, "no value that can be read")
    with capture_logs():
        store = await connect(cluster.url)
        assert (len(store.lanes), store.away, store.facts) == (3, True, None)
        node.client.delete(META)
        await until(lambda: not store.away)
    assert store.key_matches
    assert node.client.get(META) == b"ours"


async def test_eviction_is_warned_of(own_node: Node, connect: Open, logs: list[Any]) -> None:
    """A store that may evict keys gives amnesty, so that is said with the node and its policy."""
    own_node.client.config_set("maxmemory-policy", "allkeys-lru")
    await connect(own_node.url)
    assert "noeviction" in logs[0]["event"]
    assert logs[0]["maxmemory_policy"] == "allkeys-lru"


async def test_cluster(cluster: Cluster, connect: Open) -> None:
    """Every node gets the calls of its own keys, and none sends any on."""
    store, before = await connect(cluster.url), [node.executed() for node in cluster.nodes]
    askers = [Asker() for _ in range(60)]
    assert all(store.want(asker) for asker in askers)
    for asker in askers:
        await asker.until("answered")
    executed = [node.executed() - was for node, was in zip(cluster.nodes, before, strict=True)]
    assert sum(executed) == sum(lane.counts.calls for lane in store.lanes) == 60
    assert all(executed)
    assert len(store.lanes) == 3


async def test_flushed_script_in_a_cluster(cluster: Cluster, connect: Open) -> None:
    """A node of a cluster that has forgotten the script gets it again, and executes each call once."""
    store = await connect(cluster.url)
    for node in cluster.nodes:
        node.client.script_flush()
    before, askers = cluster.executed(), [Asker() for _ in range(30)]
    for asker in askers:
        store.want(asker)
    for asker in askers:
        await asker.until("answered")
    assert cluster.executed() - before == 30


async def test_moved_slot(cluster: Cluster, connect: Open) -> None:
    """After a slot was given to another node its keys are found there, each call executed once, and next time at the first attempt."""
    store = await connect(cluster.url)
    old, new, _ = cluster.nodes
    key = next(f"rl1:b:{{{tag}}}" for tag in keys_of(cluster, old, 1))
    slot, new_id = key_slot(key.encode()), new.client.cluster("MYID").decode()
    old_id = old.client.cluster("MYID").decode()
    try:
        for node in (new, old):
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new_id)
        before = cluster.executed()
        tag = key.removeprefix("rl1:b:{").removesuffix("}")
        askers = [Asker(3, key), *(Asker(1, f"rl1:b:{{{tag}}}{number}") for number in range(5))]
        for asker in askers:
            assert store.want(asker)
        for asker in askers:
            await asker.until("answered")
            assert (asker.told, asker.composed) == (["answered"], 1)
        calls = sum(lane.counts.calls for lane in store.lanes)
        assert (await ask(store, Asker(2, key))).told == ["answered"]
        assert sum(lane.counts.calls for lane in store.lanes) == calls + 1
        assert cluster.executed() - before == 7
        assert -(-bucket(new.client.get(key)).debt // TERMS.per) == 5
    finally:
        new.client.delete(*new.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100))
        for node in (old, new, cluster.nodes[2]):
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", old_id)


async def test_slot_on_its_way(cluster: Cluster, connect: Open) -> None:
    """While a slot moves, a key that is not at its old node any more is asked for at the new one, as ASK says, executed once."""
    store = await connect(cluster.url)
    old, new, _ = cluster.nodes
    (key,) = keys_of(cluster, old, 1)
    slot = key_slot(key.encode())
    try:
        new.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", old.client.cluster("MYID").decode())
        old.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", new.client.cluster("MYID").decode())
        before = [old.executed(), new.executed()]
        assert (await ask(store, Asker(3, key))).told == ["answered"]
        assert [old.executed(), new.executed()] == [before[0], before[1] + 1]
    finally:
        new.client.execute_command("ASKING")
        new.client.delete(key)
        for node in (old, new):
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "STABLE")


async def test_nodes_that_send_a_call_round(cluster: Cluster, connect: Open) -> None:
    """A call that two nodes send to one another is given up, and executed nowhere."""
    store = await connect(cluster.url)
    old, new, _ = cluster.nodes
    (key,) = keys_of(cluster, old, 1)
    slot = key_slot(key.encode())
    try:
        old.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", new.client.cluster("MYID").decode())
        before = cluster.executed()
        assert (await ask(store, Asker(3, key))).told == ["unanswered"]
        assert cluster.executed() == before
    finally:
        old.client.execute_command("CLUSTER", "SETSLOT", slot, "STABLE")


async def test_one_node_dies(own_cluster: Cluster, connect: Open) -> None:
    """Where one node is away its keys are refused at once, the others' are answered, and it is back by itself."""
    store = await connect(own_cluster.url)
    dead, alive, _ = own_cluster.nodes
    lost, kept = keys_of(own_cluster, dead, 3), keys_of(own_cluster, alive, 3)
    with capture_logs():
        dead.kill()
        first = Asker(key=lost[0])
        if store.want(first):
            await until(lambda: first.told)
            assert first.told == ["unanswered"]
        assert store.away
        assert not store.want(Asker(key=lost[1]))
        assert (await ask(store, Asker(key=kept[0]))).told == ["answered"]
        dead.start()
        await until(lambda: not store.away)
        await until(lambda: dead.client.cluster("INFO")["cluster_state"] == "ok")
        again = Asker(key=lost[2])
        await until(lambda: store.want(again))
        await until(lambda: again.told)
    assert again.told == ["answered"]


async def test_all_nodes_have_new_addresses(connect: Open) -> None:
    """When none of the nodes that are known is left, as after a restart of a whole cluster, the URL still leads to those that are there."""
    with closing(cluster_of_one()) as old, closing(cluster_of_one()) as new, capture_logs():
        proxy = Proxy(old.socket_url)
        store = await connect(await proxy.start())
        assert (await ask(store, Asker())).told == ["answered"]
        proxy.lead_to(new.socket_url)
        old.kill()
        asker = Asker()
        while asker.told != ["answered"]:
            asker = Asker()
            await until(lambda: store.want(asker))  # noqa: B023  awaited in its turn
            await until(lambda: asker.told)  # noqa: B023
        await until(lambda: not store.away)
        assert [lane.name for lane in store.lanes] == [f"127.0.0.1:{new.port}"]
        await proxy.close()


async def test_replica_takes_over(own_cluster: Cluster, connect: Open) -> None:
    """When a replica takes over for a dead primary its keys are answered there, without a restart of ours."""
    store = await connect(own_cluster.url)
    dead = own_cluster.nodes[0]
    with closing(own_cluster.replica_of(dead)) as replica, capture_logs():
        dead.kill()
        replica.client.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        keys = iter(keys_of(own_cluster, dead, 50))
        asker = Asker(key=next(keys))
        while asker.told != ["answered"]:
            asker = Asker(key=next(keys))
            await until(lambda: store.want(asker))  # noqa: B023  awaited in its turn
            await until(lambda: asker.told)  # noqa: B023
        assert replica.executed() == 1
        assert not store.away
