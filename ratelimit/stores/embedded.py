"""The embedded store: a Valkey server of our own on a Unix socket, bound to our life.

Responsible for its start (ready when it serves, its append-only file loaded), its restart when it dies under us, and its end. The wheel's
own wrapper is not used: its server outlives a killed parent. One process owns the server and hands `url` to its workers; workers are to be
started by exec, since a mere fork would hold the watchdog's pipe open.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from pathlib import Path
from typing import BinaryIO, Final, Self
from urllib.parse import quote

import structlog
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ratelimit.core.errors import RatelimitError
from ratelimit.stores import watchdog
from ratelimit.stores.folder import DataFolder, claim_folder
from ratelimit.stores.server import explain, find_server, open_log, server_options

ANSWER_S: Final = 10.0  # how long a starting server may be silent; one that says it is loading has as long as it needs
STOP_S: Final = 5.0  # between SIGTERM and SIGKILL
_POLL_S: Final = 0.005
_BACKOFF_S: Final = (0.1, 0.5, 2.0, 5.0)  # before the first restart, the second, ...; the last one stays
_STEADY_S: Final = 60.0  # a server that ran this long begins anew with the first backoff
_PROGRESS_STEP: Final = 10  # percent loaded between two lines of the log

_log = structlog.get_logger()


class EmbeddedStore:
    """A running server: `url` for its clients (the same after a restart), `pid` and `restarts` for whoever looks after it."""

    def __init__(self, binary: Path, folder: DataFolder, *, watch: bool, durable: bool = True) -> None:
        self.url: Final = f"unix://{quote(str(folder.socket))}"
        self.pid = 0
        self.restarts = 0
        self._folder = folder
        self._command = _bound_to_us([str(binary), *server_options(folder, durable=durable)], watch=watch)
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopped = False

    @classmethod
    async def start(cls, data: Path, *, watch: bool = False, durable: bool = True) -> Self:
        """Start the server of this data folder; returns when it is ready.

        `watch` takes the watchdog process where the kernel would do; without `durable` nothing is written to disk. Raises ConfigError (the
        folder cannot be used, or another process has it) and DependencyError (no server for this platform, or it does not start).
        """
        binary = find_server()
        watch = watch or threading.current_thread() is not threading.main_thread()
        store = cls(binary, await claim_folder(data), watch=watch, durable=durable)
        try:
            await store._launch()
        except BaseException:
            await store.stop()
            raise
        store._supervisor = asyncio.create_task(store._supervise(), name="embedded-store")
        return store

    async def stop(self, grace_s: float = STOP_S) -> None:
        """End the server, which writes and syncs its file first, and give the folder up; doing so twice does no harm."""
        if self._stopped:
            return
        self._stopped = True
        if self._supervisor:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        await self._end_process(grace_s)
        self._folder.release()

    async def _launch(self) -> None:
        with open_log(self._folder.log) as log:
            start = log.tell()
            self._process = await _spawn(self._command, log, self._folder.lock)
        try:
            self.pid = await self._until_ready(self._process)
        except TimeoutError:
            raise explain(f"did not answer within {ANSWER_S:g} s", self._folder.log, start) from None
        if not self.pid:
            raise explain(f"ended with code {self._process.returncode} while starting", self._folder.log, start)

    async def _until_ready(self, process: Process) -> int:
        """The server's process id once it serves, 0 when it has ended instead; raises TimeoutError."""
        clock = asyncio.get_running_loop().time
        said = -_PROGRESS_STEP
        client = Redis(unix_socket_path=str(self._folder.socket), retry=Retry(NoBackoff(), 0))
        async with client, asyncio.timeout(ANSWER_S) as silence:
            while process.returncode is None:
                with contextlib.suppress(exceptions.ConnectionError):
                    info = await client.info("server", "persistence")  # unlike PING it is answered while loading, too
                    if not info["loading"]:
                        return int(info["process_id"])
                    silence.reschedule(clock() + ANSWER_S)
                    said = _say_progress(int(info["loading_loaded_perc"]), said)
                await asyncio.sleep(_POLL_S)
        return 0

    async def _supervise(self) -> None:
        clock = asyncio.get_running_loop().time
        failures = 0
        while process := self._process:
            since = clock()
            code = await process.wait()
            _log.error("embedded store ended", exit_code=code, see=str(self._folder.log))
            failures = failures + 1 if clock() - since < _STEADY_S else 1
            while not await self._restart(_BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1]):
                failures += 1

    async def _restart(self, backoff_s: float) -> bool:
        await self._end_process(0)  # whatever is left of it, before another opens the same file
        await asyncio.sleep(backoff_s)
        try:
            await self._launch()
        except (RatelimitError, OSError) as error:
            _log.error("embedded store did not restart", error=str(error))
            return False
        self.restarts += 1
        _log.warning("embedded store restarted", pid=self.pid, restarts=self.restarts)
        return True

    async def _end_process(self, grace_s: float) -> None:
        process, self._process = self._process, None  # once: its number may soon be another's
        if process:
            await _end(process, grace_s)


def _bound_to_us(command: list[str], *, watch: bool) -> list[str]:
    how = ["--watch"] if watch else []
    return [sys.executable, "-I", "-S", watchdog.__file__, *how, str(os.getpid()), "--", *command]


async def _spawn(command: list[str], log: BinaryIO, lock: int) -> Process:
    return await create_subprocess_exec(
        *command,
        stdin=PIPE,  # its end tells the watchdog that we are gone
        stdout=log,
        stderr=log,
        env={name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")},  # our secrets stay here
        pass_fds=[lock],
        start_new_session=True,  # Ctrl-C is for us alone: we drain first, then the server ends
    )


async def _end(process: Process, grace_s: float) -> None:
    """SIGTERM, then SIGKILL for all that is left of its group: a watchdog's server, a rewrite of the append-only file."""
    if process.returncode is None and grace_s:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    if process.stdin:
        process.stdin.close()


def _say_progress(percent: int, said: int) -> int:
    """Log it if it is a step beyond what was `said` last; returns what has now been said."""
    if percent < said + _PROGRESS_STEP:
        return said
    _log.info("embedded store is loading its data", percent=percent)
    return percent
