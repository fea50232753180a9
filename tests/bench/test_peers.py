"""The peers of the benchmark do limit: those that are installed here, and always Debian's. Nothing is installed by a test."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from bench.peer import PEERS, Peer, constant, protocol
from bench.plan import Plan

DAEMONS = {"nginx limit_req": "nginx", "HAProxy stick table": "haproxy"}
BY_NAME = {peer.name: peer for peer in PEERS}


@pytest.fixture
def plan() -> Iterator[Plan]:
    # not tmp_path, whose length leaves too little for the name of a Unix socket
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        yield Plan(Path(folder), quick=True, cores=None, say=print)


@pytest.fixture(params=BY_NAME)
def peer(request: pytest.FixtureRequest, require: Callable[[str], Path]) -> Peer:
    """A peer that is there; `install` speaks before it installs, which is where such a test is skipped."""
    found = BY_NAME[request.param]
    if found.name in DAEMONS:
        require(DAEMONS[found.name])

    def stop(_text: str) -> None:
        pytest.skip(f"{found.name} is not installed; python -m bench.install")

    if missing := found.install(stop):
        pytest.skip(f"{found.name}: {missing}")
    return found


def test_a_key_above_its_limit_is_refused(plan: Plan, peer: Peer) -> None:
    """Of a key with one request a second not all of twenty pass, wherever they come from, and another key's first passes."""
    with peer.serve(plan, 1) as server:
        passed = [server.allows("key-000009", f"198.51.100.{number}") for number in range(20)]
        assert passed[0]
        assert not all(passed)
        assert server.allows("key-000010", "198.51.100.20")


def test_the_limits_of_the_load_never_refuse(plan: Plan, peer: Peer) -> None:
    """Without a rate of its own a peer lets every request of one caller pass, and one that has a store counts key and address there."""
    with peer.serve(plan) as server:
        assert all(server.allows("key-000009", "198.51.100.9") for _ in range(50))
        if server.store:
            with Redis(unix_socket_path=str(server.store)) as client:
                counted = b" ".join(client.keys())
            assert b"key-000009" in counted
            assert b"198.51.100.9" in counted


def test_constants_answer_the_size_they_are_given(plan: Plan) -> None:
    """Both constants answer as many bytes as they are asked to."""
    for serve in (constant, protocol):
        with serve(plan, 137) as server:
            assert len(server.answer()) == 137
