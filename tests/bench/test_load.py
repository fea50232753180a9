"""The load sends what it says, as a real server sees it."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest

from bench.callers import HOT
from bench.load import Ask, drive
from bench.plan import CannotMeasure, Plan
from bench.server import Server

TEMPLATE = '{"who":"{key}","from":"{ip}","again":"{key}"}'


class Seen(NamedTuple):
    path: str
    key: str | None
    ip: str | None
    body: bytes


class Target(NamedTuple):
    """A server that is asked, and what it has seen."""

    server: Server
    seen: list[Seen]
    plan: Plan


@pytest.fixture(params=["allows", "refuses", "breaks"])
def target(request: pytest.FixtureRequest, tmp_path: Path, require: Callable[[str], Path]) -> Iterator[Target]:
    """A server that answers 200 without a word of refusal, 429, or 500."""
    require("wrk")
    seen: list[Seen] = []
    status = {"allows": 200, "refuses": 429, "breaks": 500}[request.param]

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(Seen(self.path, self.headers["X-Api-Key"], self.headers["X-Caller-Ip"], body))
            self.wfile.write(b"HTTP/1.1 %d -\r\nContent-Length: 2\r\n\r\n{}" % status)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as listening:
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        server = Server(request.param, listening.server_port, 0, path="/ask", template=TEMPLATE, ask="headers")
        yield Target(server, seen, Plan(tmp_path, True, None, lambda _: None))
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("target", ["allows"], indirect=True)
def test_everybody_is_sent_the_same(target: Target) -> None:
    """Body and headers name the same caller, hot callers come again and again, and what is answered is counted."""
    load = drive(target.plan, target.server, Ask("hot", 2, 1))
    assert {one.path for one in target.seen} == {"/ask"}
    assert all(json.loads(one.body) == {"who": one.key, "from": one.ip, "again": one.key} for one in target.seen)
    assert len({one.key for one in target.seen}) == len({one.ip for one in target.seen}) == HOT
    assert 0 < load.requests <= len(target.seen)
    assert load.failed == load.not_ok == load.counted == 0
    assert 0 < load.p50_us <= load.p99_us


@pytest.mark.parametrize("target", ["allows"], indirect=True)
def test_body_is_enough_for_those_who_read_it(target: Target) -> None:
    """Only a server that reads headers is sent the caller there."""
    drive(target.plan, target.server._replace(ask="body"), Ask("hot", 2, 1))
    assert {(one.key, one.ip) for one in target.seen} == {(None, None)}


@pytest.mark.parametrize("target", ["allows"], indirect=True)
def test_each_comes_once(target: Target) -> None:
    """No caller comes twice, in this load or in the one that begins where it ended."""
    for first in (0, 1_000_000):
        drive(target.plan, target.server, Ask("once", 2, 1, first))
    assert len({one.key for one in target.seen}) == len({one.ip for one in target.seen}) == len(target.seen)


@pytest.mark.parametrize("target", ["refuses"], indirect=True)
def test_refusals_are_counted(target: Target) -> None:
    """A 429 is no failure; who looks into the answers sees that nobody was admitted."""
    load = drive(target.plan, target.server, Ask("hot", 2, 1, looking=True))
    assert load.not_ok == load.requests
    assert load.counted == load.refused > 0
    assert load.admitted_per_s == 0


@pytest.mark.parametrize("target", ["breaks"], indirect=True)
def test_broken_answers_are_no_refusals(target: Target) -> None:
    """What is neither allowed nor refused cannot be measured."""
    with pytest.raises(CannotMeasure, match="requests to breaks failed"):
        drive(target.plan, target.server, Ask("hot", 2, 1, looking=True))
