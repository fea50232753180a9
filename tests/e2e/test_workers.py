"""`ratelimit serve --workers`: several processes that keep the promises together, look like one, and end together."""

import asyncio
import json
import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from bench.traffic.ledger import Rate
from ratelimit.crew import worker
from tests.e2e.caller import callers, over, sidecar_of
from tests.e2e.serving import PATIENCE_S, POLICY, Serving, begun, serving, until

HOT = "version: 1\nlimits:\n  - {name: hot, per: [api_key], bucket: {capacity: 60, refill: 100/s}, on_store_failure: deny}\n"
HOT_RATE = Rate(60, 100, 1_000_000)
CLIENTS = 12  # that all of their connections come to the same worker of two is one chance in two thousand

Serve = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start `ratelimit serve` with two workers in an empty folder, with settings."""
    return partial(serving, tmp_path, WORKERS="2", DEADLINE_MS="1000")


def children(pid: int) -> dict[int, str]:
    """The living processes that a process started, and their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and _stat(int(entry.name))[1] == pid and is_alive(int(entry.name)):
                found[int(entry.name)] = (entry / "cmdline").read_text()
        except (OSError, IndexError):  # it ended while we looked
            continue
    return found


def _stat(pid: int) -> tuple[str, int]:
    state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    return state, int(parent)


def is_alive(pid: int) -> bool:
    try:
        return _stat(pid)[0] not in {"Z", "X"}
    except OSError:
        return False


def workers_of(running: Serving) -> list[int]:
    """The process ids of the workers."""
    return [pid for pid, command in children(running.process.pid).items() if worker.__name__ in command]


def metric(running: Serving, name: str) -> float:
    """The sum of a metric's samples."""
    found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", running.operate("/metrics")[1], re.MULTILINE)
    return sum(map(float, found))


def raw(lane: str, path: bytes, headers: bytes) -> bytes:
    """The answer to a GET of raw bytes."""
    host, _, port = lane.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def sockets_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.sock") if path.is_socket()]


def address(running: Serving) -> str:
    return running.gateway.removeprefix("http://")


