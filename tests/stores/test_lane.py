"""The way to one node, on real servers that are slow, silent, killed, and forget their scripts: every call is executed at most once."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from ratelimit.core.bucket import Acquire, Grant
from ratelimit.stores import lane as lane_module
from ratelimit.stores import link as link_module
from ratelimit.stores.acquire import bucket
from ratelimit.stores.frame import Entry
from ratelimit.stores.lane import Lane
from ratelimit.stores.link import ACQUIRE, Link
from ratelimit.stores.quota import counter
from tests.stores.asker import PATIENCE_S, TERMS, Asker, QuotaAsker, clock, until
from tests.stores.conftest import Node, Open
from tests.stores.proxy import Proxy

IMPATIENT_S = 0.02  # a deadline that a proxy that holds replies will miss


@pytest.fixture
async def proxy(own_node: Node, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """A proxy before a Valkey of its own; replies may take as long as the test wants."""
    monkeypatch.setattr(lane_module, "HANG_S", 60.0)
    found = Proxy(own_node.url)
    yield found
    await found.close()


@pytest.fixture
def quiet() -> Iterator[None]:
    """What is logged of the faults that a test makes."""
    with capture_logs():
        yield


def charged(node: Node, asker: Asker) -> int:
    """Tokens that the store has taken from a bucket that does not refill while a test runs."""
    return -(-bucket(node.client.get(asker.key)).debt // TERMS.per)


async def back(lane: Lane) -> None:
    await until(lambda: not lane.away)


async def ask(lane: Lane, asker: Asker) -> Grant:
    """Ask and wait for the answer."""
    assert lane.want(asker)
    await asker.until("answered")
    return asker.grants[-1]


async def test_what_one_turn_wants_is_one_pipeline(valkey: Node, connect: Open) -> None:
    """Whatever is wanted in one turn of the loop goes as one pipeline, many buckets to a call, each once."""
    lane, askers, before = await connect(valkey.url), [Asker() for _ in range(100)], valkey.executed()
    assert all(lane.want(asker) for asker in (*askers, *askers))
    for asker in askers:
        await asker.until("answered")
    assert (lane.counts.pipelines, lane.counts.calls, lane.counts.buckets) == (1, 2, 100)
    assert valkey.executed() - before == 2
    assert {tuple(asker.told) for asker in askers} == {("answered",)}


async def test_one_pipeline_at_a_time(own_node: Node, proxy: Proxy, connect: Open) -> None:
    """While one is under way whoever comes waits for the next, all together."""
    lane = await connect(await proxy.start())
    proxy.replies.clear()
    first, others = Asker(), [Asker() for _ in range(10)]
    lane.want(first)
    await until(own_node.executed)
    for asker in others:
        lane.want(asker)
        await asyncio.sleep(0)
    assert own_node.executed() == 1
    proxy.replies.set()
    for asker in others:
        await asker.until("answered")
    assert lane.counts.pipelines == 2


async def test_nothing_to_say(valkey: Node, connect: Open) -> None:
    """One who wants and then has nothing to ask costs no call."""
    lane, asker = await connect(valkey.url), Asker()
    await ask(lane, asker)
    lane.want(asker)
    await ask(lane, Asker())
    assert (lane.counts.buckets, asker.told) == (2, ["answered"])


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
async def test_flushed_script_is_loaded_again(kind: str, request: pytest.FixtureRequest, connect: Open) -> None:
    """A node that has forgotten the script gets it again and executes the call, once; nobody notices."""
    node: Node = request.getfixturevalue(kind)
    lane = await connect(node.url)
    await ask(lane, Asker())
    before = node.executed()
    node.client.script_flush()
    askers = [Asker(7) for _ in range(100)]
    for asker in askers:
        lane.want(asker)
    for asker in askers:
        await asker.until("answered")
    assert node.executed() - before == 2
    assert [charged(node, asker) for asker in askers] == [7] * 100


async def test_only_what_was_not_executed_goes_again(own_node: Node, connect: Open) -> None:
    """Where a node knows one of the scripts, the calls of that one are not sent a second time with those of the other."""
    lane = await connect(own_node.url)
    own_node.client.script_flush()
    own_node.client.script_load(ACQUIRE.source)
    asker, of_quota = Asker(7), QuotaAsker(9)
    lane.want(asker)
    lane.want(of_quota)
    await until(lambda: asker.told and of_quota.told)
    assert (asker.told, of_quota.told) == (["answered"], ["answered"])
    assert charged(own_node, asker) == 7
    assert counter(own_node.client.get(of_quota.key)).used == 9
    assert own_node.executed() == 2


@pytest.mark.usefixtures("quiet")
async def test_dropped_reply_is_not_asked_again(own_node: Node, proxy: Proxy, connect: Open) -> None:
    """If the connection ends before the reply, the call may have been executed: it is never sent again, and whoever asked is told."""
    lane, asker = await connect(await proxy.start()), Asker(5)
    proxy.replies.clear()
    lane.want(asker)
    await until(own_node.executed)
    proxy.cut()
    await asker.until("unanswered")
    assert lane.away
    assert not lane.want(Asker())
    proxy.replies.set()
    await back(lane)
    await ask(lane, Asker())
    assert (own_node.executed(), charged(own_node, asker)) == (2, 5)
    assert (asker.told, asker.composed) == (["unanswered"], 1)
    assert (lane.counts.lost, lane.counts.failures, lane.counts.refused) == (1, 1, 1)


@pytest.mark.usefixtures("quiet")
async def test_many_dropped_replies(own_node: Node, proxy: Proxy, connect: Open) -> None:
    """Over many cuts the store never executes more calls than were composed, and charges each bucket at most once."""
    lane = await connect(await proxy.start())
    askers = []
    for number in range(40):
        await back(lane)
        asker = Asker(3)
        askers.append(asker)
        assert lane.want(asker)
        for _ in range(number % 4):
            await asyncio.sleep(0)
        if number % 2:
            proxy.cut()
        await until(lambda: asker.told)  # noqa: B023  awaited in its turn
    assert all(charged(own_node, asker) == 3 for asker in askers if asker.told == ["answered"])
    assert all(charged(own_node, asker) in {0, 3} for asker in askers)
    assert own_node.executed() <= len(askers)
    assert lane.counts.lost > 0


async def test_late_answer(own_node: Node, proxy: Proxy, connect: Open) -> None:
    """After the deadline whoever waits is told, nobody else is made to wait, and the answer still arrives; then all is as before."""
    lane, asker = await connect(await proxy.start(), IMPATIENT_S), Asker(5)
    proxy.replies.clear()
    lane.want(asker)
    await asker.until("overdue")
    assert not lane.want(Asker())
    assert not lane.away
    proxy.replies.set()
    await asker.until("answered")
    assert asker.told == ["overdue", "answered"]
    assert (lane.counts.overdue, lane.counts.lost) == (1, 0)
    await ask(lane, Asker())
    assert charged(own_node, asker) == 5


async def test_whoever_waits_for_a_late_answer_is_told(proxy: Proxy, connect: Open) -> None:
    """Who came while the late call was under way is told as well that nothing was sent for them."""
    lane = await connect(await proxy.start(), 30 * IMPATIENT_S)
    proxy.replies.clear()
    first, second = Asker(), Asker()
    lane.want(first)
    await until(lambda: first.composed)
    assert lane.want(second)
    await second.until("not sent")
    assert second.composed == 0
    proxy.replies.set()
    await first.until("answered")


async def test_call_sent_on_to_a_late_node(proxy: Proxy, connect: Open) -> None:
    """A call that another node sends on waits no longer for a late node than one that was wanted there."""
    lane = await connect(await proxy.start(), 30 * IMPATIENT_S)
    proxy.replies.clear()
    first, second, third = Asker(), Asker(), Asker()
    lane.want(first)
    await until(lambda: first.composed)
    lane.send([Entry(second, Acquire((1,)))], asking=False)
    await second.until("unanswered")
    lane.send([Entry(third, Acquire((1,)))], asking=False)
    await third.until("unanswered")
    proxy.replies.set()
    await first.until("answered")
    assert lane.counts.calls == 1


async def test_answers_may_want_again(proxy: Proxy, connect: Open) -> None:
    """Whoever takes in a late answer and has more to say, as a refund, is listened to."""

    class Refunding(Asker):
        def answered(self, call: Acquire, grant: Grant, sent_us: int, now_us: int) -> None:
            super().answered(call, grant, sent_us, now_us)
            self.heard = lane.want(Asker())

    lane, asker = await connect(await proxy.start(), IMPATIENT_S), Refunding()
    proxy.replies.clear()
    lane.want(asker)
    await asker.until("overdue")
    proxy.replies.set()
    await asker.until("answered")
    assert asker.heard


@pytest.mark.usefixtures("quiet")
async def test_silent_server_is_given_up(own_node: Node, connect: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stopped without closing anything is away after a while, until it goes on; its executed calls are not repeated."""
    monkeypatch.setattr(lane_module, "HANG_S", 0.1)
    lane, asker = await connect(own_node.url, IMPATIENT_S), Asker(5)
    own_node.pause()
    lane.want(asker)
    await asker.until("unanswered")
    assert asker.told == ["overdue", "unanswered"]
    assert lane.away
    assert not lane.want(Asker())
    own_node.resume()
    await back(lane)
    await ask(lane, Asker(1, asker.key))
    assert charged(own_node, asker) in {1, 6}  # the silent server may have read it
    assert asker.composed == 1


