"""The embedded store as a whole: real servers on real folders, killed in every way."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from redis.asyncio import Redis

from ratelimit.core.errors import ConfigError, DependencyError
from ratelimit.stores import embedded, folder, server
from ratelimit.stores.embedded import EmbeddedStore

ROOT = Path(embedded.__file__).parents[2]
# a process of its own that owns a store: writes, says where the server is, and stays until killed
OWNER = """
import asyncio, sys, importlib
from pathlib import Path
from redis.asyncio import Redis
from ratelimit.stores.embedded import EmbeddedStore

async def main():
    store = await EmbeddedStore.start(Path(sys.argv[1]), watch=sys.argv[2] == "watch")
    async with Redis.from_url(store.url) as client:
        await client.set("kept", "by the owner")
    print(store.pid, flush=True)
    await asyncio.sleep(600)

importlib.import_module(sys.argv[3]).run(main())
"""
both_ties = pytest.mark.parametrize("watch", [False, True], ids=["kernel", "watchdog"])


@asynccontextmanager
async def running(data: Path, *, watch: bool = False) -> AsyncIterator[tuple[EmbeddedStore, Any]]:
    """A store and a client of it (Any, since the library's types say `Awaitable[T] | T`)."""
    store = await EmbeddedStore.start(data, watch=watch)
    try:
        async with Redis.from_url(store.url, decode_responses=True) as client:
            yield store, client
    finally:
        await store.stop()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").is_file() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def incremental_file(data: Path) -> Path:
    """Where the server appends."""
    (file,) = data.glob("appendonlydir/*.incr.aof")
    return file


async def until(condition: Callable[[], bool]) -> None:
    """Waits; that it takes forever is the test's timeout to say."""
    while not condition():  # noqa: ASYNC110 - another process sets no event of ours
        await asyncio.sleep(0.01)


Owner = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    """`owner("watch", "uvloop")` starts a process that owns the store in `name` under tmp_path; gives it and the server's number."""
    started: list[subprocess.Popen[str]] = []

    def start(tie: str = "kernel", loop: str = "asyncio", name: str = "data") -> tuple[subprocess.Popen[str], int]:
        command = [sys.executable, "-c", OWNER, str(tmp_path / name), tie, loop]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        started.append(process)
        assert process.stdout
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        with process:
            process.kill()


@both_ties
async def test_data_outlive_a_stop(tmp_path: Path, watch: bool) -> None:
    """What was written before a stop is there after the next start."""
    async with running(tmp_path, watch=watch) as (_, client):
        await client.set("a", "1")
    async with running(tmp_path, watch=watch) as (_, client):
        assert await client.get("a") == "1"


@both_ties
async def test_stop_leaves_nothing_behind(tmp_path: Path, watch: bool) -> None:
    """After a stop there is no server and no socket, and a second stop does no harm."""
    async with running(tmp_path, watch=watch) as (store, _):
        assert not is_gone(store.pid)
    await store.stop()
    assert is_gone(store.pid)
    assert not (tmp_path / "valkey.sock").exists()


async def test_only_our_user_gets_in(tmp_path: Path) -> None:
    """The folder, the socket and every file in it are for our user alone, and there is no TCP port."""
    async with running(tmp_path / "data") as (_, client):
        await client.set("a", "1")
        modes = {path.name: oct(path.stat().st_mode & 0o077) for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]}
        assert set(modes.values()) == {"0o0"}, modes
        assert {"data", "valkey.sock", "valkey.log", "lock"} <= set(modes)
        assert await client.config_get("port") == {"port": "0"}