@pytest.fixture(params=["tcp", "unix"])
def lane(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The setting of a gateway lane of either kind."""
    return {"GATEWAY": "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path}/gateway.sock"}


async def test_no_window_holds_more_than_the_limit(serve: Serve, tmp_path: Path, lane: dict[str, str]) -> None:
    """Promise 1 over two workers, one of which is killed while all ask for much more than there is; and the limit is reached."""
    (tmp_path / "ratelimit.yaml").write_text(HOT)
    with serve(**lane) as running:
        async with callers(address(running), CLIENTS, pause_s=0.005) as asked:
            await asyncio.sleep(1.0)
            while len({sidecar_of(one) for one in asked if one.allowed}) < 2:  # noqa: ASYNC110  of which nobody tells
                await asyncio.sleep(0.05)
            os.kill(workers_of(running)[0], signal.SIGKILL)
            await asyncio.sleep(2.0)
        assert over(asked, HOT_RATE) <= 0
        seconds = (asked[-1].received - asked[0].sent) / 1e6
        assert sum(one.allowed for one in asked) >= 0.5 * (60 + 100 * seconds)
        assert sum(not one.allowed for one in asked) > 0


async def test_a_killed_worker_is_replaced(serve: Serve, tmp_path: Path) -> None:
    """Requests go on, another process takes the place, and what was counted stays counted."""
    (tmp_path / "ratelimit.yaml").write_text(HOT)
    with serve() as running:
        old = workers_of(running)
        async with callers(address(running), CLIENTS, pause_s=0.01) as asked:
            while len(asked) < 10 * CLIENTS:  # noqa: ASYNC110  of which nobody tells
                await asyncio.sleep(0.05)
            counted = [metric(running, "ratelimit_decisions_total")]
            os.kill(old[0], signal.SIGKILL)
            while metric(running, "ratelimit_worker_restarts_total") == 0:
                counted.append(metric(running, "ratelimit_decisions_total"))
                await asyncio.sleep(0.05)
            counted.append(metric(running, "ratelimit_decisions_total"))
            seen = len(asked)
            while len(asked) < seen + 100:  # noqa: ASYNC110  of which nobody tells
                await asyncio.sleep(0.05)
        assert counted == sorted(counted)
        assert counted[0] > 0
        lost = sum(one.decision is None for one in asked)
        assert lost <= 2 * CLIENTS  # what was under way in the killed one, and what came into its queue while it died
        assert len(workers_of(running)) == 2
        assert old[0] not in workers_of(running)
        assert old[1] in workers_of(running)
        assert (metric(running, "ratelimit_workers"), metric(running, "ratelimit_ready")) == (2, 1)


@pytest.mark.parametrize(("lane", "how"), [("tcp", signal.SIGTERM), ("unix", signal.SIGINT)], indirect=["lane"])
async def test_drain(serve: Serve, tmp_path: Path, lane: dict[str, str], how: signal.Signals) -> None:
    """Told to end, it answers whatever had been asked by then, and no process is left, nor a socket; a second signal does no harm."""
    with serve(**lane) as running:
        processes = children(running.process.pid)
        assert len(processes) == 3  # two workers and the store
        async with callers(address(running), CLIENTS) as asked:
            while sum(one.decision is not None for one in asked) <= CLIENTS:  # noqa: ASYNC110  of which nobody tells
                await asyncio.sleep(0.05)
            told = time.monotonic_ns() // 1_000
            running.process.send_signal(how)
            await asyncio.sleep(0.01)
            running.process.send_signal(how)
            code = await asyncio.to_thread(running.process.wait, PATIENCE_S)
        assert code == 0
        assert [one for one in asked if one.sent < told and one.decision is None] == []
        assert [command for pid, command in processes.items() if is_alive(pid)] == []
        assert sockets_in(tmp_path) == []


def test_leases_are_given_back(serve: Serve, tmp_path: Path) -> None:
    """What a worker held when it drained can be spent by whoever comes next, at once."""
    policy = "version: 1\nlimits:\n  - {name: key, per: [api_key], bucket: {capacity: 400, refill: 1/h}}\n"
    (tmp_path / "ratelimit.yaml").write_text(policy)
    with serve() as running:
        for _ in range(30):
            running.check()
    with serve() as running:
        assert running.check(cost=0)["remaining"] == 370


def test_nothing_outlives_the_supervisor(serve: Serve) -> None:
    """Killed, it takes workers and store along, and the next one can begin at the same place."""
    with serve() as running:
        processes = children(running.process.pid)
        assert len(processes) == 3
        running.process.kill()
        running.process.wait()
        until(lambda: not any(map(is_alive, processes)))
        with serve(GATEWAY=address(running)) as again:
            assert again.check()["decision"] == "allow"


def test_many_look_like_one(serve: Serve, tmp_path: Path) -> None:
    """Refusals of all workers are listed together, latest first; each is found by its id; and no figure tells workers apart."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    with serve() as running:
        decisions = [running.check() for _ in range(43)]
        refused = [decision["id"] for decision in decisions if decision["decision"] == "throttle"]
        assert len(refused) == 40
        assert len({reference.partition("-")[0] for reference in refused}) == 2
        assert metric(running, "ratelimit_decisions_total") == 43
        records = json.loads(running.operate("/v1/records")[1])["records"]
        assert [record["id"] for record in records] == refused[::-1]
        for reference in refused:
            assert json.loads(running.operate(f"/v1/records/{reference}")[1])["id"] == reference
        assert running.operate("/v1/records/nobody-1")[0] == 404
        names = [line.rpartition(" ")[0] for line in running.operate("/metrics")[1].splitlines() if not line.startswith("#")]
        assert [name for name, times in Counter(names).items() if times > 1] == []
        assert "worker" not in "".join(re.findall(r"\{[^}]*\}", "".join(names)))


def test_bytes_that_are_no_text_end_no_worker(serve: Serve, tmp_path: Path) -> None:
    """Refusals of clients that send no UTF-8 are listed like others."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    with serve() as running:
        strange = b"X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\xff\r\nX-Api-Key: k"
        for _ in range(40):
            raw(running.gateway, b"/v1/authorize/forwarded", strange)
        records = json.loads(running.operate("/v1/records")[1])["records"]
        assert {record["path"] for record in records} == {r"/\udcff"}
        assert len({record["id"].partition("-")[0] for record in records}) == 2
        assert metric(running, "ratelimit_decisions_total") == 40
        assert (metric(running, "ratelimit_workers"), metric(running, "ratelimit_worker_restarts_total")) == (2, 0)


def test_a_policy_comes_into_force_everywhere(serve: Serve, tmp_path: Path) -> None:
    """A changed file reaches every worker; a broken one none, and a worker that starts then takes the last good one."""
    policy = tmp_path / "ratelimit.yaml"
    policy.write_text(POLICY)
    with serve() as running:
        policy.write_text(POLICY.replace("capacity: 3", "capacity: 30"))
        until(lambda: json.loads(running.operate("/v1/policy")[1])["reloads"] == 1)
        decided = [running.check(cost=4, api_key=f"key{n}") for n in range(20)]
        assert {decision["reason"] for decision in decided} == {"ok"}
        assert len({decision["id"].partition("-")[0] for decision in decided}) == 2
        policy.write_text("version: 2\n")
        until(lambda: bool(json.loads(running.operate("/v1/policy")[1])["problems"]))
        for pid in workers_of(running):
            os.kill(pid, signal.SIGKILL)
        until(lambda: metric(running, "ratelimit_worker_restarts_total") == 2)
        assert {running.check(cost=4, api_key=f"new{n}")["reason"] for n in range(20)} == {"ok"}
        shown = json.loads(running.operate("/v1/policy")[1])
        assert (shown["failed_reloads"], shown["limits"][0]["bucket"]["capacity"]) == (1, 30)


def test_nobody_serves(serve: Serve) -> None:
    """While no worker serves it is not ready, and says why; metrics and policy are there all the same."""
    with serve() as running:
        assert running.operate("/readyz")[0] == 200
        for pid in workers_of(running):
            os.kill(pid, signal.SIGKILL)
        until(lambda: running.operate("/readyz")[0] == 503)
        assert json.loads(running.operate("/readyz")[1])["problem"] in {"no worker serves", None}  # None: one is back already
        assert running.operate("/metrics")[0] == 200
        until(lambda: metric(running, "ratelimit_workers") == 2)
        assert running.check()["decision"] == "allow"


def test_a_worker_that_stands_still_holds_up_nothing(serve: Serve) -> None:
    """Metrics and records come without the one that does not answer, and its last figures stay."""
    with serve() as running:
        for _ in range(40):
            running.check()
        counted = metric(running, "ratelimit_decisions_total")
        stopped = workers_of(running)[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            assert metric(running, "ratelimit_decisions_total") == counted == 40
            assert running.operate("/v1/records")[0] == 200
        finally:
            os.kill(stopped, signal.SIGCONT)


@pytest.mark.parametrize("lane", ["GATEWAY", "OPERATOR"])
def test_a_port_that_is_taken_is_said_once(tmp_path: Path, lane: str) -> None:
    """Whoever has the port keeps it; the message comes once, with exit code 2, and nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with begun(tmp_path, WORKERS="3", **{lane: f"127.0.0.1:{port}"}) as process:
            _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert errors == (
        f"ratelimit: RATELIMIT_{lane}=127.0.0.1:{port}: cannot listen: something else listens there; "
        f"mend that, or set RATELIMIT_{lane} to another address\n"
    )


def test_two_crews_do_not_share_a_port(serve: Serve, tmp_path: Path) -> None:
    """That workers listen beside one another does not let another `serve` in between them."""
    with serve() as running:
        (tmp_path / "other").mkdir()
        with begun(tmp_path / "other", WORKERS="2", GATEWAY=address(running)) as process:
            _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 2
        assert "something else listens there" in errors


def test_a_signal_while_it_starts(tmp_path: Path) -> None:
    """Told to end before it serves, it ends, and takes along what had been started, though that would never be ready."""
    with begun(tmp_path, WORKERS="2") as process:
        started: list[int] = []

        def stopped_one() -> bool:
            started.extend(pid for pid, command in children(process.pid).items() if worker.__name__ in command)
            for pid in started[:1]:
                os.kill(pid, signal.SIGSTOP)
            return bool(started)

        until(stopped_one)
        processes = children(process.pid)
        process.terminate()
        out, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, "Traceback" in errors) == (0, False)
        assert "curl" not in out
        until(lambda: not any(map(is_alive, {*started, *processes})))