@pytest.mark.usefixtures("quiet")
async def test_probe_that_gets_no_answer(own_node: Node, proxy: Proxy, connect: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe whose question is never answered gives up and comes again, by a connection of its own: the way may be gone, not the node."""
    lane = await connect(await proxy.start())
    made = proxy.made
    monkeypatch.setattr(link_module, "CONNECT_S", 0.2)
    own_node.client.client_pause(60_000, all=False)  # what writes waits, what reads is answered
    proxy.cut()
    lane.want(Asker())
    await until(lambda: proxy.made >= made + 2)
    monkeypatch.setattr(link_module, "CONNECT_S", PATIENCE_S)
    assert lane.away  # it was reached, and not answered
    own_node.client.client_unpause()
    await back(lane)
    assert (await ask(lane, Asker())).retries == [0]


@pytest.mark.usefixtures("quiet")
async def test_killed_server(own_node: Node, connect: Open) -> None:
    """When the server is killed the lane says no at once, and goes on by itself when it is started again."""
    lane, asker = await connect(own_node.url), Asker()
    await ask(lane, Asker())
    own_node.kill()
    if lane.want(asker):
        await asker.until("unanswered")
    assert lane.away
    assert not lane.want(Asker())
    await asyncio.to_thread(own_node.start)
    await back(lane)
    assert (await ask(lane, Asker())).retries == [0]


async def test_broken_bucket_is_one_buckets_trouble(valkey: Node, connect: Open) -> None:
    """A key that holds something else makes its call fail, and only that: who asked is told, and the node is not taken to be away."""
    lane, asker = await connect(valkey.url), Asker()
    valkey.client.lpush(asker.key, "no bucket")
    with capture_logs() as logs:
        lane.want(asker)
        await asker.until("unanswered")
    assert logs[0]["event"] == "the store refused a call"
    assert "WRONGTYPE" in logs[0]["answer"]
    assert not lane.away
    await ask(lane, Asker())


@pytest.mark.usefixtures("quiet")
async def test_node_that_must_not_write(own_node: Node, connect: Open) -> None:
    """A node that refuses to write, here for want of memory, is away until it can again."""
    lane, asker = await connect(own_node.url), Asker()
    own_node.client.config_set("maxmemory", "1")
    lane.want(asker)
    await asker.until("unanswered")
    for _ in range(20):  # it answers, but the probe sees that it does not write
        await asyncio.sleep(0.01)
        assert lane.away
    assert lane.counts.failures == 1
    own_node.client.config_set("maxmemory", "0")
    await back(lane)
    await ask(lane, Asker())


async def test_bug_of_one_asker_does_not_stop_the_others(valkey: Node, connect: Open) -> None:
    """If one cannot take in its answer, the others of the same pipeline get theirs, and the fault is logged with its key."""

    class Broken(Asker):
        def answered(self, *_: object) -> None:
            raise ValueError

    lane, broken, sound = await connect(valkey.url), Broken(), Asker()
    with capture_logs() as logs:
        lane.want(broken)
        lane.want(sound)
        await sound.until("answered")
    assert broken.told == ["unanswered"]
    assert logs[0]["key"] == broken.key


async def test_closing_leaves_nobody_waiting(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane may be closed for good while its node says nothing, such as when another took over: who waits there is told."""
    lane = Lane("node", Link(await proxy.start()), clock, PATIENCE_S)
    await lane.open()
    proxy.replies.clear()
    first, second = Asker(), Asker()
    lane.want(first)
    await until(lambda: first.composed)
    lane.want(second)
    monkeypatch.setattr(lane_module, "HANG_S", 0.05)
    await lane.close()
    assert (first.told, second.told) == (["unanswered"], ["not sent"])
    assert lane.counts.lost == 1


async def test_closing_sends_what_is_wanted(valkey: Node) -> None:
    """What was wanted before the end is still said."""
    lane, asker = Lane("node", Link(valkey.url), clock, PATIENCE_S), Asker(4)
    await lane.open()
    lane.want(asker)
    await lane.close()
    assert charged(valkey, asker) == 4
    assert not lane.want(Asker())
