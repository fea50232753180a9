"""A crew of real processes, as its supervisor has it: what cannot start is said once, what dies again and again is given time."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ratelimit.core.errors import ConfigError, RatelimitError
from ratelimit.crew import crew as room
from ratelimit.crew import member as door
from ratelimit.crew.crew import Crew
from ratelimit.crew.message import Adopt, Find, Found, Latest, Told
from ratelimit.service.policy_source import built_in_policy
from ratelimit.setting_value import TcpAddress
from ratelimit.sidecar import Terms
from ratelimit.web.listen import reserve
from ratelimit.web.place import Place


def crew_of(count: int, folder: Path) -> Crew:
    """Workers whose store is away for good."""
    terms = Terms(
        store_url=f"unix://{folder}/nobody.sock",
        signals_url=None,
        store_key=bytes(32),
        gateway_token=None,
        deadline_ms=1_000,
        late_ms=0,
        sidecars=count,
        most_subjects=100,
    )
    return Crew(terms, built_in_policy(), count, "error", "json")


@pytest.fixture
async def place() -> Place:
    """Given up by whoever listens there."""
    return await reserve(TcpAddress("127.0.0.1", 0), "RATELIMIT_GATEWAY")


async def test_workers_that_cannot_listen(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps all of them from starting is one message, with the exit code that it has in a single process."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connected:
        monkeypatch.setattr(place, "share", lambda: [connected.dup()])  # at which nobody can listen
        async with AsyncExitStack() as stack:
            with pytest.raises(RatelimitError, match=r"^RATELIMIT_GATEWAY=127.*: cannot listen: .*Invalid argument; mend that") as caught:
                await crew_of(3, tmp_path).listen(place, stack)
    assert caught.value.exit_code == 2


async def test_a_place_that_was_taken_meanwhile(tmp_path: Path, place: Place) -> None:
    """Who listens at our place before we do is told like anybody else who is there."""
    assert isinstance(place.address, TcpAddress)
    with socket.create_server(place.address):
        async with AsyncExitStack() as stack:
            with pytest.raises(ConfigError, match="something else listens there"):
                await crew_of(2, tmp_path).listen(place, stack)


async def test_a_worker_that_dies_while_starting(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends without a word is our bug, and no reason to wait."""
    monkeypatch.setattr("ratelimit.crew.worker.__name__", "no.such.module")
    async with AsyncExitStack() as stack:
        with pytest.raises(RatelimitError, match=r"^a worker ended with code 1 while starting") as caught:
            await crew_of(2, tmp_path).listen(place, stack)
        assert caught.value.exit_code == 1


async def test_a_worker_that_dies_again_and_again(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt waits longer than the one before, until one lives; what fails is logged, and the others serve on."""
    monkeypatch.setattr(room, "BACKOFF_S", (0.0, 0.001, 0.002, 0.003))
    waits: list[float] = []
    replace = Crew._replace

    async def noted(self: Crew, number: int, place: Place, backoff_s: float) -> None:
        waits.append(backoff_s)
        if len(waits) == 5:
            monkeypatch.undo()
        await replace(self, number, place, backoff_s)

    async with AsyncExitStack() as stack:
        crew = crew_of(2, tmp_path)
        await crew.listen(place, stack)
        monkeypatch.setattr(Crew, "_replace", noted)
        monkeypatch.setattr("ratelimit.crew.worker.__name__", "no.such.module")
        with capture_logs() as logs:
            crew._members[1]._process.kill()
            while crew.worker_restarts == 0:  # noqa: ASYNC110  of which nobody tells
                await asyncio.sleep(0.02)
        assert waits[:5] == [0.0, 0.001, 0.002, 0.003, 0.003]
        assert (crew.workers, crew.health.ready, crew.health.report()["store"]) == (2, True, "away")
    events = [entry["event"] for entry in logs if entry["worker"] == 1]
    assert events == ["a worker ended", *["a worker could not be replaced"] * 4, "a worker was replaced"]


async def test_a_question_that_cannot_be_sent(tmp_path: Path, place: Place) -> None:
    """Nobody waits for its answer, so those of the next ones come to whom they are for."""
    async with AsyncExitStack() as stack:
        crew = crew_of(2, tmp_path)
        await crew.listen(place, stack)
        for member in crew._members.values():
            with pytest.raises(UnicodeEncodeError):
                member.put(Find("\udcff"))
            assert isinstance(await member.put(Latest(1)), Found)


async def test_a_worker_that_does_not_read(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed at the end, though it was never told all that there was to tell."""
    monkeypatch.setattr(door, "DRAIN_S", 2.0)  # enough for the other one
    async with AsyncExitStack() as stack:
        crew = crew_of(2, tmp_path)
        await crew.listen(place, stack)
        member = crew._members[1]
        os.kill(member._process.pid, signal.SIGSTOP)
        for _ in range(10_000):  # more than the kernel keeps for it
            member.put(Adopt(Told.of(crew.policy)))
        with capture_logs() as logs:
            await asyncio.wait_for(stack.aclose(), 20)
        assert await member.ended() == -signal.SIGKILL
    assert [entry["event"] for entry in logs] == ["a worker did not drain in time and is killed"]