async def test_options_are_in_force(tmp_path: Path) -> None:
    """The server has no snapshots, syncs its file every second and evicts nothing."""
    expected = {"save": "", "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "aof-load-truncated": "yes"}
    async with running(tmp_path) as (_, client):
        assert await client.config_get(*expected) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_secrets_stay_with_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our settings, secrets among them, are not in the environment that the server gets."""
    monkeypatch.setenv("RATELIMIT_STORE_KEY", "not for the server")
    async with running(tmp_path, watch=True) as (store, _):
        environment = environment_of(os.getpgid(store.pid))  # the watchdog's, since the server writes its title over its own
    assert b"PATH=" in environment
    assert b"RATELIMIT_" not in environment


async def test_ctrl_c_is_not_for_the_server(tmp_path: Path) -> None:
    """The server is in a session of its own, so that the terminal's signals do not end it while we drain."""
    async with running(tmp_path) as (store, _):
        assert os.getsid(store.pid) != os.getsid(0)


@pytest.mark.parametrize("name", ["with space", "quote'\"s", "back\\slash", "Zähler%20", "#?&"])
async def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    """Characters that mean something to a URL or to the server's command line mean nothing in the folder's name."""
    async with running(tmp_path / name) as (_, client):
        assert await client.ping()
    assert (tmp_path / name / "appendonlydir").is_dir()


@pytest.mark.parametrize(("tie", "loop"), [("kernel", "asyncio"), ("kernel", "uvloop"), ("watch", "asyncio"), ("watch", "uvloop")])
async def test_kill_9_of_the_owner(tmp_path: Path, owner: Owner, tie: str, loop: str) -> None:
    """An owner killed without warning takes the server along, and the next start, at once, finds the data."""
    process, server_pid = owner(tie, loop)
    process.kill()  # not yet reaped, so that it still looks alive
    async with running(tmp_path / "data") as (_, client):
        assert is_gone(server_pid)
        assert await client.get("kept") == "by the owner"


async def test_server_left_behind(tmp_path: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if owner and watchdog are killed both, no second server opens the file while the first one lives."""
    monkeypatch.setattr(folder, "LEFT_BEHIND_S", 0.1)
    process, server_pid = owner("watch")
    watchdog_pid = os.getpgid(server_pid)
    os.kill(watchdog_pid, signal.SIGSTOP)  # so that it does nothing when the owner goes
    process.kill()
    process.wait()
    os.kill(watchdog_pid, signal.SIGKILL)
    with pytest.raises(ConfigError, match=rf"data: in use by a server that process {process.pid} left behind; end it"):
        await EmbeddedStore.start(tmp_path / "data")
    os.kill(server_pid, signal.SIGTERM)
    await until(lambda: is_gone(server_pid))
    async with running(tmp_path / "data") as (_, client):
        assert await client.get("kept") == "by the owner"


async def test_second_owner_is_refused(tmp_path: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in use is refused with the number of the process that has it, which is not disturbed."""
    monkeypatch.setattr(folder, "IN_USE_S", 0.05)
    process, server_pid = owner()
    with pytest.raises(ConfigError, match=rf"data: in use by process {process.pid}; stop that one, or set RATELIMIT_DATA"):
        await EmbeddedStore.start(tmp_path / "data")
    assert not is_gone(server_pid)


@both_ties
async def test_server_that_dies_is_restarted(tmp_path: Path, watch: bool) -> None:
    """A server killed under us comes back at the same URL with its data."""
    async with running(tmp_path, watch=watch) as (store, client):
        await client.set("a", "1")
        first = store.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: store.restarts == 1)
        assert store.pid != first
        assert await client.get("a") == "1"


async def test_server_whose_watchdog_dies_is_ended_first(tmp_path: Path) -> None:
    """When only the watchdog dies, its server is ended before another opens the same file."""
    async with running(tmp_path, watch=True) as (store, _):
        first = store.pid
        os.kill(os.getpgid(first), signal.SIGKILL)
        await until(lambda: store.restarts == 1)
        assert is_gone(first)


@pytest.mark.parametrize("obstacle", ["appendonlydir", "valkey.log"])
async def test_restart_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str) -> None:
    """A restart that fails, before or after the server was launched, is tried again until it succeeds."""
    attempts: list[Path] = []

    def counted(log: Path) -> BinaryIO:
        attempts.append(log)
        return server.open_log(log)

    monkeypatch.setattr(embedded, "_BACKOFF_S", (0.01,))
    monkeypatch.setattr(embedded, "open_log", counted)
    async with running(tmp_path) as (store, client):
        await client.set("a", "1")
        (tmp_path / obstacle).rename(tmp_path / "aside")
        (tmp_path / obstacle).mkdir()
        (tmp_path / obstacle / "appendonly.aof.manifest").write_text("nonsense")
        os.kill(store.pid, signal.SIGKILL)
        await until(lambda: len(attempts) > 3)
        shutil.rmtree(tmp_path / obstacle)
        (tmp_path / "aside").rename(tmp_path / obstacle)
        await until(lambda: store.restarts == 1)
        assert await client.get("a") == "1"


@both_ties
async def test_server_that_hangs_is_killed(tmp_path: Path, watch: bool) -> None:
    """A server that does not end at SIGTERM is killed after the grace."""
    store = await EmbeddedStore.start(tmp_path, watch=watch)
    os.kill(store.pid, signal.SIGSTOP)
    pid = store.pid
    await store.stop(grace_s=0.05)
    await until(lambda: is_gone(pid))
    assert is_gone(pid)


async def test_path_too_long_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose path is too long has its socket in a private temporary folder, which a stop removes."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    async with running(tmp_path / ("long" * 25)) as (_, client):
        assert await client.ping()
        (place,) = temporary.iterdir()
        assert place.stat().st_mode & 0o077 == 0
    assert list(temporary.iterdir()) == []


async def test_socket_left_behind_by_a_crash(tmp_path: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder of an owner that was killed is removed at the next start."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    process, server_pid = owner(name="long" * 25)
    process.kill()
    process.wait()
    await until(lambda: is_gone(server_pid))
    (left,) = temporary.iterdir()
    async with running(tmp_path / ("long" * 25)):
        assert left not in set(temporary.iterdir())


async def test_half_a_command_at_the_end_of_the_file(tmp_path: Path) -> None:
    """What a power cut leaves, half a command, is cut off; the rest is there."""
    async with running(tmp_path) as (_, client):
        await client.set("a", "1")
    file = incremental_file(tmp_path)
    with file.open("ab") as out:
        out.write(b"*3\r\n$3\r\nSET\r\n$1\r\nb")
    async with running(tmp_path) as (_, client):
        assert await client.keys() == ["a"]


async def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A broken file is an error with what the server logged and what would do, and the folder is free again."""
    async with running(tmp_path) as (_, client):
        await client.set("a", "1")
    file = incremental_file(tmp_path)
    content = file.read_bytes()
    file.write_bytes(b"nonsense\r\n" + content)
    message = r"(?s)ended with code 1 while starting.*Bad file format.*RATELIMIT_REDIS_URL.*move .*appendonlydir away"
    with pytest.raises(DependencyError, match=message):
        await EmbeddedStore.start(tmp_path)
    file.write_bytes(content)
    async with running(tmp_path) as (_, client):
        assert await client.get("a") == "1"


async def test_ready_means_loaded(tmp_path: Path) -> None:
    """The start waits until all of a large file is loaded."""
    async with running(tmp_path) as (_, client):
        await client.set("a", "1")
    file = incremental_file(tmp_path)
    with file.open("wb") as out:
        out.writelines(b"*3\r\n$3\r\nSET\r\n$7\r\n%07d\r\n$1\r\n1\r\n" % number for number in range(300_000))
    async with running(tmp_path) as (_, client):
        assert await client.dbsize() == 300_000


async def test_silent_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer in time is ended, and the error says so."""
    monkeypatch.setattr(embedded, "ANSWER_S", 0.0)
    with pytest.raises(DependencyError, match="did not answer within 0 s"):
        await EmbeddedStore.start(tmp_path)
    monkeypatch.undo()
    async with running(tmp_path) as (_, client):
        assert await client.ping()


async def test_start_in_a_thread_is_left_to_the_watchdog(tmp_path: Path) -> None:
    """Outside the main thread the watchdog is taken, since the kernel would end the server with the thread."""

    async def is_watched() -> bool:
        async with running(tmp_path) as (store, _):
            return store.pid != os.getpgid(store.pid)

    assert await asyncio.to_thread(asyncio.run, is_watched())
